"""What the way by code gives nobody: strangers, other purposes, late codes, ended proofs, crowds of guesses, staff."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.codes import challenges, issuing
from accounts.life.locking import end_pending
from accounts.models import Challenge, ChallengeStage, Closure, CodePurpose, EventKind, User
from accounts.sign_in import texts as sign_in_texts
from common import limits
from common.abuse.origins import NOWHERE
from sms.models import Message
from tests.support.accounts import REZA, citizen, clerk, spy_on_hashing, together
from tests.support.entrances import (
    BY_CODE,
    CODE,
    MOBILE,
    PAGE,
    RESEND,
    UNKNOWN,
    WRONG,
    ask_for_code,
    errors,
    events_of,
    move_clock,
    pause_everybody,
    plain,
    proven,
    sign_in,
    told,
    type_code,
)
from tests.support.journeys import code_on, let_pass, texts_on

pytestmark = pytest.mark.django_db(transaction=True)


def everything_a_stranger_sees(national_id: str) -> list[object]:
    """Asking, typing five wrong codes, asking again; pages without what was typed, statements without values."""
    client, seen = Client(), []
    steps: list[tuple[str, dict[str, str]]] = [(BY_CODE, {"national_id": national_id}), (CODE, {"code": "000000"})]
    steps += [(CODE, {"code": f"99999{number}"}) for number in range(6)] + [(RESEND, {})]
    for number, (path, data) in enumerate(steps):
        with CaptureQueriesContext(connection) as queries:
            response = client.post(path, data)
        page = client.get(CODE).content.decode() + response.content.decode()
        page = re.sub(r'value="\w+"|\d+:\d\d|[۰-۹]+:[۰-۹]+|[۰-۹]+ ثانیه|data-wait="\d+"', "", page)
        seen += [response.status_code, page, tuple(plain(query["sql"]) for query in queries)]
        if number == 1:
            challenges.send_due()
    return seen


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


def test_a_code_for_recovery_or_registration_does_not_serve_here(client) -> None:
    citizen()
    ask_for_code(client)
    for purpose in (CodePurpose.RECOVERY, CodePurpose.REGISTER):
        let_pass(timedelta(seconds=61))
        token = str(Challenge.objects.get().token)
        issuing.issue(purpose=purpose, mobile="+989121234567", asker=token)
        assert errors(type_code(client, code_on(MOBILE)))[0].startswith("کد وارد شده معتبر نمیباشد.")


def test_a_code_of_a_recovery_challenge_opens_nothing_here(client) -> None:
    citizen()
    challenge = challenges.begin(purpose=CodePurpose.RECOVERY, national_id=REZA, origin=NOWHERE)
    challenges.send_due()
    challenge.refresh_from_db()
    challenges.prove(challenge=challenge, typed_code=code_on(MOBILE))
    session = client.session
    session["sign_in_challenge"], session["sign_in_proof"] = [str(challenge.token), ""], str(challenge.token)
    session.save()
    assert client.get(CODE).status_code == 302  # it is no challenge of a sign-in
    pause_everybody()
    assert sign_in(client).status_code == 429


def test_the_old_key_of_the_session_has_no_proof(client) -> None:
    citizen()
    ask_for_code(client)
    planted = Client()
    planted.cookies["sessionid"] = client.cookies["sessionid"].value
    type_code(client, code_on(MOBILE))
    pause_everybody()
    assert sign_in(planted).status_code == 429


def test_what_was_begun_an_hour_ago_is_over(client, monkeypatch) -> None:
    citizen()
    code = ask_for_code(client)
    move_clock(monkeypatch, timedelta(hours=1))
    assert told(type_code(client, code)) == [sign_in_texts.sentence("begin_again")]
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
    assert errors(type_code(client, code))[0].startswith("کد وارد شده معتبر نمیباشد.")


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
    assert errors(type_code(client, code)) == [sign_in_texts.sentence("account_closed")]
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
