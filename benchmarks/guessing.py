"""Whether guessing codes succeeds more often than SECURITY.md says: ten thousand guesses over two thousand sessions.

    .venv/bin/python benchmarks/guessing.py                                              # SQLite
    .venv/bin/python benchmarks/guessing.py postgres://postgres@127.0.0.1:5432/postgres  # a database of its own there

1. *Guesses*: strangers on 50 addresses, four at the same time, through a simulated day and every door that takes a code
   (`tests/support/attackers.py`). Nothing may be found, and no allowance may be compared with more guesses than the
   table in SECURITY.md says.
2. *Pages*: over HTTP, each session with fresh cookies types the code that somebody else was just sent, and a wrong one.
   Both answers have to be the same: status, headers, words (tokens and numbers masked), number of statements; and as
   quick.
3. *Odds*: codes of two digits, so that guesses are right now and then. Every allowance of many numbers is used up
   through a simulated day; the right guesses are compared with what the odds say.

The exit status is 1 if anything is above the odds or differs.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

GUESSES, SESSIONS, BLOCK, ADDRESSES, THREADS = 10_000, 2_000, 140, 50, 4
PAGES = 60  # sessions at each page
VICTIMS, DIGITS = 40, 2
BOUND = 4  # standard deviations that chance may have


def main(server: str) -> int:
    from benchmarks.databases import migrated

    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder, migrated(server, Path(folder)) as url:
        os.environ["DATABASE_URL"], os.environ["DJANGO_SETTINGS_MODULE"] = url, "tests.settings"
        import django

        django.setup()
        from django.conf import settings
        from django.db import connection

        settings.ALLOWED_HOSTS = ["testserver"]
        print(connection.vendor)
        misses = [*guesses(), *pages(), *odds_of_chance()]
        connection.close()
    for miss in misses:
        print("NOT AS IT SHOULD BE:", miss)
    return 1 if misses else 0


class Clock:
    """Stands still, but for `move`: so that waits in two answers are the same."""

    def __init__(self) -> None:
        from django.utils import timezone

        self.at = timezone.now()

        class Moment(datetime):
            """Where `timezone.now` looks: fields have it as their default, so that it cannot be replaced itself."""

            @classmethod
            def now(cls, tz: Any = None) -> datetime:
                return self.at

        timezone.datetime = Moment  # type: ignore[attr-defined]

    def move(self, span: timedelta) -> None:
        """Time goes by, and the worker looks at what is due."""
        from accounts.tasks import send_codes

        self.at += span
        send_codes()


# 1. Guesses.


@dataclass
class Tally:
    """What came of the attack, all threads together."""

    sessions: int = 0
    refused: int = 0
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, door: str, said: str) -> None:
        with self.lock:
            self.answers[door, said] += 1


def guesses() -> list[str]:
    """A day of strangers at every door of one number."""
    from accounts.models import Allowance
    from common import limits
    from tests.support.attackers import doors

    clock, found, began = Clock(), Tally(), time.monotonic()
    attacks = doors(addresses=ADDRESSES)
    while found.sessions < SESSIONS or found.answers.total() < GUESSES:
        open_ones = _asked(attacks, found)
        _type(open_ones, found, times=2)
        for _ in range(3):
            clock.move(limits.CODE_GAP)
            _type(open_ones, found, times=1)
        clock.move(timedelta(minutes=60) - 3 * limits.CODE_GAP)
    took = time.monotonic() - began
    print(f"\n1. {found.answers.total()} guesses in {found.sessions} sessions, {ADDRESSES} addresses, {took:.0f} s")
    print(f"   {found.refused} more sessions were refused when they asked: the number's codes were used up")
    for door in attacks:
        said = {answer: times for (name, answer), times in found.answers.items() if name == door.name}
        print(f"   {door.name:13} {', '.join(f'{answer} {times}' for answer, times in sorted(said.items()))}")
    misses = [f"{name} found a code" for (name, answer) in found.answers if answer == "right"]
    return misses + [miss for name in Allowance if (miss := _above(name))]


def _asked(attacks: list[Any], found: Tally) -> list[tuple[str, Callable[[str], object]]]:
    """A block of sessions that ask, spread over the doors, from threads of their own."""
    from tests.support.accounts import together
    from tests.support.attackers import asked

    first = found.sessions + found.refused
    opened: list[tuple[str, Callable[[str], object]]] = []

    def ask(thread: int) -> None:
        for session in range(first + thread, first + BLOCK, THREADS):
            door = attacks[session % len(attacks)]
            guess = asked(door.ask, session)
            with found.lock:
                found.sessions += guess is not None
                found.refused += guess is None
                if guess:
                    opened.append((door.name, guess))

    _checked(together(ask, THREADS))
    return opened


def _type(opened: list[tuple[str, Callable[[str], object]]], found: Tally, *, times: int) -> None:
    from tests.support.accounts import together
    from tests.support.attackers import answer

    def type_(thread: int) -> None:
        for name, guess in opened[thread::THREADS]:
            for _ in range(times):
                found.note(name, answer(guess, f"{found.answers.total():06}"))

    _checked(together(type_, THREADS))


def _above(allowance: Any) -> str:
    """Prints how an allowance was used in the fullest 24 hours, and says what is above the table."""
    from accounts.codes import odds
    from accounts.models import OneTimeCode

    rows = OneTimeCode.objects.filter(allowance=allowance).exclude(code_hash="").order_by("created_at")
    sent, day = list(rows.values_list("created_at", "tries")), timedelta(days=1)
    days = [[tries for at, tries in sent if first <= at < first + day] for first, _tries in sent] or [[]]
    codes, tries, most = max(map(len, days)), max(map(sum, days)), odds.of(allowance)
    print(
        f"   {allowance:9} {codes:3} codes in the fullest 24 hours, {tries:3} guesses compared with them; "
        f"the table: {most.codes} codes, {most.tries} guesses, {most.per_million:g} in 1,000,000"
    )
    return f"{allowance}: more than the table says" if codes > most.codes or tries > most.tries else ""


# 2. Pages.


def pages() -> list[str]:
    """Somebody else's live code, and a wrong one, in many sessions of each page that a stranger can reach."""
    Clock()
    misses = []
    print("\n2. somebody else's live code against a wrong one, over HTTP, in the same session")
    for name, (owner, stranger) in _doors().items():
        code, pairs, kinds = owner(), [], set()
        for session in range(PAGES):
            guess = stranger(_browser(session))
            guess("000000")
            typed = [code, _another(code)]
            seen = {each: _seen(guess, each) for each in (typed if session % 2 else reversed(typed))}
            hers, wrong = (seen[each] for each in typed)
            pairs.append((hers, wrong))
            kinds.add((hers.status, hers.statements))
        differ = sum(hers.said != wrong.said for hers, wrong in pairs)
        ratio = median(hers.seconds / wrong.seconds for hers, wrong in pairs)
        shown = ", ".join(f"status {status} with {statements} statements" for status, statements in sorted(kinds))
        print(f"   {name:9} {PAGES} sessions, {differ} differ; {shown}; time {ratio:.2f} of a wrong one's")
        misses += [f"{name}: {differ} answers differ"] if differ else []
    return misses


@dataclass(frozen=True)
class Answer:
    said: tuple[Any, ...]
    status: int
    statements: int
    seconds: float


def _seen(guess: Callable[[str], Any], typed: str) -> Answer:
    import re

    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    began = time.perf_counter()
    with CaptureQueriesContext(connection) as queries:
        answer = guess(typed)
    seconds = time.perf_counter() - began
    words = re.sub(r'value="[^"]*"|\d+', "", answer.content.decode())
    headers = tuple(sorted((name, re.sub(r"\d+", "", value)) for name, value in answer.items()))
    return Answer((answer.status_code, headers, words, len(queries)), answer.status_code, len(queries), seconds)


def _doors() -> dict[str, tuple[Callable[[], str], Callable[[Any], Callable[[str], Any]]]]:
    """For each page: what the owner does (returns the code that was sent), and how a stranger begins."""
    from accounts.models import OneTimeCode
    from accounts.tasks import send_codes
    from identity.registries.demo import CITIZENS
    from tests.support.journeys import Browser, account_of, code_on
    from tests.support.recoveries import Recoverer

    new, known, other = CITIZENS[1], CITIZENS[0], CITIZENS[2]
    OneTimeCode.objects.all().delete()
    account_of(other)

    def registers() -> str:
        Browser(REMOTE_ADDR="192.0.2.7").step_one(new)
        return code_on(new.mobile)

    def register(browser: Any) -> Callable[[str], Any]:
        browser.step_one(new)
        return browser.step_two

    def recovers() -> str:
        Recoverer(REMOTE_ADDR="192.0.2.7").begin(known.national_id)
        return code_on(known.mobile)

    def recovery(browser: Any) -> Callable[[str], Any]:
        browser.post("/portal/recovery", {"national_id": known.national_id})
        send_codes()
        return lambda typed: browser.post("/portal/recovery/code", {"code": typed})

    def signs_in() -> str:
        Browser(REMOTE_ADDR="192.0.2.7").post("/portal/sign-in/by-code", {"national_id": other.national_id})
        send_codes()
        return code_on(other.mobile)

    def sign_in(browser: Any) -> Callable[[str], Any]:
        browser.post("/portal/sign-in/by-code", {"national_id": other.national_id})
        send_codes()
        return lambda typed: browser.post("/portal/sign-in/code", {"code": typed})

    return {"register": (registers, register), "recovery": (recovers, recovery), "sign_in": (signs_in, sign_in)}


def _browser(session: int) -> Any:
    from tests.support.journeys import Browser

    return Browser(REMOTE_ADDR=f"10.9.{session % ADDRESSES}.1")


def _another(code: str) -> str:
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}}"


# 3. Odds.


def odds_of_chance() -> list[str]:
    """Uses up each allowance of many numbers in a simulated day, and counts right guesses."""
    from accounts.codes import odds
    from accounts.models import Allowance
    from common import limits

    limits.CODE_DIGITS, misses = DIGITS, []
    print(f"\n3. codes of {DIGITS} digits, every code of a day of {VICTIMS} numbers, {limits.CODE_TRIES} guesses each")
    for place, allowance in enumerate(Allowance):
        codes, hits = _a_day(allowance, first=place * VICTIMS)
        computed = odds.of(allowance).per_million / 1e6  # of codes of so many digits, by `limits`
        measured = hits / VICTIMS
        chance = BOUND * (VICTIMS * computed) ** 0.5 / VICTIMS
        print(
            f"   {allowance:9} {codes / VICTIMS:4.1f} codes a number; right guesses a number and day: "
            f"measured {measured:.3f}, computed {computed:.3f} ± {chance:.3f}; "
            f"with six digits {computed / 10 ** (6 - DIGITS):.6f}"
        )
        if abs(measured - computed) > chance or codes > VICTIMS * odds.of(allowance).codes:
            misses.append(f"{allowance}: not the computed odds")
    return misses


def _a_day(allowance: Any, *, first: int) -> tuple[int, int]:
    """How many codes were sent, and how many were guessed, from as many addresses as are needed."""
    from accounts.models import OneTimeCode
    from common import limits
    from tests.support.accounts import together

    clock, hits = Clock(), Counter[str]()
    mobiles = [f"+98935{first + number:07}" for number in range(VICTIMS)]
    asks = limits.CODES_PER_HOUR + limits.CODES_KEPT_PER_DAY + 2  # the last two are refused
    for hour in range(3):
        for session in range(asks):

            def attack(thread: int, name: str = f"{hour}:{session}", number: int = session) -> None:
                for mobile in mobiles[thread::THREADS]:
                    hits[mobile] += _guessed(allowance, mobile, asker=name, number=number)

            _checked(together(attack, THREADS))
            clock.at += limits.CODE_GAP
        clock.at += timedelta(hours=1)
    sent = OneTimeCode.objects.filter(mobile__in=mobiles).exclude(code_hash="").count()
    return sent, hits.total()


def _guessed(allowance: Any, mobile: str, *, asker: str, number: int) -> bool:
    """One session that asks and types as often as it may; nothing twice."""
    from accounts.codes import issuing, trying
    from accounts.codes.requesters import Requester
    from accounts.models import CodePurpose
    from common import limits
    from common.errors import PortalError
    from tests.support.attackers import address

    session: dict[str, Any] = {"purpose": CodePurpose.REGISTER, "mobile": mobile, "asker": asker}
    try:
        issuing.issue(**session, allowance=allowance, by=Requester(origin=address(number)))
        for guess in range(limits.CODE_TRIES + 1):  # once more than is compared
            try:
                trying.consume(trying.try_code(**session, typed=f"{guess:0{DIGITS}}"), used_for="guess")
                return True
            except PortalError as error:
                if error.code not in ("code_wrong", "code_tries"):
                    raise
    except PortalError as error:
        if error.code != "code_limit":
            raise
    return False


def _checked(results: list[Any]) -> None:
    for result in results:
        if isinstance(result, Exception):
            raise result


if __name__ == "__main__":
    sys.exit(main(next(iter(sys.argv[1:]), "")))
