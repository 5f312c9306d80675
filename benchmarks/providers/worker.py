"""One provider in a process of its own: reads "what count", measures that, writes JSON; until its input ends.

    python -P benchmarks/providers/worker.py portal|allauth|toolkit      (by openid.py, with DATABASE_URL)

An answer: CPU milliseconds of this process and of its PostgreSQL connection (Linux, a server on this machine), and the
statements by kind as Django notes them, each for one of the `count`. What is sent together is one: the portal sends its
`SET LOCAL` in front of the first statement of each transaction (`common.database`).
"""

from __future__ import annotations

import gc
import importlib
import json
import logging
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.providers.browser import Browser

SET_BEFORE = r"^(SET LOCAL [^;]*;\s*)*"
Works = dict[str, Iterator[Any]]  # what can be measured: each step does it once


def serve(name: str) -> None:
    works: Works = importlib.import_module(f"benchmarks.providers.{name}").works()
    logging.disable(logging.WARNING)
    for line in sys.stdin:
        what, count = line.split()
        print(json.dumps(measured(works[what], int(count))), flush=True)


def measured(work: Iterator[Any], count: int) -> dict[str, Any]:
    from django.db import connection

    next(work)  # the connection is there, and what is loaded once
    gc.collect()
    Browser.spent, before = 0.0, on_cpu(backend())
    for _ in range(count):
        next(work)
    took = {"process": Browser.spent * 1000 / count, "database": (on_cpu(backend()) - before) * 1000 / count}
    connection.force_debug_cursor = True
    queries = noted(work)
    connection.force_debug_cursor = False
    kinds = Counter(re.sub(SET_BEFORE, "", query).split(maxsplit=1)[0].upper() for query in queries)
    return took | {"statements": len(queries), "kinds": dict(kinds), "queries": queries}


def noted(work: Iterator[Any]) -> list[str]:
    """The statements of one; Django forgets them at the beginning of each request."""
    from django.core.signals import request_started
    from django.db import connection, reset_queries

    request_started.disconnect(reset_queries)
    connection.queries_log.clear()
    next(work)
    return [query["sql"].strip() for query in connection.queries]


def backend() -> int:
    from django.db import connection

    connection.ensure_connection()
    return int(connection.connection.info.backend_pid) if connection.vendor == "postgresql" else 0


def on_cpu(process: int) -> float:
    """Seconds that a process has been on a processor; 0 where nobody says so."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


if __name__ == "__main__":
    serve(sys.argv[1])
