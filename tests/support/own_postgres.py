"""A PostgreSQL of the test's own, which it may stop and restart. Never one that somebody else uses."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.live import free_port
from tests.support.peer_programs import lacking


class OwnPostgres:
    """A cluster in `folder`, run by `user` (root may not). `tls`: it can be reached by TLS as well."""

    def __init__(self, binaries: Path, folder: Path, user: str, *, tls: bool) -> None:
        self._binaries, self._folder, self._user = binaries, folder, user
        self.port = free_port()
        self.url = f"postgres://portal@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "-D", str(folder / "data"), "-U", "portal", "-A", "trust", "--no-sync")
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        if tls:
            # In the data's folder, as the server's user: nobody else may read the key.
            names = ["-keyout", str(folder / "data/server.key"), "-out", str(folder / "data/server.crt")]
            key = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", *names]
            self._as_user(*key)
            settings["ssl"] = "on"
        with (folder / "data/postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        self.start()

    def start(self) -> None:
        self._control("start", "-l", str(self._folder / "log"))

    def stop(self, how: str = "fast") -> None:
        self._control("stop", "-m", how)

    def restart(self) -> None:
        self._control("restart", "-m", "fast", "-l", str(self._folder / "log"))

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-w", "-D", str(self._folder / "data"), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        self._as_user(str(self._binaries / program), *arguments)

    def _as_user(self, *arguments: str) -> None:
        as_user = ["setpriv", f"--reuid={self._user}", f"--regid={self._user}", "--clear-groups", "--"]
        command = [*(as_user if os.geteuid() == 0 else []), *arguments]
        # Not a pipe: the server that pg_ctl starts would keep it open.
        with (self._folder / "said").open("w") as said:
            done = subprocess.run(command, cwd=self._folder, stdout=said, stderr=said, timeout=120)
        assert done.returncode == 0, (self._folder / "said").read_text()


@contextmanager
def own_postgres(*, tls: bool = False) -> Iterator[OwnPostgres]:
    """Serving; afterwards it is gone. The test is skipped where its programs or a user for it are missing."""
    binaries = _binaries()
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if binaries is None:
        lacking("needs PostgreSQL's own programs (initdb, pg_ctl)")
    if os.geteuid() == 0 and (not shutil.which("setpriv") or user not in {each.pw_name for each in pwd.getpwall()}):
        lacking("root may not run PostgreSQL: needs setpriv and a user postgres")
    assert binaries is not None
    folder = Path(tempfile.mkdtemp(prefix="own-postgres-"))  # not tmp_path, which another user may not enter
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, user, user)
        server = OwnPostgres(binaries, folder, user, tls=tls)
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path | None:
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: int(place.parent.name), reverse=True)
    if on_path := shutil.which("initdb"):
        places.insert(0, Path(on_path).parent)
    return next((place for place in places if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)
