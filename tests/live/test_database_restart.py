"""PostgreSQL is restarted under a running web: a citizen reads when to go on, and loses nothing that was typed."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.live import Home, Person, somebody, wait_for
from tests.support.live_web import Web, web
from tests.support.own_postgres import OwnPostgres, own_postgres

pytestmark = pytest.mark.faults
WAIT = "ده ثانیه"


@pytest.fixture(scope="module")
def database() -> Iterator[OwnPostgres]:
    with own_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def place(database: OwnPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    # Its role is the cluster's first, a superuser, which a demo may be.
    with web(tmp_path_factory.mktemp("restart"), DATABASE_URL=database.url) as started:
        yield started


@pytest.fixture
def person(place: Web) -> Person:
    return Person(f"http://127.0.0.1:{place.port}", Home(place.home, place.env))


def test_what_was_typed_while_it_was_away_is_sent_by_a_button(database: OwnPostgres, person: Person) -> None:
    citizen = somebody(4100)
    person.go("/portal/registration")
    database.stop()
    try:
        page = person.press(citizen.step_one())
        assert (page.status, WAIT in page.text) == (503, True), page.summary()
        assert citizen.national_id in page.text
        again = person.press({})  # nor does the button find it
        assert again.status == 503
        assert citizen.national_id in again.text
        reading = person.go("/portal/registration/status")
        assert reading.status in (200, 503)
    finally:
        database.start()
    person.page = again
    person.press({})
    person.expect("کد شناسه")


def test_a_password_is_not_in_the_page(database: OwnPostgres, person: Person) -> None:
    citizen = somebody(4101)
    person.go("/portal/")
    database.stop()
    try:
        page = person.press({"کد ملی": citizen.national_id, "گذرواژه": citizen.password})
    finally:
        database.start()
    assert page.status == 503
    assert WAIT in page.text
    assert citizen.national_id in page.source
    assert citizen.password not in page.source
    assert "<form" not in page.source  # without the password it could only be refused


def test_a_fast_restart_under_many_requests_is_no_error(database: OwnPostgres, place: Web) -> None:
    answers: Counter[int] = Counter()
    odd: list[str] = []
    over = threading.Event()

    def ask(number: int) -> None:
        while not over.is_set():
            person = Person(f"http://127.0.0.1:{place.port}", Home(place.home, place.env))
            for page in (person.go("/portal/registration/status"), person.go("/portal/registration")):
                note(page.status, page.source)
            citizen = somebody(4200 + number)
            if person.page.status == 200:
                sent = person.press(citizen.step_one())
                note(sent.status, sent.source)

    def note(status: int, source: str) -> None:
        answers[status] += 1
        if status not in (200, 503) or (status == 503 and WAIT not in source):
            odd.append(f"{status} {source[:3000]}")

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            done = answers[200]
            wait_for(lambda done=done: answers[200] > done + 20, lambda: str(answers))  # type: ignore[misc]
            database.restart()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert odd == [], odd[:1]
    assert answers[503], "no request met the restart"
    assert set(answers) == {200, 503}


def test_the_headers_say_it_too(database: OwnPostgres, place: Web) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{place.port}/portal/registration/status", b"national_id=1")
    database.stop()
    try:
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=30)
        with caught.value as error:
            assert (error.code, error.headers["Retry-After"], error.headers["Cache-Control"]) == (503, "10", "no-store")
            assert "national_id" not in error.read().decode()  # no page of ours sent this
    finally:
        database.start()


def test_the_web_is_ready_again_by_itself(database: OwnPostgres, place: Web) -> None:
    database.restart()
    wait_for(place.answers)
    assert Path(place.log).read_text().count("Traceback") < 10_000
