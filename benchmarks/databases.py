"""Makes databases for one run: migrated once, copied for each fault; and a PostgreSQL server that may be killed."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

from benchmarks.sms_world import ROOT, answers, free_port, until

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
QUIET = subprocess.DEVNULL


@contextlib.contextmanager
def migrated(server: str, folder: Path) -> Iterator[str]:
    """The URL of a new database with the portal's tables: on `server` (a URL), or an SQLite file in `folder`."""
    with new_database(server, folder) as url:
        migrate(url, folder)
        yield url


def migrate(url: str, folder: Path) -> None:
    env = {"PATH": os.environ["PATH"], "PORTAL_HOME": str(folder), "PORTAL_MODE": "demo", "SECRET_KEY": "x" * 50}
    command = [sys.executable, str(ROOT / "manage.py"), "migrate", "--noinput", "-v0"]
    subprocess.run(command, env=env | {"DATABASE_URL": url}, cwd=ROOT, check=True, timeout=120)


@contextlib.contextmanager
def new_database(server: str, folder: Path, *, copy_of: str = "") -> Iterator[str]:
    """The URL of a database that is dropped afterwards; empty, or a copy."""
    name = f"tamin_faults_{secrets.token_hex(4)}"
    if not server.startswith("postgres"):
        file = folder / f"{name}.sqlite3"
        if copy_of:
            shutil.copy(copy_of.removeprefix("sqlite:///"), file)
        yield f"sqlite:///{file}"
        return
    template = f" TEMPLATE {urlsplit(copy_of).path[1:]}" if copy_of else ""
    execute(server, f"CREATE DATABASE {name}{template}")
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def execute(server: str, statement: str) -> None:
    """Run one statement in the server's own database, outside any transaction."""
    connection = psycopg2.connect(urlsplit(server)._replace(scheme="postgresql", path="/postgres").geturl())
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def programs() -> Path | None:
    """The folder with initdb and postgres; None where no PostgreSQL server is installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    found = shutil.which("initdb")
    return folders[-1] if folders else Path(found).parent if found else None


class PrivatePostgres:
    """A server of one's own. PostgreSQL refuses to run as root, so root runs it as `postgres` or `nobody`."""

    def __init__(self, folder: Path, owner: pwd.struct_passwd | None) -> None:
        found = programs()
        if found is None:
            raise FileNotFoundError("no PostgreSQL server is installed here")
        self.bin, self.folder, self.port = found, folder, free_port()
        self.as_owner = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
        self.server: subprocess.Popen[bytes] | None = None
        initdb = [
            str(found / "initdb"),
            "-D",
            str(folder / "data"),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "-N",
        ]
        subprocess.run([*initdb, "--no-locale"], check=True, cwd=folder, stdout=QUIET, timeout=60, **self.as_owner)

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Returns once it takes connections, after a crash recovery if one is due."""
        options = ["-p", str(self.port), "-k", str(self.folder), "-c", "listen_addresses=127.0.0.1"]
        with (self.folder / "log").open("ab") as log:
            self.server = subprocess.Popen(
                [str(self.bin / "postgres"), "-D", str(self.folder / "data"), *options],
                cwd=self.folder,
                env={"PATH": os.environ["PATH"]},
                stdout=log,
                stderr=log,
                process_group=0,
                preexec_fn=end_with_parent,
                **self.as_owner,
            )
        ready = [str(self.bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        until(lambda: answers(self.port) and not subprocess.run(ready).returncode, "PostgreSQL does not start", 60)

    def stop(self, how: signal.Signals) -> None:
        """SIGINT: a fast shutdown, transactions are rolled back. SIGQUIT: at once, as in a crash."""
        if self.server and self.server.poll() is None:
            self.server.send_signal(how)
            self.server.wait(30)


def end_with_parent() -> None:
    """In the child, before it becomes the program: SIGQUIT when its parent dies."""
    if LIBC:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)


@contextlib.contextmanager
def private_postgres() -> Iterator[PrivatePostgres]:
    """A running server; afterwards nothing of it is left."""
    folder = Path(tempfile.mkdtemp(prefix="portal-pg-"))
    owner = someone_else() if os.getuid() == 0 else None
    if owner:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    postgres = None
    try:
        postgres = PrivatePostgres(folder, owner)
        postgres.start()
        yield postgres
    finally:
        if postgres:
            postgres.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


def someone_else() -> pwd.struct_passwd:
    """Whom root runs PostgreSQL as."""
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]
