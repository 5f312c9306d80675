"""What a registration costs, beside what anybody would pick instead, in one run.

    make build/providers/.installed                                                    # django-allauth
    DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres .venv/bin/python benchmarks/journey.py
    … benchmarks/journey.py --only journey statements        # these rows alone; without "allauth" nothing is installed
    … benchmarks/journey.py --only statements --show         # and the statements themselves
    … benchmarks/journey.py --against ../before              # this checkout beside another one, in paired rounds
    … benchmarks/journey.py --against ../before --instructions 20   # counted by valgrind; minutes

Three sites, each behind gunicorn over a PostgreSQL database of its own (`journeys/`): the *floor*, a bare Django
project with five requests, two look-ups, one INSERT and neither middleware nor templates; django-allauth's sign-up by
phone; and this portal as it is shipped: its gunicorn.conf.py, its threads, audit, outbox, limits, the authority over
tries, CSRF and sessions, hints to Redis. A journey goes from the first page to the closing one over one connection.
Turns of whole journeys come in a random order in each round, and ratios are between turns of one round.

Counted is the CPU time (user and system) of the web server's processes, of the backends of its database, and of its
Redis. The worker that sends SMS and matches is a process of its own, told when to work, and stands apart. Statements
are those that pass by between the web and PostgreSQL. "No hash": hashes that cost nothing, at every site; "Argon2id":
the portal's, at every site; "as shipped": allauth with Django's default (PBKDF2). The exit status is 1 if an aim is
missed. Linux, and a PostgreSQL server on this machine.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.journeys import checkouts, sites, turns
from benchmarks.journeys.cpu import Spent
from benchmarks.journeys.people import REGISTRATION, SIGN_IN, credentials
from benchmarks.journeys.statements import kinds, of_rows
from benchmarks.journeys.turns import median
from benchmarks.sms_world import ROOT, end_politely

ROWS = ("journey", "argon2", "allauth", "page", "rate", "sign-in", "statements", "memory")
LOADED_BY = 8  # browsers at a time
SITES: dict[str, Callable[[Any], Any]] = {
    "floor, no hash": lambda _home: sites.floor(hasher=""),
    "floor, Argon2id": lambda _home: sites.floor(hasher="argon2"),
    "allauth, no hash": lambda _home: sites.allauth(hasher="cheap"),
    "allauth, Argon2id": lambda _home: sites.allauth(hasher="argon2"),
    "allauth, PBKDF2": lambda _home: sites.allauth(hasher="default"),
    "portal, no hash": lambda home: sites.portal(home, hasher="cheap"),
    "portal, Argon2id": lambda home: sites.portal(home, hasher="argon2"),
}
CHEAP, SLOW = "portal, no hash", "portal, Argon2id"
# The row's journeys at these sites.
NEEDED = {
    "journey": ("floor, no hash", CHEAP),
    "argon2": ("floor, Argon2id", SLOW),
    "allauth": ("allauth, no hash", "allauth, Argon2id", "allauth, PBKDF2", CHEAP, SLOW),
    "rate": (CHEAP, SLOW),
    "page": (),
    "sign-in": (),
}


@dataclass(frozen=True)
class Aim:
    """A line of the table."""

    what: str
    found: float
    aim: float
    least: bool = False  # the aim is a least, else a most
    unit: str = ""

    @property
    def met(self) -> bool:
        return self.found >= self.aim if self.least else self.found <= self.aim

    def __str__(self) -> str:
        aim = f"{'≥' if self.least else '≤'} {self.aim:g}{self.unit}"
        return f"{self.what:58} {self.found:8.2f}{self.unit:5} {aim:12} {'met' if self.met else 'MISSED'}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=ROWS, default=ROWS, metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--people", type=int, default=40, help="journeys in a turn; requests: ten times as many")
    parser.add_argument("--seconds", type=float, default=60, help="of load, before a web process's memory is read")
    parser.add_argument("--show", action="store_true", help="the statements of a journey and of a sign-in")
    parser.add_argument("--against", type=Path, help="another checkout; nothing else is measured then")
    parser.add_argument("--instructions", type=int, default=0, help="so many people, counted, instead of rounds")
    parser.add_argument("--starts", type=int, default=10, help="of manage.py check, with --against")
    given = parser.parse_args()
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        raise SystemExit("DATABASE_URL: a PostgreSQL server on this machine")
    end_politely()
    if given.against:
        return 0 if checkouts.compare(given.against.resolve(), ROOT, given) else 1
    if "allauth" in given.only and not (sites.OTHERS / "gunicorn").exists():
        raise SystemExit("django-allauth is not installed: make build/providers/.installed")
    people = 20_000 if "memory" in given.only else 2 * (given.people + turns.WARM_UP) * (given.rounds + 1)
    with sites.prepared(ROOT, server, people) as home:
        table = [aim for part in (costs, statements, memory) for aim in part(home, given)]
    print("\n" + "\n".join(map(str, table)))
    return 0 if all(aim.met for aim in table) else 1


def costs(home: sites.PortalHome, given: argparse.Namespace) -> Iterator[Aim]:
    """All that is CPU time, in one set of rounds."""
    rows = [row for row in given.only if row in NEEDED]
    wanted = [name for name in SITES if any(name in NEEDED[row] for row in rows)]
    extra = [row for row in ("page", "sign-in") if row in rows]
    if not rows:
        return
    with contextlib.ExitStack() as ends:
        running = {
            name: ends.enter_context(SITES[name](home)) for name in SITES if name in wanted or (extra and name == CHEAP)
        }
        works = {name: lambda name=name: turns.journeys(running[name], people_of(name, given)) for name in wanted}
        if "page" in rows:
            works |= {path: lambda path=path: turns.pages(running[CHEAP], path, 10 * given.people) for path in PAGES}
        if "sign-in" in rows:
            works |= {SIGN_IN: lambda: turns.sign_ins(running[CHEAP], given.people)}
        for site in running.values():
            turns.newcomers(site, turns.WARM_UP)
        if "sign-in" in rows:
            turns.sign_ins(running[CHEAP], turns.WARM_UP)
        took = turns.rounds(works, given.rounds)
        for name in works:
            told(name, took[name])
        for name in {CHEAP, SLOW} & set(running):
            worker = running[name].worker.spent / max(1, next(running[name].numbers))
            print(f"{name}: worker {worker.web * 1000:.1f} ms a journey, PostgreSQL {worker.database * 1000:.1f}")
    yield from judged(rows, took)


PAGES = (REGISTRATION, turns.EMPTY)
PARTS = ("web", "database", "redis")


def people_of(name: str, given: argparse.Namespace) -> int:
    """Fewer where each takes a quarter of a second."""
    return max(2, given.people // 5) if name.endswith("PBKDF2") else int(given.people)


def judged(rows: list[str], took: dict[str, list[Spent]]) -> Iterator[Aim]:
    if "journey" in rows:
        yield Aim("journey ÷ floor, no hash", ratio(took, CHEAP, "floor, no hash"), 6.5)
    if "argon2" in rows:
        yield Aim("journey ÷ floor, Argon2id", ratio(took, SLOW, "floor, Argon2id"), 1.9)
    if "allauth" in rows:
        yield Aim("allauth ÷ journey, no hash", ratio(took, "allauth, no hash", CHEAP), 1.5, least=True)
        yield Aim("allauth ÷ journey, the same hasher", ratio(took, "allauth, Argon2id", SLOW), 1.25, least=True)
        yield Aim("allauth ÷ journey, as shipped", ratio(took, "allauth, PBKDF2", SLOW), 4.5, least=True)
    if "page" in rows:
        yield Aim("GET of step one ÷ empty page, the same stack", ratio(took, REGISTRATION, turns.EMPTY), 1.4)
    if "rate" in rows:
        web = {name: median(spent.web for spent in took[name]) for name in (CHEAP, SLOW)}
        yield Aim("registrations/s/core, web part", 1 / web[SLOW], 18, least=True)
        yield Aim("share of the slow hash in it", 100 * (1 - web[CHEAP] / web[SLOW]), 50, least=True, unit=" %")
    if "sign-in" in rows:
        yield Aim("POST of a sign-in, no hash", 1000 * median(spent.whole for spent in took[SIGN_IN]), 3, unit=" ms")


def statements(home: sites.PortalHome, given: argparse.Namespace) -> Iterator[Aim]:
    if not {"statements", "sign-in", "page"} & set(given.only):
        return
    with sites.portal(home, hasher="cheap", listened=True) as site:
        turns.newcomers(site, turns.WARM_UP)
        journey = turns.statements_of(site, (lambda p=person: site.register(p) for person in site.next(6)))
        turns.sign_ins(site, turns.WARM_UP)
        known = [(site.browser(person), person) for person in turns.newcomers(site, 6)]
        for browser, _person in known:
            browser.get(SIGN_IN)
        posts = (lambda b=browser, p=person: b.send(SIGN_IN, credentials(p)) for browser, person in known)
        sign_in = turns.statements_of(site, posts)
        of_page, has_session = turns.writes_of_step_one(site)
    for name, found in {"a journey": journey, "POST of a sign-in": sign_in}.items():
        print(f"{name}: {len(found)} statements: {kinds(found)}")
        if given.show:
            print("\n".join(f"    {' '.join(each.split())}" for each in found))
    if "statements" in given.only:
        yield Aim("statements of a journey, without transaction control", of_rows(journey), 24)
    if "sign-in" in given.only:
        yield Aim("statements of a sign-in's POST, without transaction control", of_rows(sign_in), 10)
    if "page" in given.only:
        yield Aim("statements of step one's GET", of_page, 0)
        yield Aim("sessions that step one's GET writes", int(has_session), 0)


def memory(home: sites.PortalHome, given: argparse.Namespace) -> Iterator[Aim]:
    """With as many processes as are shipped."""
    if "memory" not in given.only:
        return
    with sites.portal(home, hasher="argon2", WEB_WORKERS="2") as site:
        before, after, count = turns.grown(site, given.seconds, LOADED_BY)
    grew = ", ".join(f"{was:.0f} → {is_:.0f} MB" for was, is_ in zip(before, after, strict=True))
    print(f"web processes in {given.seconds:.0f} s of load ({count} registrations and sign-ins): {grew}")
    yield Aim("memory of a web process after the load", max(after), 100, unit=" MB")


def ratio(took: dict[str, list[Spent]], one: str, other: str) -> float:
    """Median of the rounds' own."""
    return median(mine.whole / theirs.whole for mine, theirs in zip(took[one], took[other], strict=True))


def told(name: str, spent: list[Spent]) -> None:
    """Medians, and the least and the most of all together."""
    parts = [f"{part} {1000 * median(getattr(each, part) for each in spent):.2f}" for part in PARTS]
    whole = sorted(1000 * each.whole for each in spent)
    print(f"{name:22} {median(whole):7.2f} ms ({whole[0]:.2f} to {whole[-1]:.2f}): {', '.join(parts)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
