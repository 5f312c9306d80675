"""The database and the Redis of a portal under test, which a test may stop, freeze and bring back."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import redis

from tests.support.live import Portal, free_port, run, wait_for

LEASES = {"LIMIT_MATCH_LEASE": "40", "LIMIT_REGISTRY_BATCH_TIME": "15", "LIMIT_SMS_LEASE": "30"}  # seconds
SLOW = LEASES | {
    "IDENTITY_OWNER_REGISTRIES": "slow",
    "IDENTITY_PERSON_REGISTRIES": "slow",
    "IDENTITY_SLOW_KIND": "tests.support.slow_registry.SlowRegistry",
}


class EmbeddedRedis:
    """The home's own: supervisord brings it back at once, unless its settings are out of its reach."""

    def __init__(self, portal: Portal) -> None:
        self.portal, self.conf = portal, portal.folder / "run/redis.conf"
        self.away = self.conf.with_suffix(".away")

    def pid(self) -> int:
        return self.portal.pid_of("redis")

    def stop(self) -> None:
        self.conf.rename(self.away)
        os.kill(self.pid(), signal.SIGKILL)
        wait_for(lambda: "exited: redis" in self.portal.log("supervisord"))

    def start(self) -> None:
        self.away.rename(self.conf)


class OwnRedis:
    """A redis-server of the test's, on a free port. Never one that somebody else uses."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def start(self) -> None:
        settings = ["--port", str(self.port), "--bind", "127.0.0.1", "--appendonly", "yes", "--save", ""]
        command = ["redis-server", *settings, "--dir", str(self.folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for(self._answers)

    def _answers(self) -> bool:
        try:
            with redis.Redis(port=self.port, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


class Stage:
    """A portal and the Redis it hangs on."""

    def __init__(self, portal: Portal, its_redis: EmbeddedRedis | OwnRedis) -> None:
        self.portal, self.redis = portal, its_redis

    @contextmanager
    def redis_frozen(self) -> Iterator[None]:
        pid = self.redis.pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def embedded(folder: Path) -> Iterator[Stage]:
    with run(folder / "home", env=SLOW) as portal:
        portal.until_ready()
        yield Stage(portal, EmbeddedRedis(portal))


@contextmanager
def real(folder: Path) -> Iterator[Stage]:
    """PostgreSQL where DATABASE_URL says, in a database of its own, and a Redis of its own."""
    url = urlsplit(os.environ["DATABASE_URL"])
    name = f"live_{os.getpid()}"
    its_redis = OwnRedis(folder)
    try:
        with _database(url._replace(path="/postgres").geturl(), name):
            env = {"DATABASE_URL": url._replace(path=f"/{name}").geturl(), "REDIS_URL": its_redis.url}
            with run(folder / "home", env=SLOW | env) as portal:
                portal.until_ready()
                yield Stage(portal, its_redis)
    finally:
        its_redis.stop()


def has_real() -> bool:
    return os.environ.get("DATABASE_URL", "").startswith("postgres") and bool(shutil.which("redis-server"))


@contextmanager
def _database(maintenance: str, name: str) -> Iterator[None]:
    connection = psycopg2.connect(maintenance)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
            try:
                yield
            finally:
                cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        connection.close()
