"""The clerk, the citizen and the citizen's phone: check papers, activate, reject."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import check_password

from accounts.models import OneTimeCode, User
from common import limits
from common.persian import to_persian_digits
from registration.desk import texts as desk_texts
from registration.models import Registration
from registration.services import matching
from registration.states import State
from tests.support.desk import NOTE, Clerk, errors_in, url
from tests.support.journeys import MATCHES, OTHER_NAME, PASSWORD, Browser, code_on, let_pass, registration_in, texts_on

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def row() -> Registration:
    return registration_in(State.REFERRED, person=OTHER_NAME, verdict="mismatch", verdict_kind="identity")


def test_a_citizen_whose_name_differs_is_activated_and_signs_in(maryam):
    citizen = Browser()
    row = citizen.register(OTHER_NAME)
    matching.match_due()
    let_pass(limits.CODE_GAP)  # since the citizen's own code
    found = maryam.search(to_persian_digits(row.tracking_code))
    assert found["Location"] == url(row, "change")

    maryam.send_code(row)
    told = maryam.told(maryam.activate(row, to_persian_digits(code_on(row.mobile))))
    assert "حساب کاربری زهرا محمدی فعال شد" in told
    row.refresh_from_db()
    assert row.state == State.APPROVED
    assert row.account.is_active
    event = row.events.last()
    assert (event.actor, event.why, event.note) == ("maryam", "papers_checked", NOTE)
    assert event.papers == ["national_card", "birth_certificate"]
    assert "حساب کاربری شما ایجاد گردید" in texts_on(OTHER_NAME.mobile)[0]

    signed_in = citizen.post("/portal/", {"national_id": OTHER_NAME.national_id, "password": PASSWORD})
    assert signed_in["Location"] == "/portal/home"
    page = maryam.open(row)
    assert NOTE in page
    assert "activate/" not in page
    assert "desk_work" not in maryam.session or not maryam.session["desk_work"]


def test_with_the_branch_policy_the_waiting_account_is_opened(maryam, settings):
    settings.ACTIVATION_POLICY = "branch"
    row = Browser().register(MATCHES)
    matching.match_due()
    row.refresh_from_db()
    assert row.state == State.AWAITING_BRANCH
    let_pass(limits.CODE_GAP)
    maryam.send_and_activate(row)
    row.refresh_from_db()
    assert row.state == State.APPROVED
    assert row.account.is_active
    assert check_password(PASSWORD, row.account.password)
    assert "حساب کاربری شما فعال شد" in texts_on(MATCHES.mobile)[0]
    assert User.objects.filter(national_id=MATCHES.national_id).count() == 1


def test_a_wrong_code_is_told_beside_its_field_and_what_was_typed_stays(maryam, row):
    maryam.send_code(row)
    wrong = "000000" if code_on(row.mobile) != "000000" else "111111"
    response = maryam.activate(row, wrong, papers=["national_card", "birth_certificate", "mobile_ownership"])
    assert errors_in(response) == [str(desk_texts._ERRORS["code_wrong"])]
    page = response.content.decode()
    assert NOTE in page
    assert len(re.findall(r"<input[^>]* checked", page)) == 3
    assert "autofocus" in page
    assert wrong not in page
    row.refresh_from_db()
    assert row.state == State.REFERRED
    assert maryam.activate(row, code_on(row.mobile)).status_code == 302


def test_after_five_wrong_codes_the_right_one_is_refused_too(maryam, row):
    maryam.send_code(row)
    right = code_on(row.mobile)
    wrong = "000000" if right != "000000" else "111111"
    for _ in range(limits.CODE_TRIES):
        maryam.activate(row, wrong)
    assert errors_in(maryam.activate(row, right)) == [str(desk_texts._ERRORS["code_tries"])]


def test_everything_that_is_missing_is_said_at_once_and_costs_no_try(maryam, row):
    maryam.send_code(row)
    response = maryam.activate(row, "", papers=["national_card"], note="  ")
    assert set(response.context["form"].errors) == {"papers", "code", "note"}
    assert OneTimeCode.objects.get().tries == 0
    page = response.content.decode()
    assert page.count('class="errorlist"') == 3
    assert "<title>خطا:" in page


def test_the_code_goes_to_this_registrations_mobile_only(maryam, row):
    """The stranger's row of the same national ID cannot be activated by mistake."""
    stranger = registration_in(State.REFERRED, person=OTHER_NAME, mobile="09351112233")
    maryam.send_code(row)
    code = code_on(row.mobile)
    assert texts_on(stranger.mobile) == []
    assert errors_in(maryam.activate(stranger, code)) == [str(desk_texts._ERRORS["code_expired"])]
    stranger.refresh_from_db()
    assert stranger.state == State.REFERRED
    assert maryam.activate(row, code).status_code == 302


def test_a_code_opens_no_other_request_on_the_same_phone(maryam, row):
    """Two members of a family share a mobile; the clerk has the wrong page open."""
    brother = registration_in(State.REFERRED, person=replace(MATCHES, mobile=OTHER_NAME.mobile))
    maryam.send_code(row)
    code = code_on(row.mobile)
    assert brother.mobile == row.mobile
    assert errors_in(maryam.activate(brother, code)) == [str(desk_texts._ERRORS["code_expired"])]
    brother.refresh_from_db()
    assert brother.state == State.REFERRED


def test_a_code_that_another_clerk_sent_is_not_taken(maryam, row):
    ahmad = Clerk("ahmad")
    maryam.send_code(row)
    told = ahmad.told(ahmad.send_code(row))
    assert "خودبه‌خود ارسال می‌شود" in told
    [error] = errors_in(ahmad.activate(row, code_on(row.mobile)))
    assert error.startswith("این کد درست نیست.")


def test_ticks_and_note_come_back_after_sending_a_code(maryam, row):
    told = maryam.told(maryam.send_code(row, papers=["birth_certificate"], note="یادداشت\r\nدو خطی"))
    assert "۰۹۱۲•••۰۱۰۲" in told
    page = maryam.open(row)
    assert re.search(r'value="birth_certificate"[^>]* checked', page)
    assert not re.search(r'value="national_card"[^>]* checked', page)
    assert "یادداشت\nدو خطی" in page
    assert "کد بعدی" in page
    kept = str(dict(maryam.session.items()))
    assert code_on(row.mobile) not in kept


def test_the_limit_of_codes_is_a_sentence_with_a_time(maryam, row):
    for _ in range(limits.CODES_PER_HOUR):
        maryam.send_code(row)
        let_pass(limits.CODE_GAP)
    said = maryam.told(maryam.send_code(row))  # late in the evening it is tomorrow
    assert re.search("کد بعدی را می‌توانید (امروز|فردا) ساعت", said)


def test_a_note_is_limited_as_the_clerk_counts_it(maryam, row):
    maryam.send_code(row)
    lines = "\r\n".join(["الف" * 10] * 50)
    assert len(lines.replace("\r\n", "\n")) <= limits.DESK_NOTE_LONGEST
    long = maryam.activate(row, "123456", note="ب" * (limits.DESK_NOTE_LONGEST + 1))
    assert list(long.context["form"].errors) == ["note"]
    assert maryam.activate(row, code_on(row.mobile), note=lines).status_code == 302


def test_others_of_this_national_id_end_and_proven_numbers_are_told(maryam, row):
    proven = registration_in(State.REFERRED, person=OTHER_NAME, mobile="09351112233")
    unproven = registration_in(State.STARTED, person=OTHER_NAME, mobile="09351112244")
    page = maryam.open(row)
    assert url(proven, "change") in page
    assert url(unproven, "change") in page
    assert "۰۹۳۵•••۲۲۳۳" in page
    maryam.send_and_activate(row)
    for other in (proven, unproven):
        other.refresh_from_db()
        assert other.state == State.SUPERSEDED
    assert len(texts_on(proven.mobile)) == 1
    assert texts_on(unproven.mobile) == []
    assert "activate/" not in maryam.open(proven)


def test_a_rejection_shows_the_sms_first_and_sends_exactly_that(maryam, row):
    kept = maryam.post(url(row, "reject"), {"leave": "", "round": "0", "papers": ["national_card"], "note": NOTE})
    assert kept["Location"] == url(row, "reject")
    assert "مطابقت ندارد" in maryam.get(url(row, "reject")).content.decode()

    confirm = maryam.reject(row, words="شناسنامه قدیمی بود.")
    row.refresh_from_db()
    assert row.state == State.REFERRED
    promised = confirm.context["text"]
    assert "اطلاعات وارد شده با مدارک هویتی مطابقت ندارد. شناسنامه قدیمی بود." in promised

    assert "درخواست رد شد" in maryam.told(maryam.reject(row, words="شناسنامه قدیمی بود.", confirmed="1"))
    row.refresh_from_db()
    assert row.state == State.REJECTED
    event = row.events.last()
    assert (event.actor, event.papers) == ("maryam", ["national_card"])
    assert texts_on(OTHER_NAME.mobile) == [promised]
    assert Browser().step_one(OTHER_NAME).status_code == 302  # may start anew


def test_a_rejection_needs_a_reason_that_fits_the_sms(maryam, row):
    assert list(maryam.reject(row, ready="", words=" ", confirmed="1").context["form"].errors) == ["words"]
    too_long = "ب" * (limits.REJECTION_REASON_LONGEST + 1)
    assert maryam.reject(row, ready="", words=too_long, confirmed="1").status_code == 200
    assert list(maryam.reject(row, ready="made_up", confirmed="1").context["form"].errors) == ["ready"]
    changing = maryam.reject(row, words="هنوز نه", change="1").content.decode()
    assert "هنوز نه" in changing
    assert re.search(r'value="papers_differ"[^>]* checked', changing)
    row.refresh_from_db()
    assert row.state == State.REFERRED


def test_a_second_click_is_told_that_it_is_done(maryam, row):
    maryam.send_code(row)
    code = code_on(row.mobile)
    maryam.activate(row, code)
    assert "این درخواست را پیش از این maryam فعال کرده است" in maryam.told(maryam.activate(row, code))
    assert "این درخواست را پیش از این maryam فعال کرده است" in maryam.told(maryam.reject(row, confirmed="1"))
    assert "این درخواست را پیش از این maryam فعال کرده است" in maryam.told(maryam.send_code(row))
    assert User.objects.filter(national_id=row.national_id).count() == 1


def test_a_request_that_is_not_at_a_branch_is_looked_at_only(maryam):
    row = registration_in(State.SUBMITTED, person=MATCHES, verdict="unavailable")
    page = maryam.open(row)
    assert "هنوز پاسخی از استعلام نرسیده است" in page
    assert "activate/" not in page
    for press in (maryam.send_code, lambda row: maryam.activate(row, "123456"), maryam.reject):
        assert "در حال تطبیق اطلاعات" in maryam.told(press(row))
    assert not OneTimeCode.objects.exists()
    assert maryam.open(registration_in(State.STARTED, person=OTHER_NAME))


def test_an_address_without_its_form_leads_back_to_the_page(maryam, row):
    for page in ("send-code", "activate"):
        assert maryam.get(url(row, page))["Location"] == url(row, "change")
    assert not OneTimeCode.objects.exists()


@pytest.mark.parametrize("typed", ["\x00", "<script>alert(1)</script>", "۱" * 5000])
def test_hostile_input_ends_in_a_sentence(maryam, row, typed):
    maryam.send_code(row, note=typed)
    for response in (
        maryam.activate(row, typed, note=typed, papers=[typed]),
        maryam.reject(row, words=typed, ready=typed),
        maryam.get(url(row, "change")),
    ):
        assert response.status_code == 200
        assert "<script>alert" not in response.content.decode()
    row.refresh_from_db()
    assert row.state == State.REFERRED


def test_an_old_code_is_no_code(maryam, row):
    maryam.send_code(row)
    code = code_on(row.mobile)
    let_pass(limits.CODE_LIFE + timedelta(seconds=1))
    assert errors_in(maryam.activate(row, code)) == [str(desk_texts._ERRORS["code_expired"])]
