"""`python -m tests.support.sms_stubs`: one stub gateway until SIGTERM; its port is the first line it prints.

While it runs: `curl 127.0.0.1:PORT/_stub/summary`, `/_stub/log`, `/_stub/behaviour?set=drop`; but `--kind smpp`
is tests/support/smpp_peer.mjs, with its own behaviours and receipts, and is changed by nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from pathlib import Path

from tests.support.http_stub import serve_until_terminated
from tests.support.sms_stubs.behaviours import BEHAVIOURS, Receipts
from tests.support.sms_stubs.dialects import DIALECTS
from tests.support.sms_stubs.server import Stub
from tests.support.sms_stubs.smpp import smpp_peer


def main() -> None:
    listed = "\n".join(f"  {name:14} {what}" for name, what in BEHAVIOURS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.sms_stubs",
        description=__doc__,
        epilog=f"behaviours:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kind", choices=sorted([*DIALECTS, "smpp"]), default="kavenegar")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--behaviour", default="ok", help="one, or several with shares: ok=0.9,drop=0.1")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before every answer")
    parser.add_argument("--late", type=float, default=20.0, help="seconds before a late answer")
    parser.add_argument("--receipts", default="none", help=Receipts.parse.__doc__)
    parser.add_argument("--log", type=Path, help="a file that gets one JSON line for each submission")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.kind == "smpp":
        return _smpp(given)
    with contextlib.ExitStack() as files:
        log = files.enter_context(given.log.open("a", encoding="utf-8")) if given.log else None
        one = Stub(
            given.kind, port=given.port, behaviour=given.behaviour, delay=given.delay, late=given.late,
            receipts=Receipts.parse(given.receipts), log=log, seed=given.seed,
        )  # fmt: skip
        serve_until_terminated(one)


def _smpp(given: argparse.Namespace) -> None:
    """The peer until SIGTERM; it ends with this process, however that ends."""
    milliseconds = {"delay": round(given.delay * 1000), "late": round(given.late * 1000)}
    log = {"log": given.log} if given.log else {}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    peer = smpp_peer(port=given.port, behaviour=given.behaviour, receipts=given.receipts, **milliseconds, **log)
    with contextlib.suppress(KeyboardInterrupt), peer as one:
        sys.stdout.write(f"{one.port}\n")
        sys.stdout.flush()
        one.process.wait()


if __name__ == "__main__":
    main()
