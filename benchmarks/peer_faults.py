"""Peers that nobody here wrote, under faults: what became of N messages, half codes, half results of several parts.

    .venv/bin/python benchmarks/peer_faults.py --n 200 --only kannel jasmin-smpp --faults killed frozen

Each row has a peer of its own (see tests/support/kannel.py and jasmin.py for what has to be installed) and a portal of
its own, as `make run` starts it, with the limits of real service. Messages are queued over about five seconds, and the
fault falls in the midst of them. Ends with 1 if a message was lost, or a code reached a phone twice.

lost: said to be accepted or delivered, or still waiting at the end, and no phone has it, ten seconds after the last SMS
that any phone got. doubt: `unknown` at the end, and how many of these a phone has. What the peer answered is counted
as the portal noted it, call by call.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from tests.support import jasmin as jasmins  # noqa: E402
from tests.support import kannel as kannels  # noqa: E402
from tests.support import live  # noqa: E402
from tests.support.peer_programs import Program  # noqa: E402

QUEUED_WITHIN, FAULT_AFTER, AWAY, FROZEN = 5.0, 1.5, 10.0, 40.0  # seconds
LONGEST = 420.0  # seconds until no message may wait any more
QUIET, LONGEST_WAY = 10.0, 300.0  # seconds without a further SMS on a phone: then no more comes; at most so long
QUEUE = """
import time
from datetime import timedelta
from django.db import transaction
from django.utils import timezone
from sms import outbox
from sms.models import MessageKind
for number in range({n}):
    code = number % 2 == 0
    text = f"کد شناسه ثبت نام: {{number:06}}" if code else f"نتیجه {{number:06}}" + " حساب کاربری شما ایجاد گردید." * 4
    with transaction.atomic():
        outbox.enqueue(to=f"+98912{{number:07}}", kind=MessageKind.CODE if code else MessageKind.RESULT, text=text,
            dedupe_key=f"peer:{{number}}", operator="mci",
            expires_at=timezone.now() + timedelta(minutes=10) if code else None)
    time.sleep({pause})
"""
HEAD = (
    "peer",
    "fault",
    "N",
    "lost",
    "doubled",
    "doubt, of these on a phone",
    "expired, failed",
    "codes: 95 % within",
    "all at an end after",
    "what it answered",
)
ROWS = """[
    (m.to, m.kind, m.state, m.next_attempt_at is None,
     (a.ended_at - m.created_at).total_seconds()
     if (a := m.tries.with_ends().filter(result="accepted").first()) else None)
    for m in Message.objects.all()]"""
ANSWERS = "[(a.result, a.detail) for m in Message.objects.all() for a in m.tries.with_ends()]"


@dataclass
class Peer:
    """One running peer. `programs`: what a fault kills or freezes; `start`: brings back what was killed."""

    sms: Callable[[str], list[str]]
    programs: list[Program]
    start: Callable[[], None]
    settings: dict[str, str]
    mend: Callable[[], None] = field(default=lambda: None)  # the peer, of what it was started with


Fault = Callable[[Peer, live.Portal], None]


def nothing(peer: Peer, portal: live.Portal) -> None:
    """Only the peer's own setting is the fault."""


def killed(peer: Peer, portal: live.Portal) -> None:
    for program in peer.programs:
        program.kill()
    time.sleep(AWAY)
    peer.start()


def frozen(peer: Peer, portal: live.Portal) -> None:
    with peer.programs[0].frozen():
        time.sleep(FROZEN)


def mended(peer: Peer, portal: live.Portal) -> None:
    """What the runbook says: mend it at the gateway, then switch it on."""
    time.sleep(AWAY)
    peer.mend()
    portal.home.manage("sms_gateway", "peer", "on")


def a_kannel(folder: Path, port: int, fault: str) -> tuple[AbstractContextManager[Any], Callable[[Any], Peer]]:
    lines = {"queue full": "sms-outgoing-queue-limit = 20"}.get(fault, "")

    def of(boxes: kannels.Kannel) -> Peer:
        settings = boxes.settings("peer", receipts=f"http://127.0.0.1:{port}")
        peer = Peer(boxes.sms, [boxes.smsbox], lambda: boxes.restart(boxes.smsbox), settings)
        if fault == "killed, all of it":
            peer.programs, peer.start = [boxes.smsbox, boxes.bearerbox, boxes.phones], boxes.start
        if fault == "queue full":
            boxes.phones.end()
            peer.mend = boxes.connect_phones
        if fault == "wrong password":
            settings["SMS_PEER_PASSWORD"] = "another"  # noqa: S105 - of a peer of its own
            peer.mend = lambda: boxes.change_password("another")
        return peer

    return kannels.kannel(folder, lines), of


def a_jasmin(
    way: str, folder: Path, port: int, fault: str
) -> tuple[AbstractContextManager[Any], Callable[[Any], Peer]]:
    manner: dict[str, Any] = {
        "throttled, 10/s": {"throughput": 10},
        "one bind": {"bindings": 1},
        "slow SMSC": {"delay": 2000},
    }.get(fault, {})

    def of(gateway: jasmins.Jasmin) -> Peer:
        settings = gateway.smpp_settings("peer")
        if way == "http":
            settings = gateway.http_settings("peer", receipts=f"http://127.0.0.1:{port}")
        peer = Peer(gateway.sms, [gateway.jasmind], gateway.start_daemon, settings)
        if fault == "wrong password":
            settings["SMS_PEER_PASSWORD"] = "another"  # noqa: S105 - of a peer of its own
            peer.mend = lambda: gateway.change_password("another")
        return peer

    return jasmins.jasmin(folder, **manner), of


COMMON: dict[str, Fault] = {"none": nothing, "killed": killed, "frozen 40 s": frozen, "wrong password": mended}
PEERS: dict[str, tuple[Callable[..., Any], dict[str, Fault]]] = {
    "kannel": (a_kannel, COMMON | {"killed, all of it": killed, "queue full": mended}),
    "jasmin-smpp": (
        lambda *given: a_jasmin("smpp", *given),
        COMMON | {"throttled, 10/s": nothing, "one bind": nothing, "slow SMSC": nothing},
    ),
    "jasmin-http": (lambda *given: a_jasmin("http", *given), COMMON | {"throttled, 10/s": nothing}),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=200, help="messages in each row")
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--faults", nargs="+", default=[], help="the beginnings of their names; all without it")
    given = parser.parse_args()
    print("| " + " | ".join(HEAD) + " |")
    print("|---" * len(HEAD) + "|", flush=True)
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="portal-peers-", ignore_cleanup_errors=True) as place:
        home = Path(place) / "new"
        live.make_home(home)
        for name in given.only:
            for fault in PEERS[name][1]:
                if not given.faults or fault.startswith(tuple(given.faults)):
                    wrong += row(Path(place), home, name, fault, given.n)
    return 1 if wrong else 0


def row(place: Path, new_home: Path, name: str, fault: str, n: int) -> bool:
    """Run and print one row; whether a demand was missed."""
    folder = Path(tempfile.mkdtemp(dir=place))
    port = live.free_port()
    start, faults = PEERS[name]
    context, of = start(folder, port, fault)
    shutil.copytree(new_home, folder / "home")
    with context as program:
        peer = of(program)
        with live.run(folder / "home", port, {"SMS_GATEWAYS": "peer"} | peer.settings) as portal:
            portal.until_ready()
            began = time.monotonic()
            queue = QUEUE.format(n=n, pause=QUEUED_WITHIN / n)
            queueing = threading.Thread(target=lambda: portal.home.manage("shell", "--no-imports", "-c", queue))
            queueing.start()
            time.sleep(FAULT_AFTER)
            if faults[fault] is mended:
                queueing.join()
            faults[fault](peer, portal)
            queueing.join()
            while not all(final for *_, final, _ in portal.ask(ROWS)) and time.monotonic() - began < LONGEST:
                time.sleep(1)
            took = time.monotonic() - began
            wait_for_the_last_phone(portal, peer)
            return told(name, fault, n, took, portal, peer)


def wait_for_the_last_phone(portal: live.Portal, peer: Peer) -> None:
    """A peer or its SMSC may be slow: what it has taken is lost only when no more comes."""
    numbers = ["0" + to.removeprefix("+98") for to, *_ in portal.ask(ROWS)]
    ends, quiet_since, before = time.monotonic() + LONGEST_WAY, time.monotonic(), -1
    while time.monotonic() < min(ends, quiet_since + QUIET):
        arrived = sum(len(peer.sms(number)) for number in numbers)
        if arrived != before:
            quiet_since, before = time.monotonic(), arrived
        time.sleep(1)


def told(name: str, fault: str, n: int, took: float, portal: live.Portal, peer: Peer) -> bool:
    rows, answers = portal.ask(ROWS), portal.ask(ANSWERS)
    phones = {to: len(peer.sms("0" + to.removeprefix("+98"))) for to, *_ in rows}
    states = Counter(state for _, _, state, *_ in rows)
    lost = [
        to for to, _, state, final, _ in rows if not phones[to] and (state in ("accepted", "delivered") or not final)
    ]
    doubled = [to for to, *_ in rows if phones[to] > 1]
    twice = [to for to, kind, *_ in rows if phones[to] > 1 and kind == "code"]
    doubt = [to for to, _, state, *_ in rows if state == "unknown"]
    times = sorted(
        seconds if seconds is not None else float("inf") for _, kind, _, _, seconds in rows if kind == "code"
    )
    said = ", ".join(
        f"{count} × {' '.join(filter(None, answer))}" for answer, count in Counter(map(tuple, answers)).most_common(5)
    )
    cells = [
        name,
        fault,
        n,
        len(lost) + n - len(rows),
        len(doubled),
        f"{len(doubt)}, {sum(phones[to] > 0 for to in doubt)}",
        states["expired"] + states["failed"],
        f"{times[int(len(times) * 0.95) - 1]:.1f} s",
        f"{took:.0f} s" if all(final for *_, final, _ in rows) else f"not: {dict(states)}",
        said,
    ]
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    return bool(lost or twice or len(rows) < n)


if __name__ == "__main__":
    sys.exit(main())
