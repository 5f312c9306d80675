"""Wherever a way ends, the page has one main button: the next step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone
from django.utils.translation import gettext

from accounts.closing import service as closing
from accounts.models import Branch, MobileChange, MobileChangeStage, OneTimeCode
from common import limits
from registration.models import Registration
from registration.services import decisions
from registration.states import State
from tests.support.accounts import citizen
from tests.support.freezes import link_on, say, token_of
from tests.support.journeys import DONE, URL, Browser, let_pass, registration_in
from tests.support.pages import main_ways
from tests.support.profile import WAIT, begin_and_prove, somebody
from tests.support.recoveries import Recoverer, account_of

pytestmark = pytest.mark.django_db(transaction=True)
STATUS, PASS, BRANCHES = URL + "/status", URL + "/pass", "/portal/branches"
SIGN_IN, PROFILE = "/portal/", "/portal/profile"
Ends = dict[str, tuple[Callable[[], str], str, str]]


@pytest.fixture(autouse=True)
def _branches() -> None:
    Branch.objects.create(code="0001", name="شعبه ۱", city="تهران", address="خیابان آزادی")


def read(browser: Client, path: str) -> str:
    """The page at `path`, through its redirects."""
    return str(browser.get(path, follow=True).content.decode())


def status_of(state: State, **changes: Any) -> str:
    row = registration_in(state, **changes)
    browser = Browser()
    browser.post(STATUS, {"national_id": row.national_id, "tracking_code": row.tracking_code or ""})
    return read(browser, STATUS)


def closing_page(state: State, **changes: Any) -> str:
    """The last page of who did step three, some time after it."""
    browser = Browser()
    row = browser.register()
    ended_at = timezone.now()
    facts = {"submitted_at": ended_at - limits.SYSTEM_MESSAGE_FIRST, "state": state, "next_attempt_at": None} | changes
    if state == State.APPROVED:
        facts["account"] = account_of()
    if state == State.AWAITING_BRANCH:
        facts["account"] = account_of(active=False)
    if state == State.SUPERSEDED:
        account_of()
    Registration.objects.filter(pk=row.pk).update(**facts)
    return read(browser, DONE)


def second_chance(kind: str, used: bool = False) -> str:
    row = registration_in(State.REFERRED, verdict="mismatch", verdict_kind=kind)
    if used:
        for _ in range(limits.CORRECTIONS + 1):
            row.events.create(actor="portal", from_state="submitted", to_state="referred", why="mismatch", kind=kind)
    browser = Browser()
    browser.confirm()
    return read(browser, URL + "/second-chance")


def account_is_there() -> str:
    account_of()
    browser = Browser()
    browser.confirm()
    return read(browser, DONE)


def overtaken() -> str:
    browser = Browser()
    browser.confirm()
    decisions.approve(registration_in(State.REFERRED, mobile="09351234567"), actor="maryam", why="papers")
    return read(browser, URL)


def continued_elsewhere() -> str:
    browser = Browser()
    browser.confirm()
    let_pass(limits.CODE_GAP)
    Browser().confirm()
    return read(browser, URL)


def session_ended() -> str:
    browser = Browser()
    browser.confirm()
    draft = browser.draft()
    browser.session.flush()
    answer = browser.post(URL, {"registration_wizard-current_step": "identity", "identity-draft": draft}, follow=True)
    return str(answer.content.decode())


def frozen(*, again: bool = False) -> str:
    person = citizen()
    say(person)
    path = link_on()
    closing.freeze(token=token_of(path), browser="")
    return read(Client(), path)


def link_without_account() -> str:
    return str(Client().get("/portal/not-me/none").content.decode())


def recovery_refused() -> str:
    account_of(security_answer_hash="")
    browser = Recoverer()
    browser.prove()
    return read(browser, "/portal/recovery/answer")


def recovery_over() -> str:
    account_of()
    browser = Recoverer()
    browser.prove()
    OneTimeCode.objects.all().delete()
    browser.session.flush()
    return read(browser, "/portal/recovery/wait")


def change_of_number(stage: MobileChangeStage) -> str:
    _user, browser = somebody()
    begin_and_prove(browser)
    MobileChange.objects.update(stage=stage)
    return read(browser, WAIT)


def email_link_over() -> str:
    return str(Client().get("/portal/email/none").content.decode())


def signed_out() -> str:
    return read(Client(), "/portal/profile")


STATUS_ENDS: Ends = {
    "status: approved": (lambda: status_of(State.APPROVED), "Sign in", SIGN_IN),
    "status: waits for a branch": (lambda: status_of(State.AWAITING_BRANCH), "The page to take to the branch", PASS),
    "status: referred": (
        lambda: status_of(State.REFERRED, verdict="mismatch", verdict_kind="owner"),
        "To the registration",
        URL,
    ),
    "status: rejected": (lambda: status_of(State.REJECTED), "Register again", URL),
    "status: expired": (lambda: status_of(State.EXPIRED), "Register again", URL),
    "status: superseded": (lambda: status_of(State.SUPERSEDED), "Sign in", SIGN_IN),
}
CLOSING_ENDS: Ends = {
    "closing: approved": (lambda: closing_page(State.APPROVED), "Sign in", SIGN_IN),
    "closing: waits for a branch": (
        lambda: closing_page(State.AWAITING_BRANCH),
        "The page to take to the branch",
        PASS,
    ),
    "closing: referred": (
        lambda: closing_page(State.REFERRED, verdict="mismatch", verdict_kind="identity"),
        "To the registration",
        URL,
    ),
    "closing: rejected": (lambda: closing_page(State.REJECTED), "Register again", URL),
    "closing: expired": (lambda: closing_page(State.EXPIRED), "Register again", URL),
    "closing: superseded": (lambda: closing_page(State.SUPERSEDED), "Sign in", SIGN_IN),
    "second chance: identity": (lambda: second_chance("identity"), "Correct what I typed", URL + "/correct"),
    "second chance: owner": (lambda: second_chance("owner"), "Give another number", URL + "/number"),
    "second chance: used up": (lambda: second_chance("identity", used=True), "The page to take to the branch", PASS),
    "an account is there": (account_is_there, "Sign in", SIGN_IN),
    "overtaken": (overtaken, "Sign in", SIGN_IN),
    "continued elsewhere": (continued_elsewhere, "Go on here", URL + "/resend"),
    "session ended": (session_ended, "Register", URL),
}
ACCOUNT_ENDS: Ends = {
    "frozen": (frozen, "Branches: address, hours and map", BRANCHES),
    "link over": (link_without_account, "Sign in to the portal", SIGN_IN),
    "recovery refused": (recovery_refused, "Show the branches", ""),
    "recovery over": (recovery_over, "Send the code", "/portal/recovery"),
    "change of number: done": (lambda: change_of_number(MobileChangeStage.DONE), "Back to the profile", PROFILE),
    "change of number: mismatched": (
        lambda: change_of_number(MobileChangeStage.MISMATCHED),
        "Give another number",
        PROFILE + "/mobile",
    ),
    "change of number: late": (lambda: change_of_number(MobileChangeStage.LATE), "Begin again", PROFILE + "/mobile"),
    "change of number: ended": (lambda: change_of_number(MobileChangeStage.ENDED), "Begin again", PROFILE + "/mobile"),
    "e-mail link over": (email_link_over, "Ask for another link", PROFILE + "/email"),
    "signed out": (signed_out, "Sign in", ""),
}
ENDS = STATUS_ENDS | CLOSING_ENDS | ACCOUNT_ENDS


@pytest.mark.parametrize("end", ENDS)
def test_an_end_has_one_main_button_and_it_leads_on(end: str) -> None:
    page, words, target = ENDS[end]

    assert main_ways(page()) == [(gettext(words), target)]


@pytest.mark.parametrize("status", ["400", "403", "403_csrf", "404", "413", "429", "500", "503"])
def test_an_error_page_has_one_main_button(status: str) -> None:
    [(_words, target)] = main_ways(render_to_string(f"{status}.html"))

    assert target == (SIGN_IN if status == "403" else URL)


def test_without_a_list_of_branches_the_pages_of_the_branches_still_lead_on() -> None:
    Branch.objects.all().delete()
    for path in (BRANCHES, "/portal/recovery/branch"):
        [(_words, target)] = main_ways(read(Client(), path))
        assert target == SIGN_IN
