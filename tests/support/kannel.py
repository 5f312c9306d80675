"""Kannel with its own fake SMSC: bearerbox, smsbox, and fakesmsc as the phones.

What a phone receives is read from fakesmsc's log, parts put together: nothing of ours is between.
"""

from __future__ import annotations

import contextlib
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes

from tests.support.live import free_port, wait_for
from tests.support.peer_programs import Program, listens, need

USER, PASSWORD = "portal", "kannel-0F4-secret"
RECEIVED = re.compile(r"Got message \d+: <(\S+) (\S+) (?:(udh) (\S*) )?(data|text|ucs-2) (.*)>$", re.MULTILINE)


def configuration(*, admin: int, boxes: int, smsc: int, http: int, extra: str = "") -> str:
    """kannel.conf; `extra` is lines of its group core."""
    return f"""
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
smsbox-port = {boxes}
admin-password = {PASSWORD}
status-password = {PASSWORD}
log-level = 1
box-allow-ip = 127.0.0.1
dlr-storage = internal
sms-resend-freq = 1
{extra}

group = smsc
smsc = fake
smsc-id = phones
port = {smsc}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
smsbox-id = box
sendsms-port = {http}
sendsms-interface = 127.0.0.1
log-level = 1
http-request-retry = 3
http-queue-delay = 5

group = sendsms-user
username = {USER}
password = {PASSWORD}
max-messages = 10
concatenation = true
omit-empty = true
"""


class Kannel:
    """The three processes. Each may be killed, frozen and started again."""

    def __init__(self, folder: Path, extra: str = "") -> None:
        bearerbox, smsbox = need("bearerbox", "kannel"), need("smsbox", "kannel")
        fakesmsc = need("fakesmsc", "kannel-extras")
        self.admin, self.boxes, self.smsc, self.http = free_port(), free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http}"
        self.file = file = folder / "kannel.conf"
        file.write_text(configuration(admin=self.admin, boxes=self.boxes, smsc=self.smsc, http=self.http, extra=extra))
        self.bearerbox = Program(folder, "bearerbox", [bearerbox, "-v", "1", str(file)])
        self.smsbox = Program(folder, "smsbox", [smsbox, "-v", "1", str(file)])
        place = ["-H", "127.0.0.1", "-r", str(self.smsc)]
        self.phones = Program(folder, "fakesmsc", [fakesmsc, "-v", "0", *place, "-m", "0", "1 2 text none"])

    def start(self, *, phones: bool = True) -> None:
        """Without `phones` the SMSC is away: messages wait in Kannel's queue until `connect_phones`."""
        self.bearerbox.start(lambda: listens(self.boxes) and listens(self.admin))
        self.smsbox.start(lambda: listens(self.http))
        if phones:
            self.connect_phones()

    def connect_phones(self) -> None:
        self.phones.start(lambda: "phones[phones]" in self.status() and "(online" in self.status())

    def restart(self, box: Program) -> None:
        """The smsbox, after its end."""
        box.start(lambda: listens(self.http))

    def change_password(self, word: str) -> None:
        """Of the user that the portal sends as."""
        self.file.write_text(self.file.read_text().replace(f"\npassword = {PASSWORD}", f"\npassword = {word}"))
        self.smsbox.end()
        self.restart(self.smsbox)

    def end(self) -> None:
        for program in (self.phones, self.smsbox, self.bearerbox):
            if program.started:
                program.end()

    def status(self) -> str:
        """What Kannel says of itself."""
        url = f"http://127.0.0.1:{self.admin}/status.txt?password={PASSWORD}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())

    def settings(self, name: str = "kannel", receipts: str = "") -> dict[str, str]:
        """Of a portal that sends by it; `receipts` is the portal's address as the box reaches it."""
        prefix, token = f"SMS_{name.upper()}_", "kannel-receipts-0123456789-abcdef"
        env = {
            f"{prefix}KIND": "kannel",
            f"{prefix}URL": self.url,
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
        international, whole, parts = "+98" + mobile.removeprefix("0"), [], {}
        for _from, to, _udh, header, kind, data in RECEIVED.findall(self.phones.said()):
            if to != international:
                continue
            octets = unquote_to_bytes(data.replace("+", " "))
            text = data if kind == "text" else octets.decode("utf-16-be")
            if not header:
                whole.append(text)
                continue
            *_, reference, total, number = unquote_to_bytes(header.replace("+", " "))
            halves = parts.setdefault(reference, {})
            halves[number] = text
            if len(halves) == total:
                whole.append("".join(halves[each] for each in sorted(parts.pop(reference))))
        return whole


@contextlib.contextmanager
def kannel(folder: Path, extra: str = "", *, phones: bool = True) -> Iterator[Kannel]:
    """A Kannel of the test's own; afterwards nothing of it is left."""
    boxes = Kannel(folder, extra)
    try:
        boxes.start(phones=phones)
        yield boxes
    finally:
        boxes.end()


def wait_for_sms(boxes: Kannel, mobile: str, count: int, seconds: float = 60) -> list[str]:
    """What the phone has, once it is `count` or more."""
    wait_for(lambda: len(boxes.sms(mobile)) >= count, lambda: f"{mobile} has {boxes.sms(mobile)}", seconds)
    return boxes.sms(mobile)
