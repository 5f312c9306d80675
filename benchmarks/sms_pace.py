"""How well the queue keeps to the pace of an SMSC that throttles (tests/support/smpp_peer.mjs, over SMPP).

    .venv/bin/python benchmarks/sms_pace.py [--set]

1. Sixty codes at once, ten parts a second: when the last one is accepted, against the ideal. 2. A queue of 10,000
results at ten a second: how long codes wait that are asked for meanwhile. 3. Six results of six parts at two a second.
4. Sixty codes, and thirty codes with thirty results of two parts, at an SMSC that wants a tenth of a second between any
two parts, as Jasmin does.
The rate is learned; with --set it is the setting SMS_OP_RATE.
DATABASE_URL names a PostgreSQL server; without it, SQLite.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import databases

LONG = "ثبت نام شما انجام شد و حساب کاربری شما ایجاد گردید. " * 7  # six parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", action="store_true", help="set the rate, instead of letting it be learned")
    parser.add_argument("--results", type=int, default=10_000, help="results in the queue of the second run (10000)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = os.environ.get("DATABASE_URL", "")
        with databases.migrated(server, Path(folder)) as url:
            os.environ |= {"DATABASE_URL": url, "PORTAL_HOME": folder, "PORTAL_MODE": "demo", "SECRET_KEY": "x" * 50}
            os.environ |= {"DJANGO_SETTINGS_MODULE": "tamin_portal.settings"}
            measure(is_set=args.set, results=args.results)


def measure(*, is_set: bool, results: int) -> None:
    """Run all of them, and print a line for each."""
    import django

    django.setup()
    from django.db import connections

    sixty = run(10, is_set, lambda: enqueue("code", 60))
    print(f"60 codes at 10 a second: the last one accepted after {max(sixty):.1f} s, {max(sixty) / 6:.2f} of the ideal")
    waits = run(10, is_set, lambda: enqueue("result", results), codes=10)
    print(f"{len(waits)} codes beside {results} results at 10 a second: the slowest waited {max(waits):.2f} s")
    six = max(run(2, is_set, lambda: enqueue("result", 6, LONG)))
    print(f"6 results of 6 parts at 2 a second: the last one accepted after {six:.1f} s, {six / 18:.2f} of the ideal")
    sixty = run(10, is_set, lambda: enqueue("code", 60), distance=True)
    print(f"60 codes with a tenth of a second between them: {max(sixty):.1f} s, {max(sixty) / 6:.2f} of the ideal")
    mixed = max(run(10, is_set, lambda: (enqueue("code", 30), enqueue("result", 30, LONG[:100])), distance=True))
    print(f"30 codes and 30 results of two parts, the same: {mixed:.1f} s, {mixed / 9:.2f} of the ideal")
    connections.close_all()


def run(rate: int, is_set: bool, fill: Callable[[], object], codes: int = 0, *, distance: bool = False) -> list[float]:
    """The seconds that each message took, or, with `codes`, each of so many codes queued one after the other.
    `distance`: the SMSC does not count the parts of a second, but looks at the time between two."""
    from django.conf import settings

    from common import process_state
    from sms import routing
    from sms.models import Bind, Line, Message
    from tests.support.sms_stubs.smpp import smpp_peer

    for model in (Message, Line, Bind):
        model.objects.all().delete()
    process_state.reset_all()
    with smpp_peer(**({"distance": 1000 / rate} if distance else {"rate": rate})) as peer:
        options = {"KIND": "smpp", "HOST": "127.0.0.1", "PORT": str(peer.port), "SYSTEM_ID": "u", "PASSWORD": "pw"}
        options |= {"SENDER": "1000"} | ({"RATE": str(rate)} if is_set else {})
        settings.SMS_GATEWAYS = ["op"]
        settings.SMS_ROUTES = ""
        settings.SMS_DAILY_BUDGET = 0
        settings.SMS_ENVIRONMENT = {f"SMS_OP_{name}": value for name, value in options.items()}
        fill()
        over = threading.Event()
        worker = threading.Thread(target=keep_draining, args=[over])
        worker.start()
        for _ in range(codes):
            time.sleep(2)
            enqueue("code", 1)
        wanted = Message.objects.filter(kind="code") if codes else Message.objects.all()
        while wanted.filter(sent_at__isnull=True).exists():
            time.sleep(0.2)
        over.set()
        took = [(sent - created).total_seconds() for created, sent in wanted.values_list("created_at", "sent_at")]
        worker.join()
        for gateway in routing.configured():
            gateway.close()
    return took


def keep_draining(over: threading.Event) -> None:
    from django.db import connections

    from sms.sending import drain

    while not over.is_set():
        drain.drain(seconds=5)
        time.sleep(0.05)
    connections.close_all()


def enqueue(kind: str, count: int, text: str = "کد شناسه: 482913") -> None:
    from sms import outbox

    began = time.monotonic_ns()
    sayings = [
        outbox.Saying(to=f"+98912{number:07}", kind=kind, text=text, dedupe_key=f"pace:{began}:{number}")
        for number in range(count)
    ]
    for first in range(0, count, 500):
        outbox.enqueue_all(sayings[first : first + 500])


if __name__ == "__main__":
    main()
