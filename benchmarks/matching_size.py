"""What matching costs when the imported extracts are a thousand times as large.

    DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres .venv/bin/python benchmarks/matching_size.py

Two databases of its own on the server, one with few people and one with many (and as many mobiles), filled by the
server itself. In turn in both, each time with other people from anywhere in the extract: the local registry alone is
asked both questions, in batches as matching asks them, and registrations are matched by `match_due`, decisions and
SMS included (of ten, eight match). Ends with an error above the aim, which is for matching, or if somebody was not
decided about rightly.
About 1.2 GB for three million, for the time of the run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import databases, matching
from benchmarks.extract_lines import STEP
from benchmarks.sms_world import end_politely

AIM = 1.15
# The people and mobiles of `matching.load_extracts`, made by the server; of `nine` the check digit follows.
SUM = " + ".join(f"nine / {10 ** (weight - 2)} % 10 * {weight}" for weight in range(10, 1, -1))
MADE = f"""
FROM generate_series(0::bigint, {{rows}} - 1) AS n,
    LATERAL (SELECT (n + 1) * {STEP} % 1000000000 AS nine) AS first,
    LATERAL (SELECT ({SUM}) % 11 AS rest) AS second,
    LATERAL (SELECT lpad(nine::text, 9, '0') AS digits, CASE WHEN rest < 2 THEN rest ELSE 11 - rest END AS last) AS id
"""
PEOPLE = f"""
INSERT INTO identity_civilrecord (extract_id, national_id, first_name, last_name, birth_date, gender,
    certificate_number, series_letter, series_number, certificate_serial, deceased)
SELECT {{extract}}, digits || last, 'رضا', 'کریمی', DATE '1991-08-08', 'male',
    (n + 1)::text, 'الف', '12', '345678', false
{MADE}"""
MOBILES = f"""
INSERT INTO identity_mobileowner (extract_id, mobile, national_id)
SELECT {{extract}}, '+989' || digits, digits || last
{MADE}"""


@dataclass(frozen=True)
class Place:
    """A database with extracts of `rows` lines, and the connection to it: a new one for each turn would first have
    to read the catalogue."""

    rows: int
    connection: Any

    def enter(self) -> None:
        """What is asked of the database from now on is asked here."""
        from django.db import connection

        connection.connection = self.connection


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=3_000_000)
    parser.add_argument("--people", type=int, default=500, help="looked up, and others matched, in each round")
    parser.add_argument("--rounds", type=int, default=40)
    given = parser.parse_args()
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        sys.exit("DATABASE_URL must name a PostgreSQL server.")
    end_politely()
    with contextlib.ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="portal-size-")))
        urls = [ends.enter_context(databases.migrated(server, folder)) for _size in range(2)]
        ends.enter_context(matching.portal(folder, urls[0]))
        places = [filled(url, rows) for url, rows in zip(urls, (given.few, given.many), strict=True)]
        ratio = compare(places, given.rounds, given.people)
    print(f"matching among {given.many:,} / among {given.few:,}: {ratio:.2f} × (aim ≤ {AIM} ×)")
    return 0 if ratio <= AIM else 1


def filled(url: str, rows: int) -> Place:
    """The database of `url` with extracts of `rows` people and as many mobiles.

    The rows first and their keys afterwards, and without a log for a crash: a tenth of the time, and nothing of it
    is different when it is read.
    """
    from django.db import connection

    from identity.models import CivilRecord, Extract, MobileOwner

    began = time.monotonic()
    connection.connection = None
    connection.settings_dict["NAME"] = urlsplit(url).path[1:]
    connection.connect()
    with connection.schema_editor() as editor, connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for kind, model, statement in (("civil", CivilRecord, PEOPLE), ("owners", MobileOwner, MOBILES)):
            extract = Extract.objects.create(kind=kind, state="current", rows=rows)
            editor.execute(f"ALTER TABLE {model._meta.db_table} SET UNLOGGED")
            [key] = model._meta.constraints
            editor.remove_constraint(model, key)
            cursor.execute(statement.format(extract=extract.pk, rows=rows))
            editor.add_constraint(model, key)
    tidy()
    print(f"{rows:,} people and {rows:,} mobiles in {time.monotonic() - began:.0f} s", flush=True)
    return Place(rows, connection.connection)


def tidy(*models: Any) -> None:
    """Leave neither dead rows nor old statistics in the tables of `models` (of all), whether autovacuum runs or not."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE " + ", ".join(model._meta.db_table for model in models))


def compare(places: Sequence[Place], rounds: int, count: int) -> float:
    """How many times as long matching takes in the second of `places`. In turn, so that a busy machine slows both."""
    chance = random.Random(1)  # noqa: S311
    spent = {(measured, place): list[float]() for measured in (look_up, match) for place in places}
    for number in range(rounds):
        for place in places if number % 2 else reversed(places):
            place.enter()
            for measured in (look_up, match):
                seconds = measured(people(place.rows, count, chance))
                spent[measured, place].append(seconds / count * 1e6)
    ratios = {}
    for measured, what in ((look_up, "look-ups alone"), (match, "matching")):
        times = [sorted(spent[measured, place]) for place in places]
        few, many = map(statistics.median, times)
        slowest = " and ".join(f"{one[-max(1, rounds // 20)]:.0f}" for one in times)
        ratios[measured] = many / few
        print(
            f"{what}, {rounds} × {count} in each: {few:.0f} µs each among {places[0].rows:,} rows, {many:.0f} µs among "
            f"{places[1].rows:,}: {many / few:.2f} × (medians); the slowest twentieth {slowest} µs"
        )
    return ratios[match]


def people(rows: int, count: int, chance: random.Random) -> list[int]:
    """Numbers of people from anywhere in the extract, of each of `matching.registration`'s ten kinds as many."""
    return [ten * 10 + place % 10 for place, ten in enumerate(chance.sample(range(rows // 10), count))]


def look_up(numbers: list[int]) -> float:
    """Seconds that both questions about these people take the local registry, in batches as matching asks them."""
    from common import limits
    from identity.registries.base import Inquiry, Reply
    from identity.registries.local import LocalRegistry
    from registration.services.matching import claim_of

    inquiries = [Inquiry(claim_of(matching.registration(number, due=False))) for number in numbers]
    batches = [inquiries[at : at + limits.MATCH_BATCH] for at in range(0, len(inquiries), limits.MATCH_BATCH)]
    registry = LocalRegistry(name="local", options={})
    began = time.perf_counter()
    answers = [(registry.owners(batch), registry.people(batch)) for batch in batches]
    seconds = time.perf_counter() - began
    is_owner = [one.is_owner for owners, _records in answers for one in owners]
    replies = {one.reply for _owners, records in answers for one in records}
    if is_owner != [number % 10 != matching.MATCHES for number in numbers] or replies != {Reply.ANSWERED}:
        raise RuntimeError("not everybody was found")
    return seconds


def match(numbers: list[int]) -> float:
    """Seconds that the queue of these people's registrations takes."""
    from accounts.models import User
    from registration.models import Event, Registration
    from registration.services.matching import match_due
    from sms.models import Message

    matching.fill(numbers, due=True)
    tidy(Registration, Event, User, Message)
    began = time.perf_counter()
    match_due(seconds=300)
    seconds = time.perf_counter() - began
    if not matching.all_is_right(len(numbers)):
        raise RuntimeError("not everybody was decided about rightly")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
