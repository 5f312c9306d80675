"""`python -m tests.support.registry_stubs`: one stub registry until SIGTERM; its port is the first line it prints.

While it runs: `curl 127.0.0.1:PORT/_stub/summary`, `/_stub/behaviour?person=hang`.
"""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from tests.support.http_stub import serve_until_terminated
from tests.support.registry_stubs.dialects import DIALECTS
from tests.support.registry_stubs.server import BEHAVIOURS, QUESTIONS, RegistryStub


def main() -> None:
    listed = "\n".join(f"  {name:12} {what}" for name, what in BEHAVIOURS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.registry_stubs",
        description=__doc__,
        epilog=f"behaviours:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kind", choices=sorted(DIALECTS), default="uid")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before every answer")
    parser.add_argument("--log", type=Path, help="a file that gets one JSON line for each inquiry")
    for question in QUESTIONS:
        parser.add_argument(f"--{question}", default="ok", help="a behaviour, or several with shares: ok=0.9,hang=0.1")
    given = parser.parse_args()
    with contextlib.ExitStack() as files:
        log = files.enter_context(given.log.open("a", encoding="utf-8")) if given.log else None
        behaviours = {question: getattr(given, question) for question in QUESTIONS}
        serve_until_terminated(RegistryStub(given.kind, port=given.port, delay=given.delay, log=log, **behaviours))


if __name__ == "__main__":
    main()
