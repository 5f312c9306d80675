"""The request waits while its citizen is on the pages in between: for an hour, in its own browser, and once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User
from common import limits
from openid.models import AuthorizationRequest, Grant
from tests.support import openid
from tests.support.accounts import PASSWORD, REZA
from tests.support.openid_browser import (
    AUTHORIZE,
    age_sign_in,
    ask,
    handed_over,
    let_requests_pass,
    redirected,
    sign_in,
    signed_in,
    suspend,
    waits_at,
)
from tests.support.pages import text_of
from tests.support.session_rows import let_pass

pytestmark = pytest.mark.django_db


def test_two_tabs_with_two_services_each_get_their_own_answer(user: User):
    client, one, other = Client(), openid.service(), openid.service(name="نوبت‌دهی")
    first = waits_at(ask(client, one, state="of-one"))
    second = waits_at(ask(client, other, state="of-the-other"))
    sign_in(client, user)

    answers = [handed_over(client.get(page)) for page in (second, first)]

    assert [answer["state"] for answer in answers] == ["of-the-other", "of-one"]
    assert other.exchange(answers[0]["code"]).status_code == 200
    assert one.exchange(answers[1]["code"]).status_code == 200


def test_it_goes_on_after_a_sign_out_by_idleness(user: User):
    service = openid.service()
    client = signed_in(user)
    age_sign_in(client)
    page = waits_at(ask(client, service, prompt="login"))
    let_pass(limits.SESSION_IDLE + timedelta(seconds=1))

    to_sign_in = client.get(page)

    assert to_sign_in["Location"].startswith("/portal/?next=")
    after = sign_in(client, user, to_sign_in["Location"])
    answer = handed_over(client.get(after["Location"]))
    assert answer["state"] == "state-1"
    assert service.exchange(answer["code"]).status_code == 200


def test_past_its_time_only_the_service_is_remembered(user: User):
    service = openid.service(initiate_login_uri="https://service.example.ir/start?by=portal")
    client = Client()
    page = waits_at(ask(client, service))
    let_requests_pass(limits.OPENID_REQUEST + timedelta(seconds=1))
    sign_in(client, user)

    response = client.get(page)

    assert response.status_code == 410
    shown = response.content.decode()
    assert "https://service.example.ir/start?by=portal&amp;iss=http" in shown
    assert service.row.name in text_of(shown)
    assert "state-1" not in shown
    assert not Grant.objects.exists()


def test_without_such_an_address_the_way_back_is_the_home_page():
    service = openid.service(home_page="https://service.example.ir/")
    page = waits_at(ask(Client(), service))

    assert 'href="https://service.example.ir/"' in Client().get(page).content.decode()


def test_in_another_browser_with_the_same_citizen_it_does_not_go_on(user: User):
    page = waits_at(ask(Client(), openid.service()))

    response = signed_in(user).get(page)

    assert response.status_code == 410
    assert not Grant.objects.exists()


def test_a_stranger_cannot_plant_a_request_in_the_citizens_browser(user: User):
    """Login CSRF: the attacker's request, whose code would sign the citizen in to the attacker's flow."""
    attacker, citizen = Client(), signed_in(user)
    page = waits_at(ask(attacker, openid.service(), state="of-the-attacker"))

    assert citizen.get(page).status_code == 410
    assert citizen.post(page, {"said": "agree", "page": ""}).status_code == 410
    assert not Grant.objects.exists()


def test_a_double_click_is_answered_twice_and_later_not_at_all(user: User):
    service, client = openid.service(), Client()
    page = waits_at(ask(client, service))
    sign_in(client, user)

    first, second = handed_over(client.get(page)), handed_over(client.get(page))

    assert first["code"] != second["code"]
    assert service.exchange(second["code"]).status_code == 200
    let_requests_pass(limits.OPENID_ANSWER_AGAIN)
    assert client.get(page).status_code == 410


def test_the_sign_in_names_the_service_and_no_other():
    service, client = openid.service(name="نوبت‌دهی"), Client()
    to_sign_in = ask(client, service)["Location"]

    assert "برای ادامه در «نوبت‌دهی» وارد شوید" in text_of(client.get(to_sign_in).content.decode())
    for page in ("/portal/", "/portal/?next=/openid/authorize/x", "/portal/?next=https://evil.example/"):
        assert "برای ادامه در" not in text_of(client.get(page).content.decode())
    suspend(service)
    assert "نوبت‌دهی" not in client.get(to_sign_in).content.decode()


def test_the_sign_in_leads_on_to_no_other_site(user: User):
    for address in ("https://evil.example/", "//evil.example/", "/\\evil.example/", "https:evil.example"):
        assert sign_in(Client(), user, f"/portal/?next={address}")["Location"] == "/portal/home"


def test_the_sign_in_itself_takes_no_other_sites_form(user: User):
    """CSRF of the sign-in: nobody is signed in as the attacker in the middle of a request."""
    client = Client(enforce_csrf_checks=True)
    page = ask(client, openid.service())["Location"]

    assert client.post(page, {"national_id": REZA, "password": PASSWORD}).status_code == 403


def test_an_unknown_handle_is_no_request():
    for handle in ("x", "x" * 43, "ی" * 43, "%00" * 43):
        assert Client().get(f"{AUTHORIZE}/{handle}").status_code == 404


def test_a_service_suspended_meanwhile_gets_no_answer(user: User):
    service, client = openid.service(), Client()
    page = waits_at(ask(client, service))
    sign_in(client, user)
    suspend(service)

    response = client.get(page)

    assert response.status_code == 400
    assert "این سرویس فعلاً بسته است" in response.content.decode()
    assert not Grant.objects.exists()


def test_a_citizen_frozen_meanwhile_is_asked_to_sign_in(user: User):
    service, client = openid.service(), Client()
    page = waits_at(ask(client, service))
    sign_in(client, user)
    User.objects.filter(pk=user.pk).update(is_active=False)

    assert client.get(page)["Location"].startswith("/portal/?next=")
    assert not Grant.objects.exists()


def test_a_session_ended_at_this_moment_gets_no_code(user: User, monkeypatch: pytest.MonkeyPatch):
    """The page was loaded with the session, which another device ends before the code is made."""
    from accounts.models import Session
    from openid.authorize import flow

    real = flow.next_of

    def ended_meanwhile(request, checked):
        step = real(request, checked)
        Session.objects.all().delete()
        return step

    monkeypatch.setattr(flow, "next_of", ended_meanwhile)

    response = ask(signed_in(user), openid.service())

    assert response.status_code == 302
    assert not Grant.objects.exists()


def test_what_a_service_posts_is_taken_and_waits_for_the_browser(user: User):
    service, client = openid.service(), signed_in(user)

    posted = Client().post(AUTHORIZE, openid.asked(service))  # its cookies are not sent with another site's form

    assert posted.status_code == 303
    assert "state-1" not in posted["Location"]
    answer = handed_over(client.get(posted["Location"]))
    assert answer["state"] == "state-1"
    assert service.exchange(answer["code"]).status_code == 200
    assert signed_in(user).get(posted["Location"]).status_code == 410  # it belongs to the first browser


def test_strangers_cannot_fill_the_table_with_requests_that_wait(monkeypatch: pytest.MonkeyPatch, user: User):
    monkeypatch.setattr(limits, "OPENID_KEPT_PER_ADDRESS", 0)
    service = openid.service()

    refused = ask(Client(), service)

    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60
    assert not AuthorizationRequest.objects.exists()
    assert "code" in redirected(ask(signed_in(user), service))  # nothing is kept of it


def test_a_request_that_is_too_long_is_neither_kept_nor_repeated():
    service = openid.service()

    refused = Client().post(AUTHORIZE, openid.asked(service, state="x" * limits.OPENID_REQUEST_LONGEST))

    assert refused.status_code == 400
    assert "xxx" not in refused.content.decode()
    assert not AuthorizationRequest.objects.exists()


def test_a_hinted_national_id_is_kept_as_a_hash_and_never_shown(user: User, caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    client = Client()

    page = client.post(AUTHORIZE, openid.asked(openid.service(), login_hint="۰۰۱۲۳۴۵۶۷۹"))["Location"]
    to_sign_in = client.get(page)
    shown = client.get(to_sign_in["Location"]).content.decode()

    assert REZA not in page + to_sign_in["Location"] + shown + caplog.text
    assert REZA not in str(AuthorizationRequest.objects.values())
    sign_in(client, user, to_sign_in["Location"])
    assert "code" in handed_over(client.get(page))


def test_the_cookie_of_the_browser_is_no_scripts_and_only_ours():
    client = Client()
    ask(client, openid.service())

    cookie = client.cookies[settings.COOKIE_PREFIX + "openid"]

    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert not cookie["domain"]
    assert cookie.value not in str(AuthorizationRequest.objects.values())


def test_who_prefers_another_language_than_the_service_keeps_it():
    service = openid.service()
    fresh, chosen = Client(), Client()
    chosen.cookies[settings.LANGUAGE_COOKIE_NAME] = "fa"

    for client in (fresh, chosen):
        ask(client, service, ui_locales="xx en fa")

    assert fresh.cookies[settings.LANGUAGE_COOKIE_NAME].value == "en"
    assert chosen.cookies[settings.LANGUAGE_COOKIE_NAME].value == "fa"


def test_the_citizen_of_another_account_at_this_browser_is_asked_who_goes_on(user: User):
    redirect = ask(signed_in(user), openid.service(), login_hint="s" * 43)
    assert redirect["Location"].startswith(AUTHORIZE + "/")
    silent = ask(signed_in(user), openid.service(), login_hint="s" * 43, prompt="none")
    assert redirected(silent)["error"] == "login_required"
