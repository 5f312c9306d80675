"""Requests that were sent to a branch, and the browsers of citizens who correct them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from registration.forms.parts import PersonForm
from registration.models import Registration
from registration.services import lookup, matching
from registration.states import State
from tests.support.journeys import OTHER_NAME, URL, Answers, Browser, let_pass, registration_in, row_of

CHANCE, CORRECT, NUMBER, CODE = (URL + path for path in ("/second-chance", "/correct", "/number", "/number/code"))
NEW_NUMBER = "09351234567"


def referred(browser: Browser, person: Any = OTHER_NAME) -> Registration:
    """Registered, checked, sent to a branch, and back here with a code."""
    browser.register(person)
    matching.match_due()
    let_pass(timedelta(seconds=61))
    assert browser.confirm(person)["Location"] == CHANCE
    return row_of(person)


def correct(browser: Browser, **changes: str) -> Any:
    answers = {name: value for name, value in vars(Answers.of(OTHER_NAME)).items() if name in PersonForm.base_fields}
    row = lookup.by_token(browser.draft())
    page = {"draft": browser.draft(), "round": str(row.revision if row else 0)}
    return browser.post(CORRECT, answers | page | changes)


def owner_referred(browser: Browser, **changes: Any) -> Registration:
    """A row of somebody whose number is another's, and this browser with a code for it."""
    row = registration_in(State.REFERRED, verdict="mismatch", verdict_kind="owner", **changes)
    assert browser.confirm()["Location"] == CHANCE
    return row
