"""A real Postfix of the tests' own: in a folder of its own, on a free port of the loopback, gone with the test.

It takes letters for the domains of `BOXES` into mailboxes on the disk, refuses by tables that a test writes (as an
administrator would), and relays nothing to anybody.
"""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from tests.support.mail_fixtures import free_port
from tests.support.peer_programs import lacking, need

BOXES = ("example.org", "example.com", "xn--hhbbbed.example")  # the domains that are at home here
_NOBODY = 65534
# Each line: a service of Postfix, without chroot. maxproc 20: the tests connect from one address only.
_SERVICES = """
{port} inet n - n - 20 smtpd {tls}
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - error
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
_SETTINGS = """
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/log
maillog_file_prefixes = {home}
myhostname = mx.peers.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = no
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {home}/boxes
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{nobody}
virtual_gid_maps = static:{nobody}
default_transport = error:nothing leaves this machine
smtpd_client_restrictions = check_client_access texthash:{home}/clients
smtpd_helo_restrictions = check_helo_access texthash:{home}/hello
smtpd_sender_restrictions = check_sender_access texthash:{home}/senders
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access texthash:{home}/recipients
smtpd_data_restrictions = check_sender_access texthash:{home}/before_data
smtpd_end_of_data_restrictions = check_recipient_access texthash:{home}/after_data
header_checks = regexp:{home}/headers
{more}
"""
_STARTS = 3  # after a crash, its check of the queue may find files that vanish meanwhile, and refuse
_TABLES = ("clients", "hello", "senders", "recipients", "before_data", "after_data", "headers")


class Postfix:
    """One instance. Its tables are written before it starts, or with `rewrite`."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("etc", "queue", "data", "boxes"):
            (home / name).mkdir()
        shutil.chown(home / "data", "postfix")
        os.chown(home / "boxes", _NOBODY, _NOBODY)
        for name in _TABLES:
            (home / name).write_text("")

    def start(self, *, more: str = "", tables: dict[str, str] | None = None, tls: str = "") -> None:
        """Start it, and wait until it greets. `more`: lines of main.cf; `tables`: lines by the name of a table; `tls`:
        options of the listening service."""
        wrapped = "wrappermode=yes" in tls
        values = {"home": self.home, "domains": " ".join(BOXES), "nobody": _NOBODY, "port": f"127.0.0.1:{self.port}"}
        (self.home / "etc/main.cf").write_text(_SETTINGS.format(more=more, **values))
        (self.home / "etc/master.cf").write_text(_SERVICES.format(tls=tls, **values))
        for name, text in (tables or {}).items():
            (self.home / name).write_text(text)
        for _try in range(_STARTS):
            self._process = process = subprocess.Popen(
                [need("postfix"), "-c", str(self.home / "etc"), "start-fg"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            self._wait(lambda process=process: process.poll() is not None or self._greets(wrapped=wrapped))
            if process.poll() is None:
                return
        raise AssertionError(f"Postfix does not start:\n{self.log}")

    def rewrite(self, **tables: str) -> None:
        """Write these tables anew. Postfix reads them before its next connection: its old processes are ended."""
        for name, text in tables.items():
            (self.home / name).write_text(text)
        self._run("reload")

    def stop(self) -> None:
        """End it, with its processes. What it took is still there, and it can be started again."""
        if self._process is not None:
            self._run("stop")
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
            self._process = None

    def kill(self) -> None:
        """End it and all its processes at once, as a loss of power would."""
        assert self._process is not None
        for process in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._process.wait(10)
        self._process = None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """None of its processes moves while the block lasts; connections are still taken, by the system."""
        processes = self._processes()
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    def _processes(self) -> list[int]:
        """Its master and what that started."""
        found = []
        for place in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if f"MAIL_CONFIG={self.home}/etc".encode() in place.read_bytes():
                    found.append(int(place.parent.name))
        return found

    def delivered(self, count: int) -> list[tuple[bytes, EmailMessage]]:
        """The letters in its mailboxes, as bytes and strictly parsed, as soon as there are `count`."""
        self._wait(lambda: len(self._files()) >= count)
        raw = [path.read_bytes() for path in self._files()]
        return [(text, message_from_bytes(text, policy=policy.default.clone(raise_on_defect=True))) for text in raw]

    @property
    def log(self) -> str:
        """What it wrote so far."""
        path = self.home / "log"
        return path.read_text() if path.exists() else ""

    def _files(self) -> list[Path]:
        return sorted(self.home.glob("boxes/all/new/*"), key=lambda path: path.stat().st_mtime_ns)

    def _run(self, command: str) -> None:
        subprocess.run(
            [need("postfix"), "-c", str(self.home / "etc"), command],
            capture_output=True,
            timeout=60,
            check=False,
        )

    def _greets(self, *, wrapped: bool) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as talk:
                return wrapped or talk.recv(3) in (b"220", b"421", b"554")
        except OSError:
            return False

    def _wait(self, condition) -> None:
        """Until `condition` holds, at most half a minute."""
        ends = time.monotonic() + 30
        while not condition():
            if time.monotonic() > ends:
                raise AssertionError(f"Postfix did not come so far:\n{self.log}")
            time.sleep(0.05)


@contextmanager
def postfix() -> Iterator[Postfix]:
    """An instance that is not started yet. Skips the test where Postfix is not installed, or we are not root, which
    Postfix must be to become its own user."""
    need("postfix")
    if os.geteuid() != 0:
        lacking("Postfix is started by root only")
    home = Path(tempfile.mkdtemp(prefix="postfix-"))  # not pytest's folder, which only root may enter
    home.chmod(0o755)
    server = Postfix(home)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


class _Talk(socketserver.StreamRequestHandler):
    """Dovecot's protocol for authentication, which Postfix speaks: one user."""

    def handle(self) -> None:
        self._say("VERSION\t1\t1", "MECH\tPLAIN\tplaintext", "SPID\t1", "CUID\t1", f"COOKIE\t{'0' * 32}", "DONE")
        for line in self.rfile:
            words = line.decode().rstrip("\n").split("\t")
            if words[0] == "AUTH":
                response = next(word for word in words if word.startswith("resp=")).removeprefix("resp=")
                _, user, password = base64.b64decode(response).decode().split("\0")
                right = (user, password) == self.server.known  # type: ignore[attr-defined]
                self._say(f"{'OK' if right else 'FAIL'}\t{words[1]}\tuser={user}")

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\n" for line in lines).encode())
        self.wfile.flush()


class _Passwords(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    known = ("", "")


@contextmanager
def passwords(server: Postfix, user: str, password: str) -> Iterator[str]:
    """Let `server` ask for this user and password; yields the lines of main.cf for that."""
    path = server.home / "passwords"
    with _Passwords(str(path), _Talk) as known:
        path.chmod(0o666)
        known.known = (user, password)
        thread = threading.Thread(target=known.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = {path}\n"
        finally:
            known.shutdown()
            thread.join(10)
            with contextlib.suppress(OSError):
                path.unlink()
