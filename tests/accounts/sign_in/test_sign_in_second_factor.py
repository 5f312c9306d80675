"""A code after the right password, where the citizen or the installation wants one: on every device not trusted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.codes import texts as code_texts
from accounts.models import CodePurpose, EventKind, OneTimeCode, Session, SignInFailures, TrustedDevice, User
from accounts.sign_in import texts as sign_in_texts
from common import limits
from sms.models import Message
from tests.support.accounts import PASSWORD, REZA, citizen, clerk
from tests.support.entrances import (
    CODE,
    HOME,
    MOBILE,
    OUT,
    PAGE,
    RESEND,
    UNKNOWN,
    WRONG,
    another,
    ask_for_code,
    errors,
    first_step,
    kinds,
    remembered,
    sign_in,
    signed_in,
    told,
    type_code,
)
from tests.support.journeys import Browser, code_on, let_pass, texts_on

pytestmark = pytest.mark.django_db(transaction=True)
DELIVERY = "/portal/sign-in/delivery"
WRONG_CODE = ["کد وارد شده معتبر نمیباشد"]


def test_after_the_password_the_code_lets_the_owner_in(client, careful_user) -> None:
    code = first_step(client, next=f"{HOME}?x=1")
    assert not signed_in(client)
    page = client.get(CODE).content.decode()
    assert "۰۹۱۲" in page  # the password was right: the number may be shown, masked
    assert "۰۹۱۲۱۲۳۴۵۶۷" not in page
    response = type_code(client, code)
    assert (response.status_code, response["Location"]) == (302, f"{HOME}?x=1")
    assert signed_in(client)
    assert kinds(careful_user) == [EventKind.SIGNED_IN]
    assert not SignInFailures.objects.exists()


def test_where_the_sms_is_may_be_known_after_the_password_only(client, careful_user) -> None:
    assert client.get(DELIVERY).status_code == 404
    ask_for_code(client)
    assert client.get(DELIVERY).status_code == 404
    let_pass(timedelta(seconds=61))
    first_step(client)
    assert "۰۹۱۲" in client.get(DELIVERY).content.decode()
    assert "data-renew" in client.get(CODE).content.decode()


def test_without_the_wish_no_code_is_asked_for(client) -> None:
    citizen()
    assert sign_in(client)["Location"] == HOME
    assert not Message.objects.exists()


def test_an_installation_can_want_it_from_everybody_but_staff(client, settings) -> None:
    settings.SIGN_IN_CODE = "always"
    citizen()
    clerk()
    first_step(client)
    staff = Client()
    staff.post("/admin/login/", {"username": "maryam", "password": PASSWORD})
    assert staff.get("/admin/").status_code == 200


def test_a_trusted_device_is_asked_for_no_code(client, careful_user) -> None:
    type_code(client, first_step(client, remember="on"))
    assert kinds(careful_user) == [EventKind.DEVICE_TRUSTED]
    assert client.session.get_expire_at_browser_close() is False
    client.post(OUT)
    assert sign_in(client)["Location"] == HOME
    TrustedDevice.objects.all().delete()
    client.post(OUT)
    assert sign_in(client)["Location"] == CODE


def test_without_the_tick_the_code_is_asked_for_the_next_time(client, careful_user) -> None:
    type_code(client, first_step(client))
    assert client.session.get_expire_at_browser_close() is True
    client.post(OUT)
    assert sign_in(client)["Location"] == CODE


def test_who_has_just_proven_the_mobile_is_asked_for_no_second_code(client, careful_user) -> None:
    type_code(client, ask_for_code(client))
    assert sign_in(client)["Location"] == HOME
    assert len(texts_on(MOBILE)) == 1
    client.post(OUT)
    assert sign_in(client)["Location"] == CODE  # a proof serves once


def test_a_wrong_password_sends_nothing_and_a_right_one_is_not_forgotten_before_the_code(client, careful_user) -> None:
    sign_in(client, password=WRONG)
    assert not Message.objects.exists()
    code = first_step(client)
    assert {row.count for row in SignInFailures.objects.all()} == {2}
    assert errors(type_code(client, another(code))) == WRONG_CODE
    assert {row.count for row in SignInFailures.objects.all()} == {2}
    type_code(client, code)
    assert not SignInFailures.objects.exists()


def test_five_wrong_codes_and_a_late_one_are_told_as_in_the_registration(client, careful_user) -> None:
    code = first_step(client)
    for _ in range(limits.CODE_TRIES):
        assert errors(type_code(client, another(code))) == WRONG_CODE
    assert "پنج بار" in errors(type_code(client, code))[0]
    let_pass(limits.CODE_LIFE)
    assert "پایان رسیده" in errors(type_code(client, code))[0]
    assert not signed_in(client)


@pytest.mark.parametrize("typed", ["", "0" * 10_000, "12\x0034", "<b>1</b>", "🙂"])
def test_bad_codes_end_in_a_sentence(client, careful_user, typed) -> None:
    first_step(client)
    response = type_code(client, typed)
    assert (response.status_code, len(errors(response))) == (200, 1)
    assert "<b>1" not in response.content.decode()


def test_a_new_code_is_sent_after_a_minute_and_both_serve(client, careful_user) -> None:
    first = first_step(client)
    assert "ثانیه" in told(client.post(RESEND))[-1]
    let_pass(timedelta(seconds=61))
    assert told(client.post(RESEND))[-1] == code_texts.sentence("code_sent_again")
    assert len(texts_on(MOBILE)) == 2
    assert type_code(client, first).status_code == 302


def test_the_session_holds_no_secret_and_its_key_is_fresh_at_each_step(client, careful_user) -> None:
    session = client.session
    session["draft"] = "of step one"
    session.save()
    keys = [client.cookies["sessionid"].value]
    code = first_step(client)
    keys.append(client.cookies["sessionid"].value)
    kept = str(dict(client.session.items()))
    for secret in (REZA, PASSWORD, code, MOBILE[1:], careful_user.password):
        assert secret not in kept
    type_code(client, code)
    keys.append(client.cookies["sessionid"].value)
    assert len(set(keys)) == 3
    assert not Session.objects.filter(session_key=keys[0]).exists()
    assert not remembered(client)


def test_a_lost_answer_is_given_again_and_then_the_code_is_used(client, careful_user) -> None:
    code = first_step(client)
    waiting = client.cookies["sessionid"].value
    late = Client()
    late.cookies["sessionid"] = waiting
    assert type_code(client, code).status_code == type_code(late, code).status_code == 302
    assert signed_in(client)
    assert signed_in(late)
    OneTimeCode.objects.update(used_at=timezone.now() - limits.CODE_RETRY_GRACE - timedelta(seconds=1))
    late.cookies["sessionid"] = waiting
    assert "پایان رسیده" in errors(type_code(late, code))[0]


def test_a_double_click_on_the_password_is_one_asker(careful_user) -> None:
    first, second = Client(), Client()  # the same browser: neither answer has arrived yet
    first.get(PAGE)
    second.cookies["csrftoken"] = first.cookies["csrftoken"].value
    code = first_step(first)
    sign_in(second)
    assert type_code(second, code).status_code == 302
    assert signed_in(second)


def test_two_tabs_of_two_people_at_one_browser_are_told_apart(client, careful_user) -> None:
    User.objects.filter(pk=citizen(national_id=UNKNOWN, mobile="+989121234568").pk).update(code_at_sign_in=True)
    code = first_step(client)
    page = client.get(CODE).context["form"]["page"].value()
    sign_in(client, UNKNOWN)
    response = type_code(client, code, page=page)
    assert told(response) == [sign_in_texts.sentence("other_tab")]
    assert client.get(CODE).context["form"]["page"].value() != page
    assert not signed_in(client)


def test_the_last_thing_begun_is_what_waits(client, careful_user) -> None:
    ask_for_code(client)
    let_pass(timedelta(seconds=61))
    code = first_step(client)
    assert remembered(client) == {"sign_in_second"}
    assert type_code(client, code)["Location"] == HOME


def test_a_registration_under_way_survives_both_steps(careful_user) -> None:
    family = Browser()
    family.confirm()
    type_code(family, first_step(family))
    assert signed_in(family)
    assert 'value="identity"' in family.get("/portal/registration").content.decode()


def test_a_stranger_who_uses_up_the_codes_of_the_number_holds_no_code_of_the_second_step_back(careful_user) -> None:
    """The owner's code comes at once, although a stranger has just had one sent, and the day's are used up."""
    for _ in range(limits.CODES_PER_DAY):
        let_pass(timedelta(hours=1, minutes=1))
        ask_for_code(Client())
    strangers = OneTimeCode.objects.filter(purpose=CodePurpose.SIGN_IN, message__isnull=False)
    assert strangers.count() == limits.CODES_PER_DAY
    client = Client()
    assert sign_in(client)["Location"] == CODE
    assert type_code(client, code_on(MOBILE)).status_code == 302
    assert signed_in(client)
