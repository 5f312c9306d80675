"""docker-compose.yml: who may reach what, and that an installation as it describes passes the portal's own checks."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connection

from tests.support.paths import ROOT

COMPOSE = Path(sys.prefix) / "bin/docker-compose"
REAL = {
    "PORTAL_MODE": "production",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "CODE_HASH_KEY": secrets.token_urlsafe(50),
    "ANSWER_HASH_KEY": secrets.token_urlsafe(50),
    "ALLOWED_HOSTS": "portal.example.org",
    "POSTGRES_PASSWORD": secrets.token_urlsafe(20),
    "SMS_GATEWAYS": "kave",
    "SMS_KAVE_KIND": "kavenegar",
    "SMS_KAVE_KEY": "k",
    "SMS_KAVE_SENDER": "3000",
    "SMS_DAILY_BUDGET": "50000",
}


def composed(folder: Path, settings: dict[str, str], *options: str) -> dict[str, Any]:
    """The file as Compose reads it, in a checkout whose .env has `settings`."""
    for name in ("docker-compose.yml", "tools"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    command = [str(COMPOSE), "--project-directory", str(folder), *options, "config", "--format", "json"]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def checked(folder: Path, service: dict[str, Any], **more: str) -> subprocess.CompletedProcess[str]:
    """The command of `settings`, with the environment that the service `settings` would have."""
    own = {name: value for name, value in service["environment"].items() if value is not None}
    env = {"PATH": os.environ["PATH"], "PORTAL_HOME": str(folder), **own, **more}
    command = [sys.executable, "manage.py", "check"]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


def test_a_real_installation_passes_its_own_checks(tmp_path):
    done = checked(tmp_path, composed(tmp_path, REAL)["services"]["settings"])
    assert done.returncode == 0, done.stderr
    assert "portal.W" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("HTTPS", "off", "portal.E033"),
        ("FRONT_TRUSTED_PROXIES", "0.0.0.0/0", "portal.E032"),
        ("SECRET_KEY", "a" * 60, "portal.E026"),
        ("SMS_DAILY_BUDGET", "0", "sms.E016"),
        ("DATABASE_URL", "postgres://u:p@db.example.org/portal", "portal.E041"),
        ("REDIS_URL", "redis://redis.example.org/0", "portal.E043"),
        ("POSTGRES_PASSWORD", "demo-only", "portal.E040"),
        ("ALLOW_UNSAFE", "htps", "portal.E060"),
    ],
)
def test_an_unsafe_one_does_not_start(tmp_path, name, value, fault):
    done = checked(tmp_path, composed(tmp_path, REAL | {name: value})["services"]["settings"])
    assert done.returncode == 1
    assert fault in done.stderr


def test_with_nothing_set_only_the_demo_starts(tmp_path):
    done = checked(tmp_path, composed(tmp_path, {})["services"]["settings"])
    assert done.returncode == 1
    assert "SECRET_KEY" in done.stderr
    (tmp_path / "demo").mkdir()
    demo = composed(tmp_path / "demo", {}, "--profile", "demo")["services"]
    home = {"PORTAL_MODE": "demo", "SECRET_KEY": "x" * 60}  # what demo-settings writes
    assert checked(tmp_path, demo["settings"], **home).returncode == 0


def test_the_portal_trusts_the_network_that_it_shares_with_the_front_and_no_other(tmp_path):
    """On two shared networks the front could come from either, and from one of them nobody would believe it."""
    found = composed(tmp_path, REAL)
    shared = set(found["services"]["front"]["networks"]) & set(found["services"]["web"]["networks"])
    [subnet] = [each["subnet"] for name in shared for each in found["networks"][name]["ipam"]["config"]]
    for name in ("web", "worker", "beat", "settings"):
        own = found["services"][name]["environment"]
        assert own["TRUSTED_PROXIES"] == own["INTERNAL_NETWORK"] == subnet
    assert all(found["networks"][name]["internal"] for name in shared)


def test_the_front_believes_this_host_alone_unless_it_is_told_otherwise(tmp_path):
    found = composed(tmp_path, REAL)
    [door] = set(found["services"]["front"]["networks"]) - {"inside"}
    [there] = found["networks"][door]["ipam"]["config"]
    trusted = found["services"]["front"]["environment"]["FRONT_TRUSTED_PROXIES"]
    assert trusted == there["gateway"]
    assert ipaddress.ip_address(trusted) in ipaddress.ip_network(there["subnet"])
    assert [name for name, service in found["services"].items() if door in service["networks"]] == ["front"]


def test_what_runs_in_the_containers_can_be_run():
    for name in ("front-trust.sh", "database-role.sh"):
        assert os.access(ROOT / "tools" / name, os.X_OK)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
def test_the_databases_role_owns_the_portals_database_and_is_no_superuser():
    """tools/database-role.sh on a real server, with a superuser of its own in the place of the image's."""
    mark, word = f"compose_{os.getpid()}", 'it\'s a "word"'
    boss, role, at = f"{mark}_boss", f"{mark}_role", connection.settings_dict
    place = {"host": at["HOST"], "port": at["PORT"] or 5432}
    env = {"PATH": os.environ["PATH"], "PGHOST": place["host"], "PGPORT": str(place["port"]), "PGPASSWORD": "word"}
    env |= {"POSTGRES_USER": boss, "POSTGRES_DB": mark, "POSTGRES_PASSWORD": word, "PORTAL_ROLE": role}
    chief = {"user": at["USER"], "password": at["PASSWORD"] or None, "dbname": "postgres"}
    with one_by_one(**place, **chief) as run:
        run(f"CREATE ROLE {boss} SUPERUSER LOGIN PASSWORD 'word'")
        run(f"CREATE DATABASE {mark} OWNER {boss}")
        try:
            script = [str(ROOT / "tools/database-role.sh")]
            subprocess.run(script, env=env, check=True, capture_output=True, timeout=60)
            with one_by_one(**place, user=role, password=word, dbname=mark) as run_as_portal:
                run_as_portal("CREATE TABLE mine (id int)")
            may = "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = "
            assert run(f"{may}'{role}'") == [(False,)]
            assert run(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{boss}'") == [(None,)]
        finally:
            run(f"DROP DATABASE {mark} WITH (FORCE)")
            run(f"DROP ROLE IF EXISTS {role}")
            run(f"DROP ROLE {boss}")


@contextlib.contextmanager
def one_by_one(**place: Any) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:
    """Runs a statement on a connection of its own, each committed at once; returns the rows."""
    with contextlib.closing(psycopg2.connect(**place)) as link:
        link.autocommit = True

        def run(statement: str) -> list[tuple[Any, ...]]:
            with link.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

        yield run
