"""A code by SMS gets its owner through a pause; it tells strangers nothing and signs nobody in."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import codes, texts
from accounts.models import Challenge, ChallengeStage, Closure, CodePurpose, EventKind, OneTimeCode, Session, User
from accounts.services import challenges
from accounts.services.rows import end_pending
from sms.models import Message
from tamin_portal import limits
from tests.accounts import PASSWORD, REZA, citizen, clerk, spy_on_hashing, together
from tests.entrances import (
    BY_CODE,
    CODE,
    HOME,
    MOBILE,
    PAGE,
    RESEND,
    UNKNOWN,
    WRONG,
    another,
    ask_for_code,
    errors,
    events_of,
    move_clock,
    pause_everybody,
    plain,
    remembered,
    sign_in,
    signed_in,
    told,
    type_code,
)
from tests.journeys import Browser, code_on, let_pass, texts_on

pytestmark = pytest.mark.django_db(transaction=True)


def proven(client: Client) -> Client:
    """This browser has proven the mobile of the account."""
    response = type_code(client, ask_for_code(client))
    assert response.status_code == 302, errors(response)
    return client


def test_the_owner_gets_through_a_pause_with_a_code_and_the_password(client) -> None:
    user = citizen()
    pause_everybody()
    assert sign_in(client, next=f"{HOME}?x=1").status_code == 429
    code = ask_for_code(client, next=f"{HOME}?x=1")
    response = type_code(client, code)
    assert response["Location"] == f"{PAGE}?next=%2Fportal%2Fhome%3Fx%3D1"
    page = client.get(response["Location"])
    assert texts.number_proven() in page.content.decode()
    assert f'value="{REZA}"' in page.content.decode()
    assert not signed_in(client)  # a code alone signs nobody in
    assert sign_in(client, next=page.context["next"])["Location"] == f"{HOME}?x=1"
    assert signed_in(client)
    assert events_of(user, EventKind.SIGNED_IN) == 1
    assert sign_in(Client()).status_code == 429  # the others still wait


def test_a_pause_of_a_trusted_device_is_got_through_as_well(client) -> None:
    citizen()
    sign_in(client, remember="on")
    client.post("/portal/sign-out")
    for _ in range(5):
        last = sign_in(client, password=WRONG)
    assert last.status_code == 429
    assert sign_in(proven(client)).status_code == 302


def test_it_looks_the_same_and_costs_the_same_for_every_id() -> None:
    citizen()
    frozen = citizen(national_id="1234567891", mobile="+989121234568")
    User.objects.filter(pk=frozen.pk).update(is_active=False, closure=Closure.FROZEN)
    citizen(national_id="0499370899", active=False)
    seen = set()
    for national_id in (REZA, UNKNOWN, "1234567891", "0499370899"):
        seen.add(tuple(everything_a_stranger_sees(national_id)))
    assert len(seen) == 1, seen
    assert len(texts_on(MOBILE)) == 1
    assert events_of(frozen, EventKind.CLOSED_SIGN_IN) == 1  # only its owner hears that it is closed
    assert len(texts_on("09121234568")) == 1


def everything_a_stranger_sees(national_id: str) -> list[object]:
    """Asking, typing five wrong codes, asking again; pages without what was typed, statements without values."""
    client, seen = Client(), []
    steps: list[tuple[str, dict[str, str]]] = [(BY_CODE, {"national_id": national_id}), (CODE, {"code": "000000"})]
    steps += [(CODE, {"code": f"99999{number}"}) for number in range(6)] + [(RESEND, {})]
    for number, (path, data) in enumerate(steps):
        with CaptureQueriesContext(connection) as queries:
            response = client.post(path, data)
        page = client.get(CODE).content.decode() + response.content.decode()
        page = re.sub(r'value="\w+"|\d+:\d\d|[۰-۹]+:[۰-۹]+|data-wait="\d+"', "", page)
        seen += [response.status_code, page, tuple(plain(query["sql"]) for query in queries)]
        if number == 1:
            challenges.send_due()
    return seen


def test_a_right_code_is_needed_and_a_wrong_one_says_no_more(client) -> None:
    citizen()
    code = ask_for_code(client)
    for _ in range(limits.CODE_TRIES):
        assert errors(type_code(client, another(code))) == ["کد وارد شده معتبر نمیباشد"]
    assert errors(type_code(client, code)) == ["کد وارد شده معتبر نمیباشد"]  # the tries are used up
    assert Challenge.objects.get().stage == ChallengeStage.CODE_SENT


@pytest.mark.parametrize("typed", ["", "0" * 10_000, "12\x0034", "<b>123456</b>", "' OR 1=1", "🙂", "12 34"])
def test_bad_codes_end_in_a_sentence(client, typed) -> None:
    citizen()
    ask_for_code(client)
    response = type_code(client, typed)
    assert response.status_code == 200
    assert errors(response)
    assert "<b>123456" not in response.content.decode()


@pytest.mark.parametrize("typed", ["", "0" * 10_000, "\x00", "<script>alert(1)</script>", "0012345678"])
def test_bad_ids_end_in_a_sentence(client, typed) -> None:
    response = client.post(BY_CODE, {"national_id": typed})
    assert (response.status_code, len(errors(response))) == (200, 1)
    assert "<script>alert" not in response.content.decode()
    assert not Challenge.objects.exists()


def test_the_code_may_be_typed_in_persian_digits_with_blanks(client) -> None:
    citizen()
    code = ask_for_code(client)
    typed = "".join("۰۱۲۳۴۵۶۷۸۹"[int(digit)] for digit in code)
    assert type_code(client, f" {typed[:3]} {typed[3:]} ").status_code == 302


def test_a_code_for_recovery_or_registration_does_not_serve_here(client) -> None:
    citizen()
    ask_for_code(client)
    for purpose in (CodePurpose.RECOVERY, CodePurpose.REGISTER):
        let_pass(timedelta(seconds=61))
        token = str(Challenge.objects.get().token)
        codes.issue(purpose=purpose, mobile="+989121234567", asker=token)
        assert errors(type_code(client, code_on(MOBILE))) == ["کد وارد شده معتبر نمیباشد"]


def test_a_code_of_a_recovery_challenge_opens_nothing_here(client) -> None:
    citizen()
    challenge = challenges.begin(purpose=CodePurpose.RECOVERY, national_id=REZA)
    challenges.send_due()
    challenge.refresh_from_db()
    challenges.prove(challenge=challenge, typed_code=code_on(MOBILE))
    session = client.session
    session["sign_in_challenge"], session["sign_in_proof"] = [str(challenge.token), ""], str(challenge.token)
    session.save()
    assert client.get(CODE).status_code == 302  # it is no challenge of a sign-in
    pause_everybody()
    assert sign_in(client).status_code == 429


def test_a_code_serves_once_and_its_lost_answer_is_given_again(client) -> None:
    citizen()
    code = ask_for_code(client)
    before = client.cookies["sessionid"].value
    assert type_code(client, code).status_code == 302
    assert client.cookies["sessionid"].value != before
    late = Client()
    late.cookies["sessionid"] = before  # the answer, and with it the new key, was lost
    assert type_code(late, code).status_code == 302
    OneTimeCode.objects.update(used_at=timezone.now() - codes.RETRY_GRACE - timedelta(seconds=1))
    late.cookies["sessionid"] = before
    assert errors(type_code(late, code)) == ["کد وارد شده معتبر نمیباشد"]


def test_the_old_key_of_the_session_has_no_proof(client) -> None:
    citizen()
    ask_for_code(client)
    planted = Client()
    planted.cookies["sessionid"] = client.cookies["sessionid"].value
    type_code(client, code_on(MOBILE))
    pause_everybody()
    assert sign_in(planted).status_code == 429


def test_a_code_that_was_asked_for_in_another_browser_says_so(client) -> None:
    citizen()
    code = ask_for_code(Client())
    client.post(BY_CODE, {"national_id": REZA})
    challenges.send_due()  # the number has just got one: this browser's comes a minute later
    assert "دستگاه دیگری" in errors(type_code(client, code))[0]


def test_the_session_holds_nothing_but_the_challenge(client) -> None:
    citizen()
    code = ask_for_code(client)
    assert remembered(client) == {"sign_in_challenge"}
    kept = str(dict(client.session.items()))
    assert str(Challenge.objects.get().token) in kept
    for secret in (REZA, code, MOBILE[1:], PASSWORD):
        assert secret not in kept
    type_code(client, code)
    assert remembered(client) == {"sign_in_proof"}
    sign_in(client)
    assert not remembered(client)


def test_asking_again_for_the_same_id_goes_on_with_the_same_challenge(client) -> None:
    citizen()
    code = ask_for_code(client)
    client.post(BY_CODE, {"national_id": REZA})
    assert Challenge.objects.count() == 1
    assert type_code(client, code).status_code == 302


def test_two_tabs_for_two_people_are_told_apart(client) -> None:
    citizen()
    code = ask_for_code(client)
    first = client.get(CODE).context["form"]["page"].value()
    client.post(BY_CODE, {"national_id": UNKNOWN})
    response = type_code(client, code, page=first)
    assert response["Location"] == CODE
    assert told(response) == [texts.other_tab()]
    second = client.get(CODE).context["form"]["page"].value()
    assert second != first
    assert type_code(client, code, page=second).status_code == 200


def test_another_code_is_sent_after_a_minute_and_the_page_shows_the_wait(client) -> None:
    citizen()
    ask_for_code(client)
    assert 0 < client.get(CODE).context["wait"] <= 60
    response = client.post(RESEND)
    assert response["Location"] == CODE
    assert "ثانیه" in told(response)[0]
    let_pass(timedelta(seconds=61))
    Challenge.objects.update(asked_at=timezone.now() - timedelta(seconds=61))
    assert told(client.post(RESEND))[-1] == texts.asked_again()
    challenges.send_due()
    assert len(texts_on(MOBILE)) == 2
    assert type_code(client, code_on(MOBILE)).status_code == 302


def test_without_a_challenge_there_is_no_code_page(client) -> None:
    for response in (client.get(CODE), client.post(CODE, {"code": "123456"}), client.post(RESEND)):
        assert response["Location"] == PAGE
        assert told(response)[-1] == texts.begin_again()
    assert client.get(RESEND).status_code == 405


def test_what_was_begun_an_hour_ago_is_over(client, monkeypatch) -> None:
    citizen()
    code = ask_for_code(client)
    move_clock(monkeypatch, timedelta(hours=1))
    assert told(type_code(client, code)) == [texts.begin_again()]
    assert client.get(CODE)["Location"] == PAGE


def test_a_clock_that_was_set_back_an_hour_makes_nothing_live_longer(client, monkeypatch) -> None:
    citizen()
    proven(client)
    move_clock(monkeypatch, -timedelta(hours=1))
    pause_everybody(REZA)
    assert sign_in(client).status_code == 429


def test_an_sms_that_comes_after_the_codes_life_serves_no_more(client) -> None:
    citizen()
    code = ask_for_code(client)
    let_pass(limits.CODE_LIFE)
    assert errors(type_code(client, code)) == ["کد وارد شده معتبر نمیباشد"]


def test_a_proof_lasts_for_its_time_and_for_its_account_only(client, monkeypatch) -> None:
    citizen()
    citizen(national_id=UNKNOWN, mobile="+989121234568")
    proven(client)
    pause_everybody()
    pause_everybody(UNKNOWN)
    assert sign_in(client, UNKNOWN).status_code == 429
    Challenge.objects.update(proven_at=timezone.now() - limits.PASSED_BY_CODE)
    assert sign_in(client).status_code == 429
    assert REZA not in client.get(PAGE).content.decode()


def test_what_ends_everything_that_is_pending_ends_a_proof(client) -> None:
    user = citizen()
    proven(client)
    pause_everybody()
    end_pending(account=user)
    assert sign_in(client).status_code == 429


def test_a_proof_of_a_number_that_is_no_longer_the_accounts_is_none(client) -> None:
    user = citizen()
    proven(client)
    pause_everybody()
    User.objects.filter(pk=user.pk).update(mobile="+989121234568")
    assert sign_in(client).status_code == 429


def test_a_frozen_account_gets_no_code_and_a_right_one_from_before_no_proof(client) -> None:
    user = citizen()
    code = ask_for_code(client)
    User.objects.filter(pk=user.pk).update(is_active=False, closure=Closure.FROZEN)
    assert errors(type_code(client, code)) == [texts.account_closed()]
    assert Challenge.objects.get().stage != ChallengeStage.PROVEN


def test_guesses_with_a_proof_are_counted_one_by_one_and_pause(client, monkeypatch) -> None:
    citizen()
    proven(client)
    key = client.cookies["sessionid"].value
    hashing = spy_on_hashing(monkeypatch)

    def guess(number: int) -> Any:
        browser = Client()
        browser.cookies["sessionid"] = key
        return sign_in(browser, password=WRONG).status_code

    assert sorted(together(guess, 20)) == [200] * 4 + [429] * 16
    assert len(hashing) == 4
    assert sign_in(Client()).status_code == 302  # nobody else is held up by them


def test_of_ten_right_codes_at_once_all_prove_the_same_challenge(client) -> None:
    citizen()
    code, key = ask_for_code(client), client.cookies["sessionid"].value

    def prove(number: int) -> Any:
        browser = Client()
        browser.cookies["sessionid"] = key
        return type_code(browser, code).status_code

    answers = together(prove, 10)
    assert answers.count(302) == limits.CODE_TRIES  # tries are counted first
    assert Challenge.objects.get().stage == ChallengeStage.PROVEN


def test_staff_have_no_way_by_code(client) -> None:
    clerk(username=UNKNOWN)
    User.objects.filter(username=UNKNOWN).update(mobile="+989121234567")
    client.post(BY_CODE, {"national_id": UNKNOWN})
    challenges.send_due()
    assert not Message.objects.exists()


def test_a_registration_under_way_survives_the_way_by_code() -> None:
    citizen()
    family = Browser()
    family.confirm()
    proven(family)
    sign_in(family)
    assert signed_in(family)
    assert 'value="identity"' in family.get("/portal/registration").content.decode()


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_next_leads_only_to_a_page_of_ours(client, wanted) -> None:
    citizen()
    code = ask_for_code(client, next=wanted)
    assert type_code(client, code)["Location"] == PAGE


def test_looking_at_the_page_writes_nothing(client, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        client.get(BY_CODE)
    assert not Session.objects.exists()


def test_without_the_forms_token_no_code_is_sent() -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(BY_CODE, {"national_id": REZA}).status_code == 403
    assert not Challenge.objects.exists()
