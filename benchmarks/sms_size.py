"""What draining costs when the table of messages holds three hundred times as many that are done with.

    DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres .venv/bin/python benchmarks/sms_size.py

Two databases of its own on the server, one with few old messages and one with many, each with its attempt, sent within
the last sixty days; filled by the server itself. In turn in both, new messages are drained by a gateway that does
nothing. Ends with an error above the aim. About 3 GB for three million, for the time of the run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import databases, sms_drain
from benchmarks.journeys.cpu import of_process
from benchmarks.matching_size import Place, tidy
from benchmarks.sms_world import World, end_politely

AIM = 1.15
# What differs between two messages; all else is the same as in the one that is copied.
DIFFERENT = {
    "key": "md5(n::text)::uuid",
    "dedupe_key": "'old:' || n",
    "to": "'+98912' || lpad((n % 10000000)::text, 7, '0')",
    "provider_id": "'p' || n",
    "created_at": "now() - n % 5184000 * interval '1 second'",
    "sent_at": "now() - n % 5184000 * interval '1 second'",
    "final_at": "now() - n % 5184000 * interval '1 second'",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=3_000_000)
    parser.add_argument("--messages", type=int, default=2000, help="drained in each round")
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        sys.exit("DATABASE_URL must name a PostgreSQL server.")
    end_politely()
    with contextlib.ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="portal-size-")))
        urls = [ends.enter_context(databases.migrated(server, folder)) for _size in range(2)]
        world = World(folder, urls[0], {"SMS_GATEWAYS": "noop"})
        ends.callback(world.end)
        os.environ |= world.env
        world.start_redis()
        from benchmarks import sms_drain_worker  # noqa: F401 - sets Django up, and knows the gateway

        places = [filled(url, rows) for url, rows in zip(urls, (given.few, given.many), strict=True)]
        ratio = compare(places, given.rounds, given.messages)
    print(f"draining beside {given.many:,} / beside {given.few:,}: {ratio:.2f} × (aim ≤ {AIM} ×)")
    return 0 if ratio <= AIM else 1


def filled(url: str, rows: int) -> Place:
    """The database of `url` with so many messages that are done with."""
    from django.db import connection

    from common.installation import ensure_mode
    from sms.models import Attempt, Message, MessageState

    began = time.monotonic()
    connection.connection = None
    connection.settings_dict["NAME"] = urlsplit(url).path[1:]
    connection.connect()
    ensure_mode(fresh=True)
    sms_drain.fill(1, due=False)
    message = Message.objects.get()
    Message.objects.update(state=MessageState.DELIVERED, text="", gateway="noop")
    attempt = Attempt.objects.create(message=message, gateway="noop", outcome="accepted")
    with connection.cursor() as cursor:
        cursor.execute(copies(message, DIFFERENT, rows))
        cursor.execute(copies(attempt, {"message_id": f"{message.pk} + n"}, rows))
    tidy()
    print(f"{rows:,} messages in {time.monotonic() - began:.0f} s", flush=True)
    return Place(rows, connection.connection)


def copies(row: Any, different: dict[str, str], rows: int) -> str:
    """A statement that copies this row so many times."""
    columns = [field.column for field in row._meta.concrete_fields if not field.primary_key]
    written = ", ".join(different.get(column, f'"{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    table = row._meta.db_table
    of = f"{table}, generate_series(1, {rows}) AS n WHERE id = {row.pk}"
    return f"INSERT INTO {table} ({names}) SELECT {written} FROM {of}"  # noqa: S608 - all of it is our own


def compare(places: Sequence[Place], rounds: int, count: int) -> float:
    """How many times as long draining takes in the second of `places`. In turn, so that a busy machine slows both."""
    spent: dict[Place, list[tuple[float, float]]] = {place: [] for place in places}
    for number in range(rounds):
        for place in places if number % 2 else reversed(places):
            place.enter()
            spent[place].append(drain(count))
    ratios = []
    for what, column in (("by the clock", 0), ("by CPU, PostgreSQL's too", 1)):
        few, many = ([each[column] / count * 1e6 for each in spent[place]] for place in places)
        ratios.append(statistics.median(ours / theirs for ours, theirs in zip(many, few, strict=True)))
        both = f"{statistics.median(few):.0f} and {statistics.median(many):.0f} µs a message"
        print(f"draining, {what}, {rounds} × {count} in each: {both}: {ratios[-1]:.2f} ×")
    return ratios[0]


def drain(count: int) -> tuple[float, float]:
    """Seconds, and CPU seconds, that as many new messages take."""
    from django.db import connection

    from sms.models import Attempt, Message
    from sms.sending.drain import drain as work_off

    sms_drain.add(count)
    newest = Message.objects.order_by("-pk")[:count]
    backend = connection.connection.info.backend_pid
    began, before = time.perf_counter(), time.process_time() + of_process(backend)
    work_off(seconds=300)
    took = time.perf_counter() - began, time.process_time() + of_process(backend) - before
    if not sms_drain.nothing_left():
        raise RuntimeError("not all were sent")
    mine = list(newest.values_list("pk", flat=True))
    Attempt.objects.filter(message__in=mine).delete()
    Message.objects.filter(pk__in=mine).delete()
    return took


if __name__ == "__main__":
    sys.exit(main())
