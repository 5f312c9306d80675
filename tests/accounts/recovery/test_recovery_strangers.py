"""What a stranger may learn from the recovery pages: nothing. And what they may send: anything."""

from __future__ import annotations

import logging
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import owner_checks
from accounts.codes import challenges
from accounts.models import AccountEvent, Challenge, ChallengeStage, OneTimeCode, User
from common import limits
from tests.support.recoveries import (
    ANSWER,
    NEW,
    REZA,
    STEPS,
    UNKNOWN,
    Recoverer,
    account_of,
    clock_moves,
    leads_to,
    page_text,
    row_of,
)

pytestmark = pytest.mark.django_db(transaction=True)

Seen = list[tuple[int, str, str, list[str]]]
HOSTILE = [
    "",
    "x" * 10_000,
    "\x00",
    "۱۲\x00۳",
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "\u202e😀",
    "９９",
]


def test_looking_at_step_one_costs_no_statement_and_no_session():
    with CaptureQueriesContext(connection) as asked:
        response = Recoverer().look("recovery")
    assert (len(asked), "sessionid" in response.cookies) == (0, False)


def plain(page: str) -> str:
    """Without what differs by chance: tokens, and the seconds that the machine took meanwhile."""
    tokens = r'name="(?:csrfmiddlewaretoken|page)"[^>]*value="[^"]*"'
    seconds = r'data-(?:wait|left)="\d+"|<bdi data-clock>.*?</bdi>|[۰-۹]+ ثانیه'
    return re.sub(f"{tokens}|{seconds}", "", page)


def statements(asked: CaptureQueriesContext) -> list[str]:
    return [re.sub(r"'(?:[^']|'')*'|s\d+_x\d+|\b\d+(?:\.\d+)?\b|-\w+", "?", query["sql"]) for query in asked]


def a_stranger(national_id: str) -> Seen:
    """What one who only knows an ID sees, and what it costs: code after code, a resend, a page too far."""
    browser, seen = Recoverer(), list[tuple[int, str, str, list[str]]]()
    tries: list[tuple[str, dict[str, str]]] = [("recovery", {"national_id": national_id})]
    tries += [("recovery_code", {"code": f"00000{number}"}) for number in range(7)]
    tries += [("recovery_resend", {}), ("recovery_answer", {"answer": ANSWER}), ("recovery_password", {})]
    for name, typed in tries:
        with CaptureQueriesContext(connection) as asked:
            response = browser.step(name, **typed)
        seen.append((response.status_code, response.get("Location", ""), plain(page_text(response)), statements(asked)))
        challenges.send_due()
    with CaptureQueriesContext(connection) as asked:
        page = browser.look("recovery_code")
    seen.append((page.status_code, "", plain(page_text(page)), statements(asked)))
    return seen


@pytest.fixture
def nobody_knows() -> Seen:
    a_stranger(UNKNOWN)  # what a process does only once is done
    return a_stranger(UNKNOWN)


@pytest.mark.parametrize("kind", ["known", "waits", "frozen", "deactivated", "limit"])
def test_a_stranger_learns_from_no_page_and_no_statement_who_has_an_account(nobody_knows, kind):
    account = account_of(active=kind != "waits")
    if kind in ("frozen", "deactivated"):
        User.objects.filter(pk=account.pk).update(is_active=False, closure=kind, closed_at=timezone.now())
    if kind == "limit":
        for number in range(limits.CODES_PER_HOUR):
            Recoverer().begin()
            OneTimeCode.objects.update(created_at=timezone.now() - timedelta(minutes=5 * (number + 1)))
    assert a_stranger(REZA.national_id) == nobody_knows


def test_a_later_page_without_its_proof_leads_back():
    account_of()
    stranger = Recoverer()
    for name in STEPS:
        assert leads_to(stranger.look(name), "recovery")
        assert (
            leads_to(stranger.step(name, code="1", answer=ANSWER, password=NEW), "recovery") or name == "recovery_wait"
        )
    assert stranger.look("recovery_waiting").status_code == 404
    stranger.begin()
    for name in STEPS[1:]:
        assert leads_to(stranger.look(name), "recovery_code")
    assert leads_to(stranger.step("recovery_answer", answer=ANSWER), "recovery_code")
    assert leads_to(stranger.new_password(), "recovery_code")
    assert row_of().stage == ChallengeStage.CODE_SENT


@pytest.mark.parametrize("value", HOSTILE)
def test_whatever_is_typed_is_answered_with_a_page(value):
    account_of()
    nobody, browser = Recoverer(), Recoverer()
    assert nobody.step("recovery", national_id=value, page=value).status_code == 200
    assert not Challenge.objects.exists()
    browser.prove()
    for proof in ("recovery_code", "recovery_resend"):
        assert leads_to(browser.step(proof, code=value), "recovery_answer")
    assert browser.step("recovery_answer", answer="!؟" + value[:1] if value else "").status_code == 200
    browser.step("recovery_answer", answer=ANSWER)
    owner_checks.check_due()
    for typed in ({"password": value, "password_again": value}, {"password": value}, {}):
        page = browser.step("recovery_password", **typed)
        assert page.status_code == 200
        assert value not in page_text(page) or len(value) < 5
    assert row_of().stage == ChallengeStage.OWNER_MATCHED


@pytest.mark.parametrize("value", HOSTILE)
def test_whatever_is_typed_as_the_code_is_not_valid(value):
    account_of()
    browser = Recoverer()
    browser.begin()
    page = browser.step("recovery_code", code=value)
    assert page.status_code == 200
    assert page.context["form"].errors["code"]
    assert "<script>alert" not in page_text(page)


def test_missing_fields_are_errors_of_the_page():
    account_of()
    browser = Recoverer()
    assert browser.step("recovery").context["form"].errors["national_id"]
    browser.prove()
    assert browser.step("recovery_answer").context["form"].errors["answer"]
    assert not AccountEvent.objects.exists()  # nothing was tried
    browser.step("recovery_answer", answer=ANSWER)
    owner_checks.check_due()
    assert set(browser.step("recovery_password").context["form"].errors) == {"password", "password_again"}


def test_methods_that_no_form_uses_are_refused():
    for name in ("recovery", *STEPS):
        assert Recoverer().put(f"/portal/{name.replace('_', '/')}").status_code == 405


def test_no_log_holds_anything_personal(caplog):
    caplog.set_level(logging.DEBUG)
    account = account_of(mobile="+989120000101")
    browser = Recoverer()
    browser.matched()
    browser.step("recovery_answer", answer="سبز")
    browser.new_password("weak")
    User.objects.filter(pk=account.pk).update(mobile="broken", is_active=False)
    Recoverer().begin()  # the closed account cannot even be told
    said = caplog.text
    for secret in (REZA.national_id, REZA.mobile[1:], "broken", ANSWER, NEW, REZA.last_name, str(row_of().token)):
        assert secret not in said
    assert "could not be worked on: PortalError" in said


def test_an_hour_later_a_page_that_waits_for_a_code_is_over():
    account_of()
    browser = Recoverer()
    browser.begin()
    clock_moves(timedelta(hours=1))
    assert leads_to(browser.look("recovery_code"), "recovery")
    assert leads_to(browser.look("recovery_code"), "recovery")  # and is forgotten
    browser.prove()


def test_an_hour_back_changes_nothing_for_who_waits_for_a_code():
    account_of()
    browser = Recoverer()
    browser.begin()
    clock_moves(timedelta(hours=-1))
    assert browser.look("recovery_code").context["wait"] == 0  # nobody waits until the clock has caught up
    assert leads_to(browser.step("recovery_resend"), "recovery_code")
    assert challenges.send_due() == 1
    assert OneTimeCode.objects.exclude(code_hash="").count() == 2
    assert leads_to(browser.step("recovery_code", code="000000"), "recovery_code") is False
    browser.prove()
