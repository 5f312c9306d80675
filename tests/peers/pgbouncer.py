"""A real PgBouncer before the tests' PostgreSQL, in transaction mode: each statement outside a transaction may meet
another connection of the server, and with `server_round_robin` it does."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2

from tests.support.live import free_port
from tests.support.peer_programs import Program, listens, need, running

CONNECTIONS = 4  # to the server
# As docs/runbook-servers.md says: while PostgreSQL is away PgBouncer lets clients wait, two minutes by its own default.
PATIENCE = {"query_wait_timeout": 5, "server_connect_timeout": 3, "server_login_retry": 1}


@contextmanager
def pgbouncer(folder: Path, database: Mapping[str, Any]) -> Iterator[int]:
    """Its port, once all its connections to `database` (as in DATABASES) are open."""
    program, port = need("pgbouncer"), free_port()
    place = {"host": database["HOST"], "port": database["PORT"] or 5432, "dbname": database["NAME"]}
    place |= {"user": database["USER"], "password": database["PASSWORD"]}
    settings = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "any",
        "admin_users": "nobody",
        "pool_mode": "transaction",
        "server_round_robin": 1,
        "default_pool_size": CONNECTIONS,
        "max_client_conn": 100,
        **PATIENCE,
        "log_connections": 0,
        "log_disconnections": 0,
    }
    if os.geteuid() == 0:
        settings["user"] = "nobody"  # it refuses to run as root
    words = " ".join(f"{name}={value}" for name, value in place.items() if value)
    lines = ["[databases]", f"{place['dbname']} = {words}", "[pgbouncer]"]
    file = folder / "pgbouncer.ini"
    file.write_text("\n".join([*lines, *(f"{name} = {value}" for name, value in settings.items())]) + "\n")
    with running(Program(folder, "pgbouncer", [program, str(file)]), lambda: listens(port)) as started:
        client = {"host": "127.0.0.1", "port": port, "dbname": place["dbname"], "user": place["user"]}
        _open_all(client)
        assert len(servers(client)) == CONNECTIONS, started.last_words()
        yield port


def _open_all(client: dict[str, Any]) -> None:
    """The pooler opens a connection when all it has are in a transaction."""
    links = [psycopg2.connect(**client) for _ in range(CONNECTIONS)]
    for link in links:
        link.cursor().execute("SELECT 1")  # in a transaction, as psycopg2 begins one
    for link in links:
        link.rollback()  # of a client that goes away in a transaction, the server's connection is closed as well
        link.close()


def servers(client: dict[str, Any]) -> set[int]:
    """The server's processes that a client of the pooler meets, one after the other."""
    link = psycopg2.connect(**client)
    link.autocommit = True
    try:
        with link.cursor() as cursor:
            met = set()
            for _ in range(3 * CONNECTIONS):
                cursor.execute("SELECT pg_backend_pid()")
                met.add(cursor.fetchone()[0])
            return met
    finally:
        link.close()
