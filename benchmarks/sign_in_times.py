"""Whether the time of an answer tells a stranger something about a password, an account or a code.

    DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres .venv/bin/python benchmarks/sign_in_times.py

Every kind of refused sign-in and of asking for a code, and of typing a wrong one, in one shuffled run: each request
by a person of its own from an address of its own, so that no pause begins. The requests go through the whole portal
inside this process: a network would only hide differences. A database of its own is made on the server and dropped;
without DATABASE_URL it is SQLite.

Each kind is compared with the first of its group: the share of pairs in which it took longer (0.5: no difference),
beside the band in which chance alone keeps that share, found by dealing the same times out again. Twice: all requests,
and the fastest of every four, as a stranger would do who asks again and again to be rid of the noise. To show what
would be seen, one half of the first kind is compared with the other half, as it is and with 2 ms added. Ends with an
error if a kind is outside its band, or if the 2 ms would not be seen: then this machine is too busy to say anything.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import databases
from benchmarks.distributions import Comparison, compare, histogram, percentiles

PASSWORD, WRONG = "Toranj7sangak!", "Wrong1234"
WARM_UP = 20  # of each kind, not looked at
ARTIFICIAL = 0.002  # seconds
AGAIN = 4  # a stranger asks so often, and keeps the fastest
CHANCE = 0.001  # how often a band is left by chance alone; some twenty comparisons a run
PAGE, BY_CODE, CODE = "/portal/", "/portal/sign-in/by-code", "/portal/sign-in/code"


@dataclass(frozen=True)
class Kind:
    """`people`: who makes the accounts of these IDs; `send`: the request that is timed."""

    group: str
    name: str
    people: str
    send: str


KINDS = [
    Kind("password", "wrong password", "open", "wrong"),
    Kind("password", "unknown ID", "", "right"),
    Kind("password", "frozen, right password", "frozen", "right"),
    Kind("password", "frozen, wrong password", "frozen", "wrong"),
    Kind("password", "deactivated, right password", "deactivated", "right"),
    Kind("password", "never activated, right password", "waiting", "right"),
    Kind("code asked for", "an account", "open", "ask"),
    Kind("code asked for", "unknown ID", "", "ask"),
    Kind("code asked for", "frozen", "frozen", "ask"),
    Kind("wrong code typed", "an account", "open", "type"),
    Kind("wrong code typed", "unknown ID", "", "type"),
    Kind("wrong code typed", "frozen", "frozen", "type"),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=800, help="requests of each kind")
    parser.add_argument("--seed", type=int, default=0, help="of the order and of the dealing; 0: another each time")
    given = parser.parse_args()
    chance = random.Random(given.seed or None)  # noqa: S311 - no secret
    with contextlib.ExitStack() as ends:
        folder = Path(tempfile.mkdtemp(prefix="portal-times-"))
        ends.callback(shutil.rmtree, folder, ignore_errors=True)
        url = ends.enter_context(databases.migrated(os.environ.get("DATABASE_URL", ""), folder))
        ends.enter_context(portal(folder, url))
        times = measured(given.count, chance)
    good = True
    for group in dict.fromkeys(kind.group for kind in KINDS):
        good &= report(group, times, chance)
    return 0 if good else 1


@contextlib.contextmanager
def portal(folder: Path, url: str) -> Iterator[None]:
    """This process as a portal of its own, which nobody else reaches and whose hints reach nobody."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "tamin_portal.settings",
        "PORTAL_HOME": str(folder),
        "PORTAL_MODE": "demo",
        "SECRET_KEY": "x" * 50,
        "CODE_HASH_KEY": "y" * 50,
        "DATABASE_URL": url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "ALLOWED_HOSTS": "testserver",
    }
    import django

    django.setup()
    logging.disable(logging.WARNING)  # that no hint reaches anybody
    from django.db import connections

    try:
        yield
    finally:
        connections.close_all()


def measured(count: int, chance: random.Random) -> dict[Kind, list[float]]:
    """Seconds of each request, by kind; all kinds in one shuffled order."""
    browser = Browser()
    requests = list(prepared(count + WARM_UP, browser))
    chance.shuffle(requests)
    times: dict[Kind, list[float]] = {kind: [] for kind in KINDS}
    for number, (kind, send) in enumerate(requests, 1):
        times[kind].append(send())
        if number % 500 == 0:
            print(f"{number} of {len(requests)} requests", file=sys.stderr, flush=True)
    return {kind: taken[-count:] for kind, taken in times.items()}


def prepared(count: int, browser: Browser) -> Iterator[tuple[Kind, Callable[[], float]]]:
    """Every request, with its own person behind it."""
    from accounts.codes import challenges
    from tests.support.citizens import national_id

    asked: list[tuple[Kind, str, str]] = []
    for place, kind in enumerate(KINDS):
        ids = [national_id(place * count + number) for number in range(count)]
        make_people(kind.people, ids)
        for id_ in ids:
            if kind.send == "type":
                asked.append((kind, id_, browser.asked(id_)))
            else:
                yield kind, lambda kind=kind, id_=id_: browser.sends(kind.send, id_)
    challenges.send_due(seconds=600)
    for kind, id_, session in asked:
        yield kind, lambda id_=id_, session=session: browser.sends("type", id_, session)


class Browser:
    """Sends one person's request after the other; each comes from another address."""

    def __init__(self) -> None:
        from django.test import Client

        self.client, self.addresses = Client(), 0

    def sends(self, what: str, national_id: str, session: str = "") -> float:
        """The seconds until the answer."""
        path, typed = {
            "wrong": (PAGE, {"national_id": national_id, "password": WRONG}),
            "right": (PAGE, {"national_id": national_id, "password": PASSWORD}),
            "ask": (BY_CODE, {"national_id": national_id}),
            "type": (CODE, {"code": "000000"}),
        }[what]
        self.client.cookies.clear()
        if session:
            self.client.cookies["sessionid"] = session
        address = self._address()
        began = time.perf_counter()
        answer = self.client.post(path, typed, REMOTE_ADDR=address)
        took = time.perf_counter() - began
        if answer.status_code != (302 if what == "ask" else 200):
            raise SystemExit(f"{what} was answered with {answer.status_code}: the times would say nothing")
        return took

    def asked(self, national_id: str) -> str:
        """A session that waits for the code of this ID."""
        self.sends("ask", national_id)
        return str(self.client.cookies["sessionid"].value)

    def _address(self) -> str:
        self.addresses += 1
        return f"10.{self.addresses >> 16}.{self.addresses >> 8 & 255}.{self.addresses & 255}"


def make_people(which: str, ids: list[str]) -> None:
    """Accounts for these IDs, `open`, `waiting` for a branch, or closed as named; "": none."""
    from django.contrib.auth.hashers import make_password

    from accounts.models import Closure, User
    from tests.support.citizens import number_of

    if not which:
        return
    from django.utils import timezone

    now, password = timezone.now(), make_password(PASSWORD)
    closure = Closure(which) if which in Closure.values else ""
    User.objects.bulk_create(
        User(
            username=f"citizen {id_}",
            national_id=id_,
            mobile=f"+98935{number_of(id_):07}",
            password=password,
            is_active=which == "open",
            closure=closure,
            closed_at=now if closure else None,
            activated_at=None if which == "waiting" else now,
        )
        for id_ in ids
    )


def report(group: str, times: dict[Kind, list[float]], chance: random.Random) -> bool:
    """Print one group; whether nothing in it tells, and 2 ms would have been seen."""
    taken = {kind.name: times[kind] for kind in KINDS if kind.group == group}
    first, reference = next(iter(taken.items()))
    print(f"\n{group}: milliseconds\n")
    print(percentiles(taken))
    print()
    print(histogram(taken))
    others = {name: these for name, these in taken.items() if name != first}
    halves = list(reference)
    chance.shuffle(halves)
    one, other = halves[::2], halves[1::2]
    slower = [seconds + ARTIFICIAL for seconds in one]
    good = True
    for what, of in (("all requests", list), (f"the fastest of every {AGAIN}", fastest)):
        print(f"\n{what}, compared with “{first}”: the share that took longer, and the band of chance\n")
        for name, these in others.items():
            good &= told(name, compare(of(these), of(reference), CHANCE, chance), apart=False)
        good &= told("one half of itself", compare(of(one), of(other), CHANCE, chance), apart=False)
        seen = told("the same half, 2 ms added", compare(of(slower), of(other), CHANCE, chance), apart=True)
    return good and seen  # by the fastest; a busy machine hides 2 ms among all


def fastest(times: list[float]) -> list[float]:
    """Of every `AGAIN` in a row."""
    return [min(times[at : at + AGAIN]) for at in range(0, len(times) - AGAIN + 1, AGAIN)]


def told(name: str, found: Comparison, *, apart: bool) -> bool:
    """Print one comparison; whether it is as it should be."""
    says = "differs" if found.is_outside else "no difference"
    good = found.is_outside == apart
    line = f"{name:34} {found.share:.3f}  ({found.low:.3f} to {found.high:.3f})  {says}"
    print(line if good else f"{line}  ←")
    return good


if __name__ == "__main__":
    sys.exit(main())
