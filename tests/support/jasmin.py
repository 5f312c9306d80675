"""Jasmin, an SMS gateway from PyPI, with its own RabbitMQ and Redis: a real SMPP server and HTTP API before the phones.

Its SMSC, and so the phones, is tests/support/smpp_peer.mjs: what is under test is what lies between it and the portal.
Jasmin is told what to do as its operators do it, by the words of its console.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.live import free_port
from tests.support.paths import ROOT
from tests.support.peer_programs import Program, lacking, listens, need
from tests.support.sms_stubs.smpp import PEER, node

VENV = ROOT / "build/jasmin"
RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # the program itself: what is on PATH wants to be another user
USER, PASSWORD = "portal", "jas-0F4"  # eight letters at the most
BINDINGS = 2


class Jasmin:
    """jasmind, RabbitMQ, Redis and the SMSC behind it. `bindings` is how many binds its user may have."""

    def __init__(self, folder: Path, *, bindings: int = BINDINGS, throughput: float = 0, delay: int = 0) -> None:
        """`throughput`: messages a second, 0 for any. `delay`: milliseconds that the SMSC behind it takes to answer."""
        if not (VENV / "bin/jasmind.py").exists():
            lacking("needs build/jasmin (make test-peers makes it)")
        if not Path(RABBITMQ).exists():
            lacking("needs RabbitMQ (package rabbitmq-server)")
        self.folder, self.bindings, self.throughput = folder, bindings, throughput
        names = ("smpp", "http", "console", "router", "clients", "smpps_pb", "amqp", "erlang", "epmd", "redis", "smsc")
        self.port = {name: free_port() for name in names}
        self.phones_log = folder / "phones.jsonl"
        self.rabbit = Program(folder, "rabbitmq", [RABBITMQ], env=self._rabbit_env())
        redis = ["--port", str(self.port["redis"]), "--bind", "127.0.0.1", "--save", ""]
        self.redis = Program(folder, "redis", [need("redis-server"), *redis, "--dir", str(folder)])
        peer = ["--port", str(self.port["smsc"]), "--log", str(self.phones_log), "--receipts", "once"]
        peer += ["--receipt-delay", "500"]  # Jasmin loses receipts that are quicker than its own notes of the answer
        command = [node(), str(PEER), *peer, "--delay", str(delay)]
        self.smsc = Program(folder, "smsc", command, talks=True)
        program = (VENV / "bin/jasmind.py").read_text()
        (folder / "jasmind.py").write_text(program.replace("/tmp/jasmind", f"{folder}/lock"))  # one a machine otherwise
        daemon = [str(VENV / "bin/python"), str(folder / "jasmind.py"), "-c", str(self._configuration())]
        env = {"PATH": os.environ["PATH"], "ROOT_PATH": str(folder), "LOG_PATH": str(folder)}
        self.jasmind = Program(folder, "jasmind", [*daemon, "--enable-dlr-lookup", "--enable-dlr-thrower"], env=env)

    def _rabbit_env(self) -> dict[str, str]:
        home = self.folder / "rabbitmq"
        home.mkdir()
        (home / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{self.port['amqp']}\n")
        (home / "plugins").write_text("[].\n")
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "RABBITMQ_NODENAME": f"jasmin{self.port['amqp']}@localhost",
            "RABBITMQ_DIST_PORT": str(self.port["erlang"]),
            "ERL_EPMD_PORT": str(self.port["epmd"]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(home / "data"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_PID_FILE": str(home / "pid"),
        }

    def _configuration(self) -> Path:
        [spec] = VENV.glob("lib/*/site-packages/txamqp/specs/standard/amqp0-9-1.stripped.xml")
        store = self.folder / "etc/jasmin/store"
        store.mkdir(parents=True)
        sections = {
            "smpp-server": {"bind": "127.0.0.1", "port": self.port["smpp"]},
            "smpp-server-pb": {"bind": "127.0.0.1", "port": self.port["smpps_pb"]},
            "smpp-server-pb-client": {"port": self.port["smpps_pb"]},
            "client-management": {"bind": "127.0.0.1", "port": self.port["clients"], "store_path": store},
            "router": {"bind": "127.0.0.1", "port": self.port["router"], "store_path": store},
            "http-api": {"bind": "127.0.0.1", "port": self.port["http"], "long_content_max_parts": 10},
            "jcli": {"bind": "127.0.0.1", "port": self.port["console"], "authentication": "false"},
            "amqp-broker": {"port": self.port["amqp"], "spec": spec},
            "redis-client": {"port": self.port["redis"]},
        }
        lines = [
            f"[{section}]\n" + "".join(f"{name} = {value}\n" for name, value in options.items())
            for section, options in sections.items()
        ]
        file = self.folder / "jasmin.cfg"
        file.write_text("\n".join(lines))
        return file

    def start(self) -> None:
        self.rabbit.start()
        self.redis.start(lambda: listens(self.port["redis"]))
        self.smsc.start(lambda: listens(self.port["smsc"]))
        self.rabbit.until(lambda: listens(self.port["amqp"]))
        self.start_daemon()

    def start_daemon(self) -> None:
        """Also after a kill, which leaves its lock."""
        everything = ("smpp", "http", "console")
        for lock in self.folder.glob("*lock*"):  # of one that was killed
            lock.unlink()
        self.jasmind.start(lambda: all(listens(self.port[name]) for name in everything))
        self.tell("group -a", "gid g", "ok")
        throughput = [f"mt_messaging_cred quota http_throughput {self.throughput:g}"] if self.throughput else []
        smpps = [f"mt_messaging_cred quota smpps_throughput {self.throughput:g}"] if self.throughput else []
        bindings = f"smpps_cred quota max_bindings {self.bindings}"
        user = ["uid u", "gid g", f"username {USER}", f"password {PASSWORD}"]
        self.tell("user -a", *user, bindings, *throughput, *smpps, "ok")
        smsc = ["cid smsc", "host 127.0.0.1", f"port {self.port['smsc']}", "username up", "password up"]
        self.tell(
            "smppccm -a", *smsc, "submit_throughput 0", "requeue_delay 1", "con_fail_delay 1", "con_loss_delay 1", "ok"
        )
        self.tell("mtrouter -a", "type defaultroute", "connector smppc(smsc)", "rate 0.0", "ok")
        self.tell("smppccm -1 smsc")
        self.smsc.until(lambda: "BOUND_TRX" in self.tell("smppccm -l"))

    def change_password(self, word: str) -> None:
        """Of the user that the portal sends as."""
        self.tell("user -u u", f"password {word}", "ok")

    def tell(self, *lines: str) -> str:
        """What Jasmin's console says to these lines, each given after its prompt."""
        said = b""
        with socket.create_connection(("127.0.0.1", self.port["console"]), timeout=10) as console:
            console.settimeout(10)
            for line in ("", *lines):
                console.sendall(f"{line}\r\n".encode())
                began = len(said)
                while not said[began:].rstrip().endswith((b"jcli :", b">")):
                    said += console.recv(65_536)
        return said.decode(errors="replace")

    def end(self) -> None:
        for program in (self.jasmind, self.smsc, self.redis, self.rabbit):
            if program.started:
                program.end()
        if epmd := shutil.which("epmd"):  # RabbitMQ leaves it behind, in a session of its own
            command = [epmd, "-port", str(self.port["epmd"]), "-kill"]
            subprocess.run(command, capture_output=True, timeout=10)

    def smpp_settings(self, name: str = "smppjasmin") -> dict[str, str]:
        """Of a portal that sends by its SMPP server."""
        prefix = f"SMS_{name.upper()}_"
        return {
            f"{prefix}KIND": "smpp",
            f"{prefix}HOST": "127.0.0.1",
            f"{prefix}PORT": str(self.port["smpp"]),
            f"{prefix}SYSTEM_ID": USER,
            f"{prefix}PASSWORD": PASSWORD,
            f"{prefix}SENDER": "30001000",
        }

    def http_settings(self, name: str = "jasmin", receipts: str = "") -> dict[str, str]:
        """Of a portal that sends by its HTTP API; `receipts` is the portal's address as Jasmin reaches it."""
        prefix, token = f"SMS_{name.upper()}_", "jasmin-receipts-0123456789-abcdef"
        env = {
            f"{prefix}KIND": "jasmin",
            f"{prefix}URL": f"http://127.0.0.1:{self.port['http']}",
            f"{prefix}USER": USER,
            f"{prefix}PASSWORD": PASSWORD,
            f"{prefix}SENDER": "30001000",
        }
        if receipts:
            env[f"{prefix}RECEIPT_TOKENS"] = token
            env[f"{prefix}RECEIPT_URL"] = f"{receipts}/sms/receipts/{name}/{token}/"
        return env

    def sms(self, mobile: str) -> list[str]:
        """The whole texts that a phone (09…) received, oldest first."""
        international = "98" + mobile.removeprefix("0")
        lines = self.phones_log.read_text().splitlines() if self.phones_log.exists() else []
        rows = [json.loads(line) for line in lines]
        return [row["text"] for row in rows if row["taken"] and row["to"].removeprefix("+") == international]


@contextlib.contextmanager
def jasmin(folder: Path, **manner: object) -> Iterator[Jasmin]:
    """A Jasmin of the test's own; afterwards nothing of it is left."""
    gateway = Jasmin(folder, **manner)  # type: ignore[arg-type]
    try:
        gateway.start()
        yield gateway
    finally:
        gateway.end()
