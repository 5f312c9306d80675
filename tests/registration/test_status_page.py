"""The status page: who may see what, what it says at each place, and how it slows down without ever locking."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import segno
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import SignInFailures
from common import limits
from common.persian import fold_digits, format_jalali, to_persian_digits
from registration.models import Event, Registration
from registration.services import matching, status
from registration.states import State
from tests.support.desk import Clerk, url
from tests.support.journeys import (
    DONE,
    MATCHES,
    OTHER_NAME,
    URL,
    Browser,
    let_pass,
    registration_in,
    row_of,
    write_event,
)

pytestmark = pytest.mark.django_db(transaction=True)
STATUS, PASS = URL + "/status", URL + "/pass"
WRONG_CODE = "1234567897"
NOT_FOUND = "درخواستی با این کد ملی و این کد پیگیری پیدا نشد"


def ask(browser: Browser, national_id: str = MATCHES.national_id, code: str = WRONG_CODE, address: str = "") -> Any:
    where = {"REMOTE_ADDR": address} if address else {}
    return browser.post(STATUS, {"national_id": national_id, "tracking_code": code}, **where)


def shown(browser: Browser, row: Registration) -> str:
    """The time line of `row`, as the right pair of numbers shows it."""
    assert ask(browser, row.national_id, row.tracking_code or "")["Location"] == STATUS
    return browser.get(STATUS).content.decode()


def pass_time(**span: float) -> None:
    """As if that much time had gone by since the last tries."""
    for field in ("last_at", "blocked_until"):
        SignInFailures.objects.update(**{field: F(field) - timedelta(**span)})


def test_the_form_asks_for_two_numbers_by_their_names(browser):
    page = browser.get(STATUS)
    assert not page.cookies.keys() - {"csrftoken"}
    labels = re.findall(r"<label[^>]*>(.*?)</label>", page.content.decode())
    assert labels == ["کد ملی", "کد پیگیری"]


@pytest.mark.parametrize(
    "typed", [lambda code: code, to_persian_digits, lambda code: f"{code[:3]} {code[3:6]}-{code[6:]}"]
)
def test_the_right_pair_shows_where_the_request_is(browser, typed):
    row = registration_in(State.SUBMITTED)
    answer = ask(browser, to_persian_digits(row.national_id), typed(row.tracking_code))
    assert (answer.status_code, answer["Location"]) == (302, STATUS)
    response = browser.get(STATUS)
    page = response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert format_jalali(timezone.localdate()) in page
    for station in ("درخواست دریافت شد", "در حال بررسی", "نتیجه با پیامک می‌آید"):
        assert station in page


def test_nothing_about_the_person_is_shown_but_the_place_of_the_request(browser):
    row = registration_in(
        State.REFERRED, person=OTHER_NAME, verdict="mismatch", verdict_kind="identity",
        verdict_fields={"last_name": "mismatch"},
    )  # fmt: skip
    for page in (shown(browser, row), browser.get(PASS).content.decode()):
        for secret in (row.first_name, row.last_name, row.national_id, row.mobile[3:], row.email, row.city):
            assert secret not in fold_digits(page)
        assert "mismatch" not in page


def test_a_wrong_id_and_a_wrong_code_are_one_answer(browser):
    row = registration_in(State.SUBMITTED)
    wrongs = {
        "code": (row.national_id, WRONG_CODE),
        "check digit": (row.national_id, row.tracking_code[:9] + str((int(row.tracking_code[9]) + 1) % 10)),
        "id": (OTHER_NAME.national_id, row.tracking_code),
        "both": (OTHER_NAME.national_id, WRONG_CODE),
    }
    answers, statements = set(), set()
    for number, (national_id, code) in enumerate(wrongs.values()):
        with CaptureQueriesContext(connection) as asked:
            response = ask(Browser(), national_id, code, address=f"10.1.0.{number}")
        page = response.content.decode()
        for hidden in (national_id, code):
            page = page.replace(hidden, "·")
        answers.add((response.status_code, re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)))
        statements.add(tuple(re.sub(r"'[^']*'|\d+", "?", query["sql"]) for query in asked))
    assert len(answers) == 1, answers
    assert NOT_FOUND in next(iter(answers))[1]
    assert len(statements) == 1, statements


def test_a_draft_and_an_unproven_request_have_no_status(browser):
    row = registration_in(State.MOBILE_CONFIRMED)
    assert row.tracking_code is None
    assert ask(browser, row.national_id, "").status_code == 200
    assert ask(browser, row.national_id, "0000000000").status_code == 200


def test_the_numbers_never_stand_in_an_address_or_a_session(browser):
    row = registration_in(State.SUBMITTED)
    shown(browser, row)
    assert row.national_id not in str(dict(browser.session.items()))
    assert row.tracking_code not in str(dict(browser.session.items()))
    assert (
        NOT_FOUND
        not in browser.get(STATUS, {"national_id": row.national_id, "tracking_code": WRONG_CODE}).content.decode()
    )


def test_a_planted_session_shows_nothing_to_who_planted_it(browser):
    browser.step_one(OTHER_NAME)
    thief = Browser()
    thief.cookies = browser.cookies.copy()
    shown(browser, registration_in(State.SUBMITTED))
    assert "درخواست دریافت شد" not in thief.get(STATUS).content.decode()


def test_wrong_pairs_wait_longer_and_longer_but_never_long(browser):
    registration_in(State.SUBMITTED)
    for _ in range(limits.STATUS_FREE_FAILURES + 1):
        assert ask(browser).status_code == 200
    waits = []
    for _ in range(8):
        response = ask(browser)
        assert response.status_code == 429
        page = response.content.decode()
        assert "کد ملی و کد پیگیری وارد شده با هم مطابقت نداشت" in page
        assert "چیزی مسدود نشده است" in page
        waits.append(int(response["Retry-After"]))
        pass_time(seconds=waits[-1])
        assert ask(browser).status_code == 200
    assert waits == [2, 4, 8, 16, 30, 30, 30, 30]


def test_what_was_typed_stays_in_the_form_after_a_wrong_pair_and_during_a_pause(browser):
    for _ in range(limits.STATUS_FREE_FAILURES + 2):
        response = ask(browser)
    assert response.status_code == 429
    assert f'value="{MATCHES.national_id}"' in response.content.decode()


def test_the_owner_gets_through_while_a_stranger_hammers_the_id_from_everywhere(browser):
    row = registration_in(State.SUBMITTED)
    for number in range(60):
        ask(Browser(), address=f"10.{number}.0.1")
    assert ask(browser, address="10.200.0.1").status_code == 200  # mistyped: from now on a short wait of one's own
    held = ask(browser, code=row.tracking_code, address="10.200.0.1")
    assert 0 < int(held["Retry-After"]) <= 30
    for number in range(60, 120):  # and the stranger goes on meanwhile
        ask(Browser(), address=f"10.{number}.0.1")
    pass_time(seconds=int(held["Retry-After"]))
    assert ask(browser, code=row.tracking_code, address="10.200.0.1").status_code == 302


def test_who_types_it_right_at_once_never_waits_whatever_strangers_do(browser):
    row = registration_in(State.SUBMITTED)
    for number in range(60):
        ask(Browser(), address=f"10.{number}.0.1")
    assert ask(browser, code=row.tracking_code, address="10.200.0.1").status_code == 302


def test_under_attack_every_address_waits_after_its_first_wrong_try():
    for number in range(limits.STATUS_ELSEWHERE_FREE_FAILURES + 1):
        ask(Browser(), address=f"10.{number}.0.1")
    guesser = Browser()
    assert ask(guesser, address="10.250.0.1").status_code == 200
    assert ask(guesser, address="10.250.0.1").status_code == 429


def test_a_code_of_ones_own_does_not_free_the_way_to_guess_another(browser, monkeypatch):
    """A stranger's request with the ID of another has a tracking code as well: the stranger knows a right pair."""
    monkeypatch.setattr(limits, "STATUS_FIRST_PAUSE", timedelta(minutes=1))  # none ends while a busy machine asks
    monkeypatch.setattr(limits, "STATUS_LONGEST_PAUSE", timedelta(minutes=1))
    own = registration_in(State.SUBMITTED, mobile="09351112233")
    compared = 0
    for number in range(60):
        right = number % 5 == 4
        answer = ask(browser, code=own.tracking_code if right else WRONG_CODE)
        compared += answer.status_code == 200
    assert compared <= limits.STATUS_FREE_FAILURES + 1


def test_who_types_it_right_uses_up_nothing(browser):
    row = registration_in(State.SUBMITTED)
    for _ in range(limits.STATUS_ELSEWHERE_FREE_FAILURES * 2):
        assert ask(browser, row.national_id, row.tracking_code)["Location"] == STATUS
    assert ask(browser).status_code == 200
    assert ask(browser, row.national_id, row.tracking_code)["Location"] == STATUS


def test_one_id_never_slows_another_down(browser):
    for _ in range(limits.STATUS_FREE_FAILURES + 2):
        ask(browser)
    assert ask(browser).status_code == 429
    assert ask(browser, OTHER_NAME.national_id).status_code == 200


SENTENCES = {
    State.APPROVED: "حساب کاربری فعال شده است",
    State.AWAITING_BRANCH: "منتظر فعال سازی در شعبه است",
    State.REFERRED: "تأیید اطلاعات شما با مشکل مواجه شد",
    State.REJECTED: "درخواست در شعبه تأیید نشد",
    State.SUPERSEDED: "درخواست دیگری با همین کد ملی تأیید شد",
    State.EXPIRED: "مهلت این درخواست تمام شده است",
}


@pytest.mark.parametrize("state", SENTENCES)
def test_every_end_has_its_sentence(browser, state):
    page = shown(browser, registration_in(state, verdict_kind="identity"))
    sentences = {other: text in page for other, text in SENTENCES.items()}
    if state != State.REFERRED:
        assert sentences == {other: other == state for other in SENTENCES}
    assert 'http-equiv="refresh"' not in page
    assert ('href="/portal/registration/pass"' in page) == (state in (State.REFERRED, State.AWAITING_BRANCH))


def decided(number: int, minutes: float) -> None:
    row = registration_in(State.REJECTED, mobile=f"0912111{number:04}")
    at = timezone.now() - timedelta(minutes=5)
    Registration.objects.filter(pk=row.pk).update(submitted_at=at - timedelta(minutes=minutes))
    Event.objects.create(
        registration=row, at=at, actor="portal", from_state="submitted", to_state="referred", why="mismatch"
    )


def test_usually_is_the_median_of_recent_decisions_and_nothing_is_promised_on_few(browser):
    row = registration_in(State.SUBMITTED)
    for number in range(limits.STATUS_USUAL_AT_LEAST - 1):
        decided(number, minutes=3.4)
    assert status.usual_minutes() is None
    assert "معمولاً" not in shown(browser, row)
    decided(99, minutes=300)
    assert status.usual_minutes() == 4
    assert "معمولاً حدود ۴ دقیقه" in shown(browser, row)


def test_nothing_is_promised_while_a_registry_is_away(browser):
    row = registration_in(State.SUBMITTED)
    for number in range(10):
        decided(number, minutes=1)
    for number in range(limits.MATCH_OUTAGE_HELD):
        held = {"verdict": "unavailable", "verdict_kind": "owner"}
        registration_in(State.SUBMITTED, mobile=f"0913111{number:04}", **held)
    page = shown(browser, row)
    assert "معمولاً" not in page
    assert "در حال حاضر پاسخ نمی‌دهد" in page


@pytest.mark.parametrize("verdict", ["unavailable", "misconfigured"])
def test_nothing_is_promised_to_the_one_about_whom_a_registry_gave_no_answer(browser, verdict):
    row = registration_in(State.SUBMITTED, verdict=verdict, verdict_kind="owner")
    for number in range(10):
        decided(number, minutes=0.1)
    page = shown(browser, row)
    assert "معمولاً" not in page
    assert "در حال حاضر پاسخ نمی‌دهد" in page


@pytest.mark.parametrize(("minutes", "told", "late"), [(2, False, False), (4, False, True), (2, True, True)])
def test_several_times_the_usual_time_ends_the_promise(browser, minutes, told, late):
    at = timezone.now() - timedelta(minutes=minutes)
    row = registration_in(State.SUBMITTED, submitted_at=at, told_of_delay_at=timezone.now() if told else None)
    for number in range(10):
        decided(number, minutes=0.1)
    page = shown(browser, row)
    assert ("معمولاً" in page) != late
    assert ("بیش از معمول طول کشیده" in page) == late


def test_who_waits_longer_than_others_is_told_so(browser):
    row = registration_in(State.SUBMITTED, submitted_at=timezone.now() - timedelta(hours=2))
    assert "بیش از معمول طول کشیده" in shown(browser, row)


def test_the_page_loads_itself_anew_only_while_it_is_checked_and_not_for_ever(browser):
    row = registration_in(State.SUBMITTED)
    page = shown(browser, row)
    seconds = re.search(r'<noscript><meta http-equiv="refresh" content="(\d+); url=\?renewed"></noscript>', page)
    assert seconds
    assert int(seconds[1]) >= 30
    assert browser.get(STATUS + "/timeline").status_code == 200
    session = browser.session
    looked = timezone.now() - limits.STATUS_RENEWS_UNTIL
    session["registration_status"] = {**session["registration_status"], "at": looked.isoformat()}
    session.save()
    page = browser.get(STATUS).content.decode()
    assert "درخواست دریافت شد" in page
    assert "refresh" not in page


def test_after_a_while_the_tracking_code_is_asked_for_again(browser):
    shown(browser, registration_in(State.SUBMITTED))
    session = browser.session
    long_ago = timezone.now() - limits.STATUS_SHOWN - timedelta(seconds=1)
    session["registration_status"] = {**session["registration_status"], "at": long_ago.isoformat()}
    session.save()
    assert "کد ملی" in browser.get(STATUS).content.decode()
    assert browser.get(STATUS + "/timeline").status_code == 404


def test_the_next_person_begins_with_an_empty_form_and_the_last_one_asked_for_is_shown(browser):
    first, second = registration_in(State.SUBMITTED), registration_in(State.REFERRED, person=OTHER_NAME)
    shown(browser, first)
    assert "تأیید اطلاعات شما با مشکل مواجه شد" in shown(browser, second)
    after = browser.post(STATUS + "/leave", follow=True).content.decode()
    for page in (after, browser.get(STATUS).content.decode()):
        assert 'name="tracking_code"' in page
        assert second.tracking_code not in re.sub(r"\s", "", fold_digits(page))
    assert browser.get(PASS)["Location"] == STATUS


@pytest.mark.parametrize(
    ("kind", "checks", "invited"), [("identity", 2, True), ("identity", 3, False), ("owner", 3, True)]
)
def test_who_has_no_correction_left_is_not_invited_to_one(browser, kind, checks, invited):
    row = registration_in(State.REFERRED, verdict_kind=kind)
    for _ in range(checks):
        write_event(row, before="submitted", why="mismatch", kind="identity")
    page = shown(browser, row)
    assert ("کاری که همین‌جا می‌توانید بکنید" in page) == invited
    assert ("دیگر نمی‌توانید آن را اینجا اصلاح کنید" in page) != invited
    assert 'href="/portal/registration/pass"' in page


def test_looking_does_not_disturb_a_registration_that_is_under_way(browser):
    browser.confirm()
    shown(browser, registration_in(State.SUBMITTED, person=OTHER_NAME))
    assert 'value="identity"' in browser.get(URL).content.decode()


def test_a_relative_is_looked_up_beside_a_second_chance_and_the_pass_is_of_whose_page_it_is(browser):
    own, relative = (
        registration_in(State.REFERRED, verdict_kind="owner"),
        registration_in(State.REFERRED, person=OTHER_NAME),
    )
    browser.confirm()
    assert 'name="tracking_code"' in browser.post(STATUS + "/leave", follow=True).content.decode()
    code = re.sub(r"\s", "", fold_digits(shown(browser, relative)))
    assert relative.tracking_code in code
    browser.get(URL + "/second-chance")
    printed = re.sub(r"\s", "", fold_digits(browser.get(PASS).content.decode()))
    assert own.tracking_code in printed
    assert relative.tracking_code not in printed


def test_who_has_just_registered_needs_no_code_to_see_the_status(browser):
    row = browser.register(OTHER_NAME)
    closing = browser.get(DONE).content.decode()
    assert f'href="{STATUS}"' in closing
    assert "آنچه تغییر دادید دریافت شد" not in closing
    assert "در حال بررسی" in browser.get(STATUS).content.decode()
    matching.match_due()
    page = browser.get(STATUS).content.decode()
    assert "بررسی شد" in page
    assert row.tracking_code in re.sub(r"\s", "", fold_digits(page))
    assert browser.get(PASS).status_code == 200


def test_a_lost_tracking_code_comes_back_with_a_code_by_sms(browser):
    browser.register()
    let_pass(timedelta(seconds=61))
    other = Browser()
    assert "کد پیگیری را ندارم" in other.get(STATUS).content.decode()
    other.confirm()
    assert row_of(MATCHES).tracking_code in re.sub(r"\s", "", fold_digits(other.get(DONE).content.decode()))
    assert "در حال بررسی" in other.get(STATUS).content.decode()


@pytest.mark.parametrize("path", [URL, "/portal/"])
def test_the_way_to_the_status_page_is_shown(browser, path):
    assert f'href="{STATUS}"' in browser.get(path).content.decode()


def test_the_pass_holds_code_papers_and_date_for_this_kind(browser):
    row = registration_in(State.REFERRED, verdict_kind="owner")
    shown(browser, row)
    response = browser.get(PASS)
    page = response.content.decode()
    until = format_jalali(timezone.localdate(row.touched_at + limits.BRANCH_LIFE))
    for expected in ("اصل کارت ملی", "اصل شناسنامه", "قرارداد سیم‌کارت", until, '<svg class="qr"'):
        assert expected in page
    assert "style=" not in page
    assert row.tracking_code in re.sub(r"\s", "", fold_digits(page))
    identity = Browser()
    shown(identity, registration_in(State.REFERRED, person=OTHER_NAME, verdict_kind="identity"))
    assert "قرارداد سیم‌کارت" not in identity.get(PASS).content.decode()


@pytest.mark.parametrize("state", [State.SUBMITTED, State.APPROVED, State.REJECTED, State.EXPIRED])
def test_who_need_not_go_to_a_branch_gets_no_pass(browser, state):
    shown(browser, registration_in(state))
    assert browser.get(PASS)["Location"] == STATUS


def test_the_qr_holds_the_tracking_code_and_the_desk_takes_what_a_scanner_types(browser):
    row = registration_in(State.REFERRED, verdict_kind="identity")
    shown(browser, row)
    drawn = re.search(r'class="qr".*?<path[^>]* d="([^"]+)"', browser.get(PASS).content.decode())
    assert drawn
    assert drawn[1] in segno.make_qr(row.tracking_code, error="m").svg_inline(border=4, omitsize=True)
    for typed in (row.tracking_code, to_persian_digits(row.tracking_code), row.tracking_code + "\r\n"):
        assert Clerk().search(typed)["Location"] == url(row, "change")


def test_past_very_many_wrong_tries_of_an_id_an_address_waits_long_after_a_wrong_one(browser, monkeypatch):
    row = registration_in(State.SUBMITTED)
    monkeypatch.setattr(limits, "STATUS_CROWD_FREE_FAILURES", 5)
    for number in range(limits.STATUS_ELSEWHERE_FREE_FAILURES):
        ask(Browser(), address=f"10.{number}.0.1")
    guesser = Browser()
    ask(guesser, address="10.250.0.1")
    held = ask(guesser, address="10.250.0.1")
    assert int(held["Retry-After"]) > limits.STATUS_LONGEST_PAUSE.total_seconds()
    assert ask(browser, code=row.tracking_code, address="10.251.0.1").status_code == 302


def test_whoever_has_a_network_of_addresses_waits_for_all_of_them():
    passed = sum(
        ask(Browser(), address=f"2001:db8:7:{number:x}::1").status_code == 200
        for number in range(limits.STATUS_NETWORK_FREE_FAILURES + 20)
    )
    assert passed == limits.STATUS_NETWORK_FREE_FAILURES + 1
