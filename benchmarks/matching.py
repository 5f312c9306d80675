"""How many registrations one worker matches a second, and how that compares with a task for each.

    DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres .venv/bin/python benchmarks/matching.py

Against the imported extract: of ten people eight match, one claims another family name, one uses another's mobile.
The same worker does both, in turn in the same run: the queue worked off by `registration.match`, and one Celery task
for each registration that asks, decides and tells row by row. A database of its own is made on the server and dropped;
without DATABASE_URL it is SQLite. Ends with an error below the aim, or if somebody was not decided about rightly.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import databases
from benchmarks.extract_lines import CIVIL, OWNERS, mobile, national_id
from benchmarks.sms_world import World, until

AIM = 28
APP = "benchmarks.matching_worker"
MATCHES, OTHER_NAME, OTHER_OWNER = 8, 1, 1  # of ten


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plain", type=int, default=600, help="registrations a round by a Celery task each")
    parser.add_argument("--drained", type=int, default=4000, help="registrations a round by draining")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill is a Ctrl-C: nothing is left running
    with contextlib.ExitStack() as ends:
        folder = Path(tempfile.mkdtemp(prefix="portal-matching-"))
        ends.callback(shutil.rmtree, folder, ignore_errors=True)
        url = ends.enter_context(databases.migrated(os.environ.get("DATABASE_URL", ""), folder))
        world = ends.enter_context(portal(folder, url))
        from common.installation import ensure_mode

        ensure_mode(fresh=True)
        load_extracts(max(given.plain, given.drained))
        world.start_worker("matching", queue="identity", pool="solo", app=APP)  # one thread for either way
        good = compare(given)
    return 0 if good else 1


@contextlib.contextmanager
def portal(folder: Path, url: str) -> Iterator[World]:
    """This process as one of a portal with the database of `url` and a Redis of its own, which asks nobody but the
    imported extracts."""
    world = World(folder, url, {"IDENTITY_OWNER_REGISTRIES": "local", "IDENTITY_PERSON_REGISTRIES": "local"})
    try:
        os.environ |= world.env
        import django

        django.setup()
        world.start_redis()
        yield world
    finally:
        world.end()


def compare(given: argparse.Namespace) -> bool:
    """In turn, so that a busy machine slows both."""
    ratios, rates, good = [], [], True
    for number in range(given.rounds):
        slow = measured(given.plain, each=True)
        good &= all_is_right(given.plain)
        quick = measured(given.drained, each=False)
        good &= all_is_right(given.drained)
        ratios.append(quick / slow)
        rates.append(quick)
        print(
            f"round {number + 1}: a task each {slow:5.0f} registrations/s, drained {quick:5.0f}/s: {ratios[-1]:.1f} ×",
            flush=True,
        )
    ratio = statistics.median(ratios)
    print(f"{statistics.median(rates):.0f} registrations/s; drained / a task each: {ratio:.1f} × (aim ≥ {AIM} ×)")
    return good and ratio >= AIM


def measured(count: int, *, each: bool) -> float:
    """Registrations a second: with a task `each`, else by draining. The tasks are all sent before the clock starts
    with the first decision, the drain's clock starts with its hint."""
    from registration.models import Registration
    from tamin_portal.celery import app

    fill(range(count), due=not each)
    if not each:
        began = time.monotonic()
        app.send_task("registration.match", ignore_result=True)
        until(nothing_left, "the drain does not end", 300, every=0.02)
        return count / (time.monotonic() - began)
    for pk in Registration.objects.values_list("pk", flat=True):
        app.send_task("registration.plain", [pk], queue="identity")
    until(nothing_left, "the tasks do not end", 300)
    first, last = span()
    return count / (last - first).total_seconds()


def nothing_left() -> bool:
    from registration.models import Registration

    return not Registration.objects.filter(state="submitted").exists()


def span() -> tuple[Any, Any]:
    from django.db.models import Max, Min

    from registration.models import Event

    found = Event.objects.aggregate(first=Min("at"), last=Max("at"))
    return found["first"], found["last"]


def all_is_right(count: int) -> bool:
    """Everybody is where they belong, with one event, and one SMS each."""
    from accounts.models import User
    from registration.models import Event, Registration
    from sms.models import Message

    states = Counter(Registration.objects.values_list("state", "verdict_kind"))
    tenth = count // 10
    wanted = {("approved", ""): tenth * MATCHES, ("referred", "identity"): tenth, ("referred", "owner"): tenth}
    told = (User.objects.count(), Event.objects.count(), Message.objects.count())
    right = states == wanted and told == (tenth * MATCHES, count, count)
    if not right:
        print(f"wrong: {dict(states)}; accounts, events, SMS: {told}")
    return right


# ── the people


def load_extracts(count: int) -> None:
    from identity import services as identity

    people = (f"{national_id(n)},رضا,کریمی,1370/05/17,male,{n + 1},الف12,345678,0\n" for n in range(count))
    owners = (f"{national_id(n)},{mobile(n)}\n" for n in range(count))
    identity.load_civil_registry(source=io.BytesIO((CIVIL + "".join(people)).encode()))
    identity.load_mobile_owners(source=io.BytesIO((OWNERS + "".join(owners)).encode()))


def fill(numbers: Iterable[int], *, due: bool) -> None:
    """Fresh registrations of these people and nothing else; not `due`: only a task of their own matches them."""
    from accounts.models import User
    from registration.models import Event, Registration
    from sms.models import Message

    for model in (Event, Registration, User, Message):
        model.objects.all().delete()
    Registration.objects.bulk_create((registration(n, due=due) for n in numbers), batch_size=500)


def registration(number: int, *, due: bool) -> Any:
    import datetime as dt

    from django.utils import timezone

    from registration.models import Registration

    now = timezone.now()
    return Registration(
        state="submitted",
        national_id=national_id(number),
        mobile="+98" + mobile(number + 1 if number % 10 == MATCHES else number)[1:],
        operator="mci",
        last_name="احمدی" if number % 10 == MATCHES + OTHER_OWNER else "کریمی",
        first_name="رضا",
        certificate_number=str(number + 1),
        certificate_serial="345678",
        series_letter="الف",
        series_number="12",
        birth_date=dt.date(1991, 8, 8),
        gender="male",
        country="IR",
        city="تهران، تهران",
        email="someone@example.com",
        security_question="favourite_colour",
        security_answer="argon2$hash",
        password="argon2$hash",  # noqa: S106 - no password
        tracking_code=f"{number:010}",
        confirmed_at=now,
        submitted_at=now,
        next_attempt_at=now if due else None,
    )


if __name__ == "__main__":
    sys.exit(main())
