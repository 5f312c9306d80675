"""What a look-up in the imported extracts costs when they are a thousand times as large.

    DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres .venv/bin/python benchmarks/matching_size.py

Two databases of its own on the server, one with few people and one with many (and as many mobiles), filled by
the server itself. The local registry is asked both questions about batches of claims that are spread over all
of the extract, in turn in both databases. About 3 GB for ten million, for the time of the run.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import databases

AIM = 1.3
BORN = dt.date(1980, 1, 1)
# The `n`th ID and the end of the `n`th mobile, spread over all that can exist; a prime, so that each comes once.
SPREAD = 6_180_339_887
FILL = """
INSERT INTO identity_extract (kind, state, created_at, touched_at, rows)
VALUES ('civil', 'current', now(), now(), {rows}), ('owners', 'current', now(), now(), {rows});
INSERT INTO identity_civilrecord (extract_id, national_id, first_name, last_name, birth_date, gender,
    certificate_number, series_letter, series_number, certificate_serial, deceased)
SELECT (SELECT id FROM identity_extract WHERE kind = 'civil'), lpad((n * {spread} % 10000000000)::text, 10, '0'),
    'محمد', 'کریمی نیا', DATE '1980-01-01', 'male', (n % 100000)::text, 'الف', '12', '345678', false
FROM generate_series(1::bigint, {rows}) AS n;
INSERT INTO identity_mobileowner (extract_id, mobile, national_id)
SELECT (SELECT id FROM identity_extract WHERE kind = 'owners'),
    '+989' || lpad((n * {spread} % 10000000000 % 1000000000)::text, 9, '0'),
    lpad((n * {spread} % 10000000000)::text, 10, '0')
FROM generate_series(1::bigint, {rows}) AS n;
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=10_000_000)
    parser.add_argument("--batch", type=int, default=100, help="claims asked about at once")
    parser.add_argument("--rounds", type=int, default=200)
    given = parser.parse_args()
    sizes = (given.few, given.many)
    with filled(sizes) as urls:
        set_up(urls[0])
        chance = random.Random(1)  # noqa: S311
        spent: list[list[float]] = [[], []]
        for number in range(given.rounds):
            for place in (0, 1) if number % 2 else (1, 0):
                spent[place].append(ask(urls[place], sizes[place], given.batch, chance))
        few, many = (statistics.median(times) / given.batch * 1e6 for times in spent)
        slow_few, slow_many = (sorted(times)[-len(times) // 20] / given.batch * 1e6 for times in spent)
    ratio = many / few
    print(
        f"one claim of a batch of {given.batch}, both questions, {given.rounds} batches each: {few:.0f} µs among "
        f"{given.few:,} rows, {many:.0f} µs among {given.many:,}: {ratio:.2f} × (medians; aim ≤ {AIM} ×); "
        f"the slowest twentieth {slow_few:.0f} and {slow_many:.0f} µs"
    )
    return 0 if ratio <= AIM else 1


@contextlib.contextmanager
def filled(sizes: tuple[int, ...]) -> Iterator[list[str]]:
    """The URLs of databases with extracts of these sizes."""
    import psycopg2

    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        sys.exit("DATABASE_URL must name a PostgreSQL server.")
    with contextlib.ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="portal-size-")))
        urls = []
        for rows in sizes:
            urls.append(ends.enter_context(databases.migrated(server, folder)))
            began = time.monotonic()
            with contextlib.closing(psycopg2.connect(urls[-1])) as connection, connection.cursor() as cursor:
                connection.autocommit = True
                for statement in FILL.format(rows=rows, spread=SPREAD).split(";\n")[:-1]:
                    cursor.execute(statement)
                cursor.execute("VACUUM ANALYZE")
            print(f"{rows:,} people and {rows:,} mobiles in {time.monotonic() - began:.0f} s", flush=True)
        os.environ["PORTAL_HOME"] = str(folder)
        yield urls


_open: dict[str, Any] = {}


def set_up(url: str) -> None:
    os.environ |= {"DATABASE_URL": url, "PORTAL_MODE": "demo", "SECRET_KEY": "x" * 50}
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tamin_portal.settings")
    import django

    django.setup()


def ask(url: str, rows: int, batch: int, chance: random.Random) -> float:
    """Seconds that both questions about a batch take in the database of `url`."""
    from django.db import connection

    from identity.registries.base import Reply
    from identity.registries.local import LocalRegistry

    if url not in _open:  # one connection each, kept: a new one would have to read the catalogue first
        connection.connection = None
        connection.settings_dict["NAME"] = urlsplit(url).path[1:]
        connection.connect()
        _open[url] = connection.connection
        connection.connection = None
    connection.connection = _open[url]
    inquiries = [inquiry(chance.randrange(1, rows + 1)) for _ in range(batch)]
    registry = LocalRegistry(name="local", options={})
    began = time.perf_counter()
    owners, people = registry.owners(inquiries), registry.people(inquiries)
    seconds = time.perf_counter() - began
    if not all(answer.is_owner for answer in owners) or any(answer.reply is not Reply.ANSWERED for answer in people):
        raise RuntimeError("not everybody was found")
    return seconds


def inquiry(number: int) -> Any:
    from identity.matching import Claim
    from identity.registries.base import Inquiry

    digits = f"{number * SPREAD % 10**10:010}"
    claim = Claim(digits, f"+989{digits[1:]}", "محمد", "کریمی نیا", BORN, "male", "1", "الف", "12", "345678")
    return Inquiry(claim)


if __name__ == "__main__":
    sys.exit(main())
