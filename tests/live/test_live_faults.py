"""Real processes killed, stopped and frozen under a running portal: nothing is lost, nothing happens twice."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.live import (
    Citizen,
    Person,
    Portal,
    free_port,
    is_ready,
    register,
    run,
    sign_in,
    somebody,
    step_one,
    step_three,
    step_two,
    until,
    wait_for,
)
from tests.support.live_servers import Stage, embedded, has_real, real

pytestmark = pytest.mark.faults
SLOWEST_PAGE = 3.0  # seconds
QUEUE = 60  # registrations waiting for matching
LEASES_LAPSE = 120.0  # seconds: what a dead worker had claimed is due again after a third of it (`LEASES`)

SEED = """
from tests.support.journeys import registration_in
from tests.support.live import somebody
from registration.states import State
from django.utils import timezone
for number in range({first}, {first} + {count}):
    person = somebody(number)
    due = {{"next_attempt_at": timezone.now()}}
    registration_in(State.SUBMITTED, national_id=person.national_id, mobile=person.mobile, **due)
print("null")
"""
# Per registration: its state, the states its events led to, and the results its phone received.
OUTCOMES = """[
    [row.state, [event.to_state for event in row.events.all()],
     Inbox.objects.filter(to=row.mobile, kind="result").count(),
     Message.objects.filter(to=row.mobile, kind="result").count(),
     User.objects.filter(national_id=row.national_id, is_active=True).count()]
    for row in Registration.objects.filter(national_id__gte="{first}", national_id__lte="{last}").order_by("pk")
]"""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """PostgreSQL and a Redis of the test's own where DATABASE_URL names one, else the embedded default."""
    with (real if has_real() else embedded)(tmp_path) as started:
        yield started


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with embedded(tmp_path_factory.mktemp("faults")) as started:
        yield started


def test_workers_killed_in_the_middle_of_their_work_decide_everything_once(stage: Stage) -> None:
    portal, first = stage.portal, 1000
    portal.home.manage("shell", "--no-imports", "-c", SEED.format(first=first, count=QUEUE))
    for already in (5, 15):
        until(lambda: approved(portal) >= already, what=f"{already} decisions")  # noqa: B023 - used at once
        for worker in ("worker-identity", "worker-sms"):
            os.killpg(portal.pid_of(worker), signal.SIGKILL)
        assert approved(portal) < QUEUE, "killed too late to prove anything"
    # A person who registers now does not wait for the leases of the dead.
    began, citizen = time.monotonic(), somebody(999)
    register(portal.person(), citizen)
    until(lambda: portal.home.results(citizen.mobile), what="the result of a person after the kill")
    assert time.monotonic() - began < 30
    until(lambda: approved(portal) == QUEUE + 1, what="every decision", seconds=LEASES_LAPSE)
    until(lambda: results_sent(portal) == QUEUE + 1, what="every result", seconds=LEASES_LAPSE)
    ids = {"first": somebody(first).national_id, "last": somebody(first + QUEUE - 1).national_id}
    assert portal.ask(OUTCOMES.format(**ids)) == [["approved", ["approved"], 1, 1, 1]] * QUEUE


def approved(portal: Portal) -> int:
    count: int = portal.ask("Registration.objects.filter(state='approved').count()")
    return count


def results_sent(portal: Portal) -> int:
    count: int = portal.ask("Inbox.objects.filter(kind='result').count()")
    return count


def test_with_redis_stopped_citizens_register_and_hear_of_it(stage: Stage) -> None:
    """ "Works without Redis": not only pages, but codes and results too."""
    portal, people = stage.portal, [somebody(2000 + number) for number in range(3)]
    persons = [portal.person() for _ in people]
    stage.redis.stop()
    try:
        waits = [whole_way(portal, person, citizen) for person, citizen in zip(persons, people, strict=True)]
        assert is_ready(portal.port)
        assert "degraded: redis" in portal.person().go("/readyz").text
    finally:
        stage.redis.start()
    assert max(waits) < 20  # a limit: it was 45 and more
    assert max(person.slowest for person in persons) < SLOWEST_PAGE
    citizen, person = somebody(2050), portal.person()  # and when it is back
    whole_way(portal, person, citizen)
    sign_in(person, citizen)


def whole_way(portal: Portal, person: Person, citizen: Citizen) -> float:
    """Register and receive the result; how long the code took, in seconds."""
    began = time.monotonic()
    step_one(person, citizen)
    code = portal.home.new_code(citizen.mobile)
    took = time.monotonic() - began
    step_two(person, code)
    step_three(person, citizen)
    until(lambda: portal.home.results(citizen.mobile), what="the result")
    return took


def test_a_portal_that_starts_while_redis_is_away_works(new_home: Path, tmp_path: Path) -> None:
    """Its workers wait for Redis, and work meanwhile; a second start is as good."""
    shutil.copytree(new_home, tmp_path / "home")
    with run(tmp_path / "home", env={"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}) as portal:
        portal.until_ready()
        whole_way(portal, portal.person(), somebody(2060))
        os.kill(portal.pid_of("worker-sms"), signal.SIGTERM)
        wait_for(lambda: portal.log("supervisord").count("spawned: 'worker-sms'") == 2)
        whole_way(portal, portal.person(), somebody(2061))


def test_workers_and_beat_say_that_they_live_until_they_are_frozen(new_home: Path, tmp_path: Path) -> None:
    """With the file that docker-compose.yml looks at; all of a home share one here, so all are frozen."""
    shutil.copytree(new_home, tmp_path / "home")
    file = tmp_path / "alive"
    with run(tmp_path / "home", env={"ALIVE_FILE": str(file)}) as portal:
        portal.until_ready()
        names = ("worker-sms", "worker-receipts", "worker-identity", "beat")
        for name in names:
            others = [portal.pid_of(other) for other in names if other != name]
            try:
                for pid in others:
                    os.kill(pid, signal.SIGSTOP)
                began = time.time()
                wait_for(lambda began=began: file.exists() and file.stat().st_mtime > began, seconds=30)  # type: ignore[misc]
            finally:
                for pid in others:
                    os.kill(pid, signal.SIGCONT)
        for name in names:
            os.kill(portal.pid_of(name), signal.SIGSTOP)
        try:
            began = time.time()
            time.sleep(8)  # longer than they are silent; that nothing happens has no sign
            assert file.stat().st_mtime < began
        finally:
            for name in names:
                os.kill(portal.pid_of(name), signal.SIGCONT)


def test_with_redis_frozen_for_twenty_seconds_no_page_is_slow(default: Stage) -> None:
    portal = default.portal
    asked: list[tuple[Person, Citizen]] = []
    readers = [portal.person() for _ in range(3)]
    with default.redis_frozen():
        ends = time.monotonic() + 20
        threads = [threading.Thread(target=read_until, args=(reader, ends)) for reader in readers]
        for thread in threads:
            thread.start()
        while time.monotonic() < ends:
            person, citizen = portal.person(), somebody(2200 + len(asked))
            step_one(person, citizen)
            asked.append((person, citizen))
            time.sleep(0.3)  # a pace, not a wait: people arrive one after another
        for thread in threads:
            thread.join()
    assert len(asked) >= 10
    slowest = max(person.slowest for person in [*readers, *(person for person, _ in asked)])
    assert slowest < SLOWEST_PAGE
    mobiles = ["+98" + citizen.mobile[1:] for _, citizen in asked]
    arrived = f"Inbox.objects.filter(to__in={mobiles}).count()"
    until(lambda: portal.ask(arrived) == len(asked), what="every code after the thaw")


def read_until(person: Person, ends: float) -> None:
    while time.monotonic() < ends:
        for path in ("/portal/registration", "/portal/", "/readyz"):
            assert person.go(path).status == 200


class Stubborn(Person):
    """A browser whose every first POST to a page loses its web worker `delay` seconds in, and that sends it again."""

    delay, cut = 0.0, 0

    def _ask(self, url, data):
        timer = None
        if data is not None:
            timer = threading.Timer(self.delay, self.kill_web)
            timer.start()
        for _ in range(100):
            try:
                page = super()._ask(url, data)
                break
            except (OSError, http.client.HTTPException):
                self.cut += 1
                time.sleep(0.1)
        else:
            pytest.fail(f"no answer from {url}")
        if timer:
            timer.join()
        assert page.status < 500, page.summary()
        return page

    def kill_web(self) -> None:
        for pid in self.web_workers():
            os.kill(pid, signal.SIGKILL)


def test_web_workers_killed_during_posts_leave_nothing_half_done(default: Stage) -> None:
    portal = default.portal
    cut = 0
    people = [somebody(2400 + number) for number in range(8)]
    for number, citizen in enumerate(people):
        person = Stubborn(portal.url, portal.home)
        person.web_workers = lambda: children(portal.pid_of("web"))
        person.delay = 0.004 * 2**number if number else 0.0
        tracking_code = register(person, citizen)
        assert portal.home.status(citizen.national_id)["tracking_code"] == tracking_code
        cut += person.cut
    assert cut >= 8, "too few requests were hit to prove anything"
    wait_for(lambda: is_ready(portal.port))
    ids = {"first": people[0].national_id, "last": people[-1].national_id}
    until(lambda: {row[0] for row in portal.ask(OUTCOMES.format(**ids))} == {"approved"}, what="every decision")
    until(lambda: all(row[2] for row in portal.ask(OUTCOMES.format(**ids))), what="every result")
    steps = ["started", "mobile_confirmed", "submitted", "approved"]
    assert portal.ask(OUTCOMES.format(**ids)) == [["approved", steps, 1, 1, 1]] * len(people)
    mobiles = ["+98" + citizen.mobile[1:] for citizen in people]
    codes = portal.ask(f"list(OneTimeCode.objects.filter(mobile__in={mobiles}).values_list('mobile', flat=True))")
    texts = portal.ask(f"list(Inbox.objects.filter(kind='code', to__in={mobiles}).values_list('to', flat=True))")
    assert Counter(codes) == Counter(texts) == dict.fromkeys(mobiles, 1)
    sign_in(portal.person(), people[-1])


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
