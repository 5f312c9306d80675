"""Two clerks, two clicks, one citizen: one decision, and everybody is told what happened."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.db.models import F

from accounts.models import CodePurpose, OneTimeCode, User
from common import limits
from common.persian import parse_mobile
from registration.desk import service as desk
from registration.desk import texts as desk_texts
from registration.models import Registration
from registration.services import decisions, matching, second_chance
from registration.states import State
from sms.models import Message, MessageKind
from tests.support.accounts import together
from tests.support.desk import NOTE, Clerk, errors_in, url
from tests.support.journeys import OTHER_NAME, Browser, code_on, let_pass, registration_in, texts_on
from tests.support.second_chances import CODE, NEW_NUMBER, NUMBER, correct, owner_referred, referred

pytestmark = pytest.mark.django_db(transaction=True)


def moves(row) -> list[str]:
    return list(row.events.values_list("to_state", flat=True))


def results() -> int:
    return Message.objects.filter(kind=MessageKind.RESULT).count()


def two_clerks_with_codes(row) -> tuple[list[Clerk], list[str]]:
    clerks, codes = [Clerk("maryam"), Clerk("ahmad")], []
    for clerk in clerks:
        clerk.send_code(row)
        codes.append(code_on(row.mobile))
        let_pass(limits.CODE_GAP)
    return clerks, codes


@pytest.mark.parametrize("state", [State.REFERRED, State.AWAITING_BRANCH])
def test_two_clerks_activate_at_once(state):
    row = registration_in(state, person=OTHER_NAME, verdict="mismatch")
    clerks, codes = two_clerks_with_codes(row)
    answers = together(lambda n: clerks[n].activate(row, codes[n]), 2)
    told = sorted(clerk.told(answer) for clerk, answer in zip(clerks, answers, strict=True))
    assert sum("فعال شد" in words and "پیش از این" not in words for words in told) == 1
    assert sum("این درخواست را پیش از این" in words for words in told) == 1
    row.refresh_from_db()
    assert row.state == State.APPROVED
    assert moves(row) == ["approved"]
    assert User.objects.filter(national_id=row.national_id).count() == 1
    assert results() == 1


@pytest.mark.parametrize("state", [State.REFERRED, State.AWAITING_BRANCH])
def test_one_activates_while_the_other_rejects(state):
    row = registration_in(state, person=OTHER_NAME, verdict="mismatch")
    clerks, codes = two_clerks_with_codes(row)
    work = (lambda: clerks[0].activate(row, codes[0]), lambda: clerks[1].reject(row, confirmed="1"))
    answers = together(lambda n: work[n](), 2)
    told = [clerk.told(answer) for clerk, answer in zip(clerks, answers, strict=True)]
    assert sum("این درخواست را پیش از این" in words for words in told) == 1
    row.refresh_from_db()
    assert moves(row) == [row.state]
    accounts = User.objects.filter(national_id=row.national_id, activated_at__isnull=False).count()
    assert accounts == (1 if row.state == State.APPROVED else 0)
    assert results() == 1


def test_two_mobiles_of_one_national_id_activated_at_once():
    rows = [registration_in(State.REFERRED, person=OTHER_NAME, mobile=f"0935111223{n}") for n in range(2)]
    clerks = [Clerk("maryam"), Clerk("ahmad")]
    codes = []
    for clerk, row in zip(clerks, rows, strict=True):
        clerk.send_code(row)
        codes.append(code_on(row.mobile))
    answers = together(lambda n: clerks[n].activate(rows[n], codes[n]), 2)
    assert [answer.status_code for answer in answers] == [302, 302]
    for row in rows:
        row.refresh_from_db()
    assert sorted(row.state for row in rows) == ["approved", "superseded"]
    loser = next(n for n in range(2) if rows[n].state == State.SUPERSEDED)
    told = clerks[loser].told(answers[loser])
    assert "جایگزین شده" in told or "حساب کاربری فعالی" in told
    assert len(texts_on(rows[loser].mobile)) == 2  # the code, and that it was superseded


def test_a_double_click_is_one_activation():
    row = registration_in(State.REFERRED, person=OTHER_NAME, verdict="mismatch")
    clerk = Clerk()
    clerk.send_code(row)
    code = code_on(row.mobile)
    answers = together(lambda _n: clerk_again(clerk).activate(row, code), 4)
    assert [answer.status_code for answer in answers] == [302] * 4
    assert moves(row) == ["approved"]
    assert results() == 1


def test_a_double_click_on_the_code_button_sends_one_sms():
    row = registration_in(State.REFERRED, person=OTHER_NAME, verdict="mismatch")
    clerk = Clerk()
    clerk.open(row)
    answers = together(lambda _n: clerk_again(clerk).send_code(row), 3)
    assert [answer.status_code for answer in answers] == [302] * 3
    assert len(texts_on(row.mobile)) == 1
    assert clerk.activate(row, code_on(row.mobile)).status_code == 302


def one_at_the_desk_with_another_number(browser: Browser, clerk: Clerk) -> tuple[Registration, str, str]:
    """A citizen with two codes: the one that the clerk sent, and the one for another number of their own."""
    row = owner_referred(browser)
    let_pass(limits.CODE_GAP)
    clerk.open(row)
    clerk.send_code(row)
    browser.post(NUMBER, {"draft": browser.draft(), "operator": "mci", "mobile": NEW_NUMBER})
    return row, code_on(row.mobile), code_on(NEW_NUMBER)


def test_a_number_that_is_proven_while_the_clerk_activates_is_checked_first(monkeypatch):
    browser, maryam = Browser(), Clerk()
    row, code, new_code = one_at_the_desk_with_another_number(browser, maryam)
    real = desk.trying.try_code

    def slow(**asked):
        found = real(**asked)
        if asked["purpose"] == CodePurpose.DESK:
            monkeypatch.setattr(desk.trying, "try_code", real)
            browser.post(CODE, {"draft": browser.draft(), "code": new_code})
        return found

    monkeypatch.setattr(desk.trying, "try_code", slow)
    answer = maryam.activate(row, code)
    assert "این درخواست در انتظار شعبه نیست" in maryam.told(answer)
    row.refresh_from_db()
    assert (row.state, row.mobile) == (State.SUBMITTED, parse_mobile(NEW_NUMBER))
    assert not User.objects.filter(national_id=row.national_id).exists()


@pytest.mark.parametrize("_round", range(2))
def test_no_account_has_a_number_that_was_proven_at_the_moment_of_activation(_round):
    browser, maryam = Browser(), Clerk()
    row, code, new_code = one_at_the_desk_with_another_number(browser, maryam)
    work = (
        lambda: maryam.activate(row, code),
        lambda: second_chance.confirm_number(
            registration=row,
            grant=browser.session["registration"]["grant"],
            asker=browser.session["registration"]["asker"],
            typed_code=new_code,
        ),
    )
    together(lambda number: work[number](), 2)
    now = Registration.objects.get(pk=row.pk)
    assert (now.state, now.mobile) in {(State.APPROVED, row.mobile), (State.SUBMITTED, parse_mobile(NEW_NUMBER))}


CHANGED = "متقاضی در این فاصله اطلاعات درخواست را تغییر داده است"


def corrected_and_referred_again(row: Registration, browser: Browser) -> Registration:
    """`row` as the clerk sees it, once the citizen has corrected the name and it was sent to a branch anew."""
    correct(browser, last_name="دیگری")
    matching.match_due()
    now = Registration.objects.get(pk=row.pk)
    assert (now.state, now.revision) == (State.REFERRED, row.revision + 1)
    return now


def test_what_was_corrected_since_the_page_was_made_is_neither_activated_nor_rejected_from_it():
    browser, maryam = Browser(), Clerk()
    row = referred(browser)
    let_pass(limits.CODE_GAP)
    for page in (maryam.open(row), maryam.get(url(row, "reject")).content.decode()):
        assert '<input type="hidden" name="round" value="0">' in page
    maryam.send_code(row)
    code = code_on(row.mobile)
    corrected_and_referred_again(row, browser)
    let_pass(limits.CODE_GAP)
    for press in (
        lambda: maryam.activate(row, code),
        lambda: maryam.activate(row, "", note=""),
        lambda: maryam.reject(row, confirmed="1"),
        lambda: maryam.reject(row, leave=""),
        lambda: maryam.send_code(row),
    ):
        answer = press()
        assert answer["Location"] == url(row, "change")
        assert CHANGED in maryam.told(answer)
    assert Registration.objects.get(pk=row.pk).state == State.REFERRED
    assert OneTimeCode.objects.get(purpose=CodePurpose.DESK).tries == 0  # neither a code nor a try was spent
    page = maryam.open(row)
    assert "دیگری" in page
    assert NOTE in page
    assert not re.search(r'name="papers"[^>]* checked', page)  # of the papers that were laid beside other data


def test_a_code_that_was_read_out_before_a_correction_opens_nothing_after_it():
    browser, maryam = Browser(), Clerk()
    row = referred(browser)
    let_pass(limits.CODE_GAP)
    maryam.send_code(row)
    code = code_on(row.mobile)
    now = corrected_and_referred_again(row, browser)
    assert errors_in(maryam.activate(now, code)) == [str(desk_texts._ERRORS["code_expired"])]
    let_pass(limits.CODE_GAP)
    maryam.send_and_activate(now)
    now.refresh_from_db()
    assert (now.state, now.account.last_name) == (State.APPROVED, "دیگری")


@pytest.mark.parametrize("press", ["activate", "reject"])
def test_a_correction_at_the_moment_of_the_decision_is_seen_by_a_clerk_first(press, monkeypatch):
    browser, maryam = Browser(), Clerk()
    row = referred(browser)
    let_pass(limits.CODE_GAP)
    maryam.send_code(row)
    code, hold = code_on(row.mobile), decisions.hold_national_id

    def slow(national_id):
        monkeypatch.setattr(decisions, "hold_national_id", hold)
        Registration.objects.filter(pk=row.pk).update(revision=F("revision") + 1, last_name="دیگری")
        hold(national_id)

    monkeypatch.setattr(decisions, "hold_national_id", slow)
    answer = maryam.activate(row, code) if press == "activate" else maryam.reject(row, confirmed="1")
    assert CHANGED in maryam.told(answer)
    assert Registration.objects.get(pk=row.pk).state == State.REFERRED


def clerk_again(clerk: Clerk) -> Clerk:
    """The same browser session in another thread."""
    twin = Clerk.__new__(Clerk)
    super(Clerk, twin).__init__()
    twin.cookies = clerk.cookies.copy()
    connection.ensure_connection()
    return twin
