"""The second chance: correct what was typed, or prove another number; twice, on two devices, and too late."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from common import limits
from common.errors import PortalError
from common.persian import fold_digits, parse_mobile
from identity.person import Person, fields_of
from identity.registries.demo import CITIZENS
from registration.models import Event, Registration
from registration.services import decisions, housekeeping, journey, matching, second_chance
from registration.states import State
from tests.support.accounts import together
from tests.support.journeys import (
    DONE,
    MATCHES,
    OTHER_NAME,
    PASSWORD,
    URL,
    Browser,
    code_on,
    let_pass,
    registration_in,
    row_of,
    step_shown,
    texts_on,
    write_event,
)
from tests.support.second_chances import CHANCE, CODE, CORRECT, NEW_NUMBER, NUMBER, correct, owner_referred, referred

pytestmark = pytest.mark.django_db(transaction=True)
OTHER_OWNER = CITIZENS[2]
RIGHT_NAME = OTHER_NAME.registered_last_name


def differently(row: Registration) -> Person:
    """What `row` says, with another name."""
    return Person(**fields_of(row) | {"last_name": "دیگری"})


def come_back(person: Any = OTHER_NAME) -> Browser:
    let_pass(timedelta(seconds=61))
    browser = Browser()
    browser.confirm(person)
    return browser


def prove(browser: Browser, mobile: str = NEW_NUMBER) -> Any:
    assert (
        browser.post(NUMBER, {"draft": browser.draft(), "operator": "irancell", "mobile": mobile})["Location"] == CODE
    )
    return browser.post(CODE, {"draft": browser.draft(), "code": code_on(mobile)})


def refused(work: Any) -> str:
    with pytest.raises(PortalError) as error:
        work()
    return error.value.code


# Identity.


def test_a_mistyped_name_is_corrected_and_the_account_made(browser):
    row = referred(browser)
    page = browser.get(CHANCE).content.decode()
    assert "تأیید اطلاعات شما با مشکل مواجه شد" in page
    assert "۲ بار دیگر" in page
    form = browser.get(CORRECT).content.decode()
    for typed in ("محمدی", "زهرا", "87", "120034", "1365"):
        assert f'value="{typed}"' in form
    assert "password" not in form
    assert correct(browser, last_name=RIGHT_NAME)["Location"] == DONE
    closing = browser.get(DONE).content.decode()
    assert "درخواست شما با موفقیت ثبت گردید" in closing
    assert "آنچه تغییر دادید دریافت شد" in closing
    corrected = row_of(OTHER_NAME)
    assert (corrected.state, corrected.verdict, corrected.verdict_fields, corrected.draft) == ("submitted", "", {}, {})
    assert (corrected.tracking_code, corrected.password) == (row.tracking_code, row.password)
    assert corrected.security_answer == row.security_answer
    matching.match_due()
    assert row_of(OTHER_NAME).state == State.APPROVED
    signed_in = Client().post("/portal/", {"national_id": OTHER_NAME.national_id, "password": PASSWORD})
    assert signed_in["Location"] == "/portal/home"
    whys = list(row.events.values_list("to_state", "why"))
    assert ("submitted", "corrected") in whys


def test_the_identity_is_corrected_twice_and_then_a_branch_is_the_way(browser):
    referred(browser)
    for left, name in (("۲", "دیگری"), ("۱", "سومی")):
        page = browser.get(CHANCE).content.decode()
        assert f"{left} بار دیگر" in page
        assert correct(browser, last_name=name)["Location"] == DONE
        matching.match_due()
        browser = come_back()
    page = browser.get(CHANCE).content.decode()
    assert "دیگر نمی‌توانید آن را اینجا اصلاح کنید" in page
    assert CORRECT not in page
    assert browser.get(CORRECT)["Location"] == CHANCE
    assert correct(browser, last_name=RIGHT_NAME)["Location"] == CHANCE
    row = row_of(OTHER_NAME)
    assert row.state == State.REFERRED
    assert second_chance.tries_left(national_id=row.national_id) == 0
    results = [text for text in texts_on(OTHER_NAME.mobile) if "مراجعه فرمائید" in text]
    assert len(results) == 3  # each time one SMS


def test_what_is_sent_again_unchanged_is_refused_and_uses_up_nothing(browser):
    row = referred(browser)
    before = row.events.count()
    page = correct(browser).content.decode()
    assert "چیزی تغییر نکرده است" in page
    assert f'value="{row.last_name}"' in page
    assert "چیزی تغییر نکرده است" in correct(browser, last_name="محمدي ").content.decode()  # the same name
    row.refresh_from_db()
    assert (row.state, row.revision, row.events.count()) == (State.REFERRED, 0, before)
    assert second_chance.tries_left(national_id=row.national_id) == limits.CORRECTIONS
    assert correct(browser, last_name=RIGHT_NAME)["Location"] == DONE


def test_the_tries_are_counted_per_national_id_over_all_its_numbers():
    ids = (MATCHES.national_id, OTHER_NAME.national_id)
    for number, (kind, ago) in enumerate(
        [("identity", 0), ("identity", 1), ("owner", 0), ("owner", 0), ("identity", limits.CORRECTIONS_WITHIN.days + 1)]
    ):
        row = registration_in(State.REFERRED, mobile=f"0935111000{number}", verdict_kind=kind)
        at = timezone.now() - timedelta(days=ago)
        Event.objects.create(
            registration=row, at=at, actor="portal", from_state="submitted", to_state="referred", kind=kind
        )
    assert second_chance.identity_checks(ids) == {ids[0]: 2, ids[1]: 0}
    assert second_chance.tries_left(national_id=ids[0]) == 1
    assert second_chance.tries_left(national_id=ids[1]) == 2
    assert [second_chance.may_ask(checks) for checks in range(5)] == [True, True, True, False, False]


def test_counting_takes_one_statement_for_any_number_of_ids(django_assert_num_queries):
    with django_assert_num_queries(1):
        second_chance.identity_checks([f"{number:010}" for number in range(50)])


def test_what_was_typed_survives_an_error_another_device_and_a_lost_session(browser):
    referred(browser)
    page = correct(browser, last_name="تهرانی‌نژاد", birth_year="1991").content.decode()
    assert "خطا" in re.search(r"<title>(.*?)</title>", page, re.S)[1]
    assert "تهرانی‌نژاد" in page
    other = come_back()
    assert "تهرانی‌نژاد" in other.get(CORRECT).content.decode()
    assert row_of(OTHER_NAME).last_name == "محمدی"  # nothing is changed before it is sent


def test_a_double_click_and_a_late_repetition_are_one_correction(browser):
    row = referred(browser)
    kept = dict(browser.session.items())
    assert correct(browser, last_name="دیگری")["Location"] == DONE
    assert correct(browser, draft=str(row.token), round="0")["Location"] == DONE  # the receipt of the first
    matching.match_due()
    session = browser.session
    session.update(kept)  # the answer was lost: the browser repeats its request, and the result is there already
    session.save()
    assert correct(browser, round="0")["Location"] == DONE
    row.refresh_from_db()
    assert (row.revision, row.state) == (1, State.REFERRED)
    assert second_chance.tries_left(national_id=row.national_id) == 1


def test_twenty_corrections_at_once_are_one(browser):
    row = referred(browser)
    grant = browser.session["registration"]["grant"]
    row = Registration.objects.get(pk=row.pk)
    identity = differently(row)

    def one(_number: int) -> Registration:
        return second_chance.correct(registration=row, grant=grant, revision=0, identity=identity)

    results = together(one, 20)
    assert {result.tracking_code for result in results} == {row.tracking_code}
    row.refresh_from_db()
    assert (row.state, row.revision) == (State.SUBMITTED, 1)
    assert row.events.filter(why="corrected").count() == 1


def test_the_other_device_takes_over_and_the_first_one_says_so(browser):
    referred(browser)
    other = come_back()
    assert "در دستگاه دیگری ادامه یافت" in browser.get(CORRECT, follow=True).content.decode()
    assert "در دستگاه دیگری ادامه یافت" in correct(browser, follow="1").client.get(URL).content.decode()
    assert correct(other, last_name="دیگری")["Location"] == DONE
    assert row_of(OTHER_NAME).revision == 1


def test_a_page_of_another_tab_or_of_a_lost_session_changes_nothing(browser):
    referred(browser)
    assert "درخواست دیگری" in browser.post(CORRECT, {"draft": "other"}, follow=True).content.decode()
    stranger = Browser()
    page = stranger.post(CORRECT, {"draft": browser.draft()}, follow=True)
    assert step_shown(page) == "mobile"
    assert row_of(OTHER_NAME).revision == 0


@pytest.mark.parametrize("path", [CHANCE, CORRECT, NUMBER, CODE])
def test_without_a_right_code_there_is_no_second_chance(browser, path):
    registration_in(State.REFERRED, verdict_kind="identity")
    browser.step_one()
    assert browser.get(path)["Location"] == URL
    assert step_shown(browser.get(URL)) == "code"


def test_a_clerk_activates_while_the_citizen_corrects(browser):
    row = referred(browser)
    browser.get(CORRECT)
    decisions.approve(row, actor="clerk", why="papers")
    page = correct(browser, last_name=RIGHT_NAME)
    page = browser.get(page["Location"], follow=True)
    assert "در این فاصله درباره درخواست شما تصمیم گرفته شد" in page.content.decode()
    assert 'href="/portal/"' in page.content.decode()
    assert row_of(OTHER_NAME).state == State.APPROVED
    assert User.objects.get().last_name == "محمدی"


def test_a_clerk_rejects_while_the_citizen_corrects(browser):
    row = referred(browser)
    decisions.reject(row, actor="clerk", reason="کارت ملی از شخص دیگری است")
    page = correct(browser, last_name=RIGHT_NAME)
    page = browser.get(page["Location"], follow=True).content.decode()
    assert "درخواست در شعبه تأیید نشد" in page
    assert row_of(OTHER_NAME).state == State.REJECTED


def test_the_request_expires_while_the_citizen_corrects(browser):
    row = referred(browser)
    Registration.objects.filter(pk=row.pk).update(touched_at=timezone.now() - limits.BRANCH_LIFE - timedelta(hours=1))
    assert housekeeping.expire_abandoned() == 1
    page = correct(browser)
    page = browser.get(page["Location"], follow=True).content.decode()
    assert "مهلت این درخواست تمام شده است" in page


def test_the_service_refuses_what_came_too_late(browser):
    row = referred(browser)
    grant = browser.session["registration"]["grant"]
    identity = Person("ا", "ب", "1", "1", "الف", "1", timezone.localdate(), "male")

    def attempt(grant: str = grant) -> Any:
        return second_chance.correct(registration=row, grant=grant, revision=0, identity=identity)

    assert refused(lambda: attempt("another")) == "grant_ended"
    for _ in range(limits.CORRECTIONS):
        write_event(row, before="submitted", why="mismatch", kind="identity")
    assert refused(attempt) == "corrections_used"
    decisions.reject(row, actor="clerk", reason="x")
    assert refused(attempt) == "registration_closed"


# The owner of the number.


def test_another_number_of_ones_own_is_proven_and_nothing_typed_again(browser):
    row = owner_referred(browser)
    page = browser.get(CHANCE).content.decode()
    assert "تأیید نشد که شماره تلفن همراه به نام شماست" in page
    assert "بار دیگر" not in page
    assert browser.get(CORRECT)["Location"] == CHANCE
    assert prove(browser)["Location"] == DONE
    renumbered = Registration.objects.get(pk=row.pk)
    assert (renumbered.mobile, renumbered.operator) == (parse_mobile(NEW_NUMBER), "irancell")
    assert (renumbered.state, renumbered.tracking_code) == (State.SUBMITTED, row.tracking_code)
    assert (renumbered.last_name, renumbered.password) == (row.last_name, row.password)
    matching.match_due()
    renumbered.refresh_from_db()
    assert renumbered.state == State.APPROVED
    assert User.objects.get().mobile == parse_mobile(NEW_NUMBER)
    assert "حساب کاربری شما" in texts_on(NEW_NUMBER)[0]
    assert not any("حساب کاربری شما" in text for text in texts_on(MATCHES.mobile))


def test_another_owners_number_costs_no_try_and_can_be_changed_again(browser):
    referred(browser, OTHER_OWNER)
    for number in range(4):
        mobile = f"0935200000{number}"
        assert prove(browser, mobile)["Location"] == DONE
        matching.match_due()
        let_pass(timedelta(seconds=61))
        browser = Browser()
        browser.step_one(OTHER_OWNER, mobile=mobile)
        assert browser.step_two(code_on(mobile))["Location"] == CHANCE
    assert second_chance.tries_left(national_id=OTHER_OWNER.national_id) == limits.CORRECTIONS


def test_the_same_number_a_wrong_code_and_a_resend_each_say_what_they_are(browser):
    owner_referred(browser)
    same = browser.post(NUMBER, {"draft": browser.draft(), "operator": "mci", "mobile": MATCHES.mobile})
    assert "همان شماره‌ای است" in same.content.decode()
    assert browser.get(CODE)["Location"] == NUMBER
    browser.post(NUMBER, {"draft": browser.draft(), "operator": "mci", "mobile": NEW_NUMBER})
    page = browser.get(CODE).content.decode()
    assert "0935•••4567" in fold_digits(page)
    code = code_on(NEW_NUMBER)
    wrong = browser.post(CODE, {"draft": browser.draft(), "code": "000000" if code != "000000" else "111111"})
    assert "کد وارد شده معتبر نمیباشد" in wrong.content.decode()
    assert browser.post(NUMBER + "/resend", {"draft": browser.draft()})["Location"] == CODE
    assert "می‌توانید کد" in browser.get(CODE).content.decode()
    assert NEW_NUMBER in browser.get(NUMBER).content.decode()  # to be changed, if it was mistyped
    assert browser.post(CODE, {"draft": browser.draft(), "code": code})["Location"] == DONE


def test_a_code_for_the_old_number_or_for_another_session_proves_nothing(browser):
    row = owner_referred(browser)
    browser.post(NUMBER, {"draft": browser.draft(), "operator": "mci", "mobile": NEW_NUMBER})
    other = Browser()
    other.step_one(OTHER_NAME, mobile=NEW_NUMBER)  # inside the gap: no second code
    let_pass(timedelta(seconds=61))
    other.post(URL + "/resend", {"draft": other.draft()})
    for code in (code_on(MATCHES.mobile), code_on(NEW_NUMBER)):
        assert browser.post(CODE, {"draft": browser.draft(), "code": code}).status_code == 200
    row.refresh_from_db()
    assert (row.state, row.mobile) == (State.REFERRED, parse_mobile(MATCHES.mobile))


@pytest.mark.parametrize("state", [State.STARTED, State.MOBILE_CONFIRMED])
def test_a_draft_with_the_new_number_ends(browser, state):
    row = owner_referred(browser)
    draft = registration_in(state, mobile=NEW_NUMBER)
    prove(browser)
    draft.refresh_from_db()
    assert (draft.state, draft.grant_hash) == (State.SUPERSEDED, "")
    assert not any("درخواست دیگری" in text for text in texts_on(NEW_NUMBER))
    row.refresh_from_db()
    assert row.mobile == parse_mobile(NEW_NUMBER)


def test_a_request_with_the_new_number_is_gone_on_with(browser):
    row = owner_referred(browser)
    other = registration_in(State.SUBMITTED, mobile=NEW_NUMBER)
    prove(browser)
    page = browser.get(URL, follow=True).content.decode()
    assert other.tracking_code in re.sub(r"\s", "", fold_digits(page))
    row.refresh_from_db()
    assert row.state == State.REFERRED
    referred_too = registration_in(State.REFERRED, mobile="09359999999", verdict_kind="identity")
    again = come_back(MATCHES)
    prove(again, "09359999999")
    assert again.get(URL)["Location"] == CHANCE
    assert again.draft() == str(referred_too.token)


def test_twenty_proofs_at_once_are_one_and_a_step_one_in_between_does_no_harm(browser):
    row = owner_referred(browser)
    browser.post(NUMBER, {"draft": browser.draft(), "operator": "mci", "mobile": NEW_NUMBER})
    code, data = code_on(NEW_NUMBER), browser.session["registration"]
    row.refresh_from_db()

    def one(number: int) -> Any:
        if number % 5 == 4:
            return journey.start(
                national_id=row.national_id, mobile=parse_mobile(NEW_NUMBER), operator="mci", asker=f"stranger {number}"
            )
        return second_chance.confirm_number(registration=row, grant=data["grant"], asker=data["asker"], typed_code=code)

    results = together(one, 20)
    proofs = [result for number, result in enumerate(results) if number % 5 != 4]
    codes_used = [result for result in proofs if isinstance(result, PortalError)]
    assert {error.code for error in codes_used} <= {"code_tries"}, results
    assert len(proofs) - len(codes_used) == limits.CODE_TRIES
    row.refresh_from_db()
    assert (row.state, row.revision, row.mobile) == (State.SUBMITTED, 1, parse_mobile(NEW_NUMBER))
    assert row.events.filter(why="other_number").count() == 1


def test_a_clerk_decides_while_the_number_is_changed(browser):
    row = owner_referred(browser)
    browser.post(NUMBER, {"draft": browser.draft(), "operator": "mci", "mobile": NEW_NUMBER})
    code = code_on(NEW_NUMBER)
    decisions.approve(row, actor="clerk", why="papers")
    answer = browser.post(CODE, {"draft": browser.draft(), "code": code})
    assert (
        "در این فاصله درباره درخواست شما تصمیم گرفته شد"
        in browser.get(answer["Location"], follow=True).content.decode()
    )
    assert User.objects.get().mobile == parse_mobile(MATCHES.mobile)


def test_another_code_before_any_number_was_given_leads_to_where_it_is_asked_for(browser):
    owner_referred(browser)
    assert browser.post(CODE.removesuffix("code") + "resend", {"draft": browser.draft()})["Location"] == NUMBER


def test_neither_a_code_nor_the_new_number_is_in_the_session(browser):
    owner_referred(browser)
    browser.post(NUMBER, {"draft": browser.draft(), "operator": "mci", "mobile": NEW_NUMBER})
    session = str(dict(browser.session.items()))
    assert NEW_NUMBER[1:] not in session
    assert code_on(NEW_NUMBER) not in session


def test_the_branch_stays_open_to_a_citizen_who_corrects(browser):
    row = referred(browser)
    page = browser.get(CHANCE).content.decode()
    assert f'href="{URL}/pass"' in page
    assert browser.get(URL + "/pass").status_code == 200
    correct(browser, last_name="دیگری")
    matching.match_due()
    assert row_of(OTHER_NAME).tracking_code == row.tracking_code
