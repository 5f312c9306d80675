"""A code by SMS gets its owner through a pause; it tells strangers nothing and signs nobody in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts.codes import challenges
from accounts.models import Challenge, ChallengeStage, EventKind, OneTimeCode, Session
from accounts.profile import changes
from accounts.sign_in import texts as sign_in_texts
from common import limits
from common.abuse.origins import NOWHERE
from tests.support.accounts import PASSWORD, REZA, citizen
from tests.support.entrances import (
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
    pause_everybody,
    proven,
    remembered,
    sign_in,
    signed_in,
    told,
    type_code,
)
from tests.support.journeys import Browser, code_on, let_pass, texts_on

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_owner_gets_through_a_pause_with_a_code_and_the_password(client) -> None:
    user = citizen()
    pause_everybody()
    assert sign_in(client, next=f"{HOME}?x=1").status_code == 429
    code = ask_for_code(client, next=f"{HOME}?x=1")
    response = type_code(client, code)
    assert response["Location"] == f"{PAGE}?next=%2Fportal%2Fhome%3Fx%3D1"
    page = client.get(response["Location"])
    assert sign_in_texts.sentence("number_proven") in page.content.decode()
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


def test_a_right_code_is_needed_and_a_wrong_one_says_no_more(client) -> None:
    citizen()
    code = ask_for_code(client)
    for _ in range(limits.CODE_TRIES):
        assert errors(type_code(client, another(code)))[0].startswith("کد وارد شده معتبر نمیباشد.")
    assert errors(type_code(client, code))[0].startswith("کد وارد شده معتبر نمیباشد.")  # the tries are used up
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


def test_a_code_serves_once_and_its_lost_answer_is_given_again(client) -> None:
    citizen()
    code = ask_for_code(client)
    before = client.cookies["sessionid"].value
    assert type_code(client, code).status_code == 302
    assert client.cookies["sessionid"].value != before
    late = Client()
    late.cookies["sessionid"] = before  # the answer, and with it the new key, was lost
    assert type_code(late, code).status_code == 302
    OneTimeCode.objects.update(used_at=timezone.now() - limits.CODE_RETRY_GRACE - timedelta(seconds=1))
    late.cookies["sessionid"] = before
    assert errors(type_code(late, code))[0].startswith("کد وارد شده معتبر نمیباشد.")


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
    assert told(response) == [sign_in_texts.sentence("other_tab")]
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
    assert told(client.post(RESEND))[-1] == sign_in_texts.sentence("asked_again")
    challenges.send_due()
    assert len(texts_on(MOBILE)) == 2
    assert type_code(client, code_on(MOBILE)).status_code == 302


def test_without_a_challenge_there_is_no_code_page(client) -> None:
    for response in (client.get(CODE), client.post(CODE, {"code": "123456"}), client.post(RESEND)):
        assert response["Location"] == PAGE
        assert told(response)[-1] == sign_in_texts.sentence("begin_again")
    assert client.get(RESEND).status_code == 405


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


def test_who_waits_for_a_code_while_the_password_is_changed_elsewhere_gets_one_by_asking_again(client) -> None:
    person = citizen()
    ask_for_code(client)
    changes.change_password(account=person, checked=person.password, new="Xyzabc2#", session="")
    assert Challenge.objects.get().stage == ChallengeStage.ENDED
    an_hour = timedelta(hours=1)
    OneTimeCode.objects.update(created_at=F("created_at") - an_hour)
    Challenge.objects.update(asked_at=F("asked_at") - an_hour)
    assert type_code(client, ask_for_code(client)).status_code == 302
    assert sign_in(client, password="Xyzabc2#").status_code == 302


def test_a_proof_that_was_ended_does_not_come_back_by_asking_again(client) -> None:
    person = citizen()
    proven(client)
    held = Challenge.objects.get()
    changes.change_password(account=person, checked=person.password, new="Xyzabc2#", session="")
    Challenge.objects.update(asked_at=F("asked_at") - timedelta(hours=1))
    held.refresh_from_db()
    assert challenges.ask_again(challenge=held, origin=NOWHERE) == 0
    held.refresh_from_db()
    assert (held.stage, held.next_attempt_at) == (ChallengeStage.ENDED, None)
