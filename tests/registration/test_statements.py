"""What a whole journey asks the database: how many statements, so that none is added unnoticed.

Without BEGIN, COMMIT and savepoints, and without what a process asks every some seconds (breakers, lines, budgets). The
worker's statements are not in it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import limits
from registration.models import Event, Registration
from registration.states import State
from tests.support.journeys import (
    DONE,
    MATCHES,
    URL,
    Answers,
    Browser,
    code_on,
    hidden,
    let_pass,
    nonce_of,
    row_of,
    step_shown,
)

pytestmark = pytest.mark.django_db(transaction=True)
OURS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
# The last uses of sessions are gathered and written together some seconds later; in tests at once, by each request.
GATHERED = "WITH given (name, moment)"
# SQLite has no data-modifying WITH: a row and its event are two statements there, and whether there are others is one.
MORE = 0 if connection.vendor == "postgresql" else 1
MOST = {
    "POST step one": 8 + 2 * MORE,
    "GET step two": 3,
    "POST step two": 8 + MORE,
    "GET identity": 2,
    "POST identity": 4,
    "GET contact": 2,
    "POST contact": 4,
    "GET review": 2,
    "POST review": 5 + MORE,
    "GET done": 2,
}


class Journey:
    """A journey whose requests are counted one by one."""

    def __init__(self) -> None:
        self.browser = Browser()
        self.asked: list[tuple[str, str]] = []  # a request, and a statement of it

    @contextmanager
    def request(self, name: str) -> Iterator[None]:
        with CaptureQueriesContext(connection) as queries:
            yield
        sql = [re.sub(r"^(SET LOCAL [^;]*; )+", "", query["sql"]).lstrip() for query in queries]
        self.asked += [(name, one) for one in sql if one.startswith(OURS) and not one.startswith(GATHERED)]

    def go(self) -> None:
        """From the first page to the closing page; each page is looked at after the step before it."""
        browser = self.browser
        with self.request("GET step one"):
            nonce = nonce_of(browser.get(URL))
        with self.request("POST step one"):
            browser.step_one(draft=nonce)
        code, draft = code_on(MATCHES.mobile), browser.draft()
        with self.request("GET step two"):
            browser.get(URL)
        with self.request("POST step two"):
            browser.post_step("code", {"code": code, "draft": draft})
        typed = vars(Answers.of(MATCHES)) | {"draft": draft}
        for part in ("identity", "contact", "review"):
            with self.request(f"GET {part}"):
                page = browser.get(URL)
            assert step_shown(page) == part
            if part == "review":
                typed |= {"reviewed": hidden(page, "review-reviewed")}
            with self.request(f"POST {part}"):
                browser.part(part, typed)
        with self.request("GET done"):
            assert browser.get(DONE).status_code == 200
        assert row_of(MATCHES).state == State.SUBMITTED

    def told(self) -> str:
        """The statements, for who has to find the one that is new."""
        lines = [f"{name:14} {' '.join(sql.split())[:150]}" for name, sql in self.asked]
        return "\n".join(f"{number:3} {line}" for number, line in enumerate(lines, 1))


def test_a_journey_needs_few_statements():
    Journey().go()  # what a process does once
    Event.objects.all().delete()
    Registration.objects.all().delete()
    let_pass(limits.CODE_GAP)
    journey = Journey()
    journey.go()
    counts = Counter(name for name, _sql in journey.asked)
    too_many = {name: count for name, count in counts.items() if count > MOST[name]}
    assert not too_many, journey.told()
    assert counts["GET step one"] == 0
