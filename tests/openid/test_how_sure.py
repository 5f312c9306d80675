"""How sure and how fresh a sign-in has to be: prompt, max_age, acr_values, and who goes on."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from accounts.models import User
from common import limits
from openid.models import AuthorizationRequest, Grant, Level
from openid.subjects import subject_of
from tests.support import openid
from tests.support.accounts import PASSWORD, citizen
from tests.support.openid_browser import (
    AUTHORIZE,
    PAR,
    age_sign_in,
    ask,
    handed_over,
    let_requests_pass,
    press,
    redirected,
    sign_in,
    signed_in,
    waits_at,
    with_code,
)
from tests.support.pages import text_of

pytestmark = pytest.mark.django_db
AGAIN = "/portal/sign-in/again"


@pytest.fixture
def here(user: User) -> Client:
    """The citizen's browser, in which the password was typed ten minutes ago."""
    client = signed_in(user)
    age_sign_in(client)
    return client


def need(response) -> list[str]:
    """What the page of accounts is to ask for."""
    address = urlsplit(response["Location"])
    assert address.path == AGAIN, response["Location"]
    return parse_qs(address.query)["need"]


def test_login_asks_for_the_password_again_and_comes_back(here: Client):
    service = openid.service()

    response = ask(here, service, prompt="login")

    assert need(response) == ["password"]
    after = here.post(response["Location"], {"password": PASSWORD})
    assert after["Location"] == waits_at(response)
    assert service.exchange(handed_over(here.get(after["Location"]))["code"]).status_code == 200


def test_login_is_not_asked_twice_of_who_signs_in_for_it(user: User):
    client = Client()
    to_sign_in = ask(client, openid.service(), prompt="login")

    after = sign_in(client, user, to_sign_in["Location"])

    assert "code" in handed_over(client.get(after["Location"]))


def test_a_request_that_somebody_left_in_the_browser_counts_no_old_sign_in(user: User):
    """At a computer that many use: the request came first, then the citizen, and the first one comes back."""
    client, service = Client(), openid.service()
    page = waits_at(ask(client, service, prompt="login"))
    sign_in(client, user)
    past = limits.OPENID_PROOF_COUNTS + timedelta(seconds=1)
    let_requests_pass(past)
    age_sign_in(client, past)

    assert need(client.get(page)) == ["password"]


def test_a_sign_in_before_a_pushed_request_is_brought_is_not_for_it(user: User):
    client, service = Client(), openid.service()
    uri = service.post(PAR, **openid.asked(service, prompt="login")).json()["request_uri"]
    sign_in(client, user)

    response = client.get(AUTHORIZE, {"client_id": service.client_id, "request_uri": uri})

    assert need(response) == ["password"]


@pytest.mark.parametrize(("seconds", "is_asked"), [("0", True), ("599", True), ("601", False), ("9999999999", False)])
def test_a_sign_in_may_be_so_old(here: Client, seconds: str, is_asked: bool):
    response = ask(here, openid.service(), max_age=seconds)

    if is_asked:
        assert need(response) == ["password"]
        assert redirected(ask(here, openid.service(), max_age=seconds, prompt="none"))["error"] == "login_required"
    else:
        assert "code" in redirected(response)


def test_a_wanted_level_is_reached_by_a_code(here: Client):
    service = openid.service()
    response = ask(here, service, acr_values=f"urn:unknown {Level.CODE} {Level.PASSWORD}")
    assert need(response) == ["code"]
    with_code(here)

    handed_over(here.get(waits_at(response)))

    assert Grant.objects.get().acr == Level.CODE


def test_password_and_code_are_asked_for_together(here: Client):
    assert need(ask(here, openid.service(), prompt="login", acr_values=Level.CODE)) == ["password", "code"]


def test_the_level_that_a_service_requires_is_never_missed(here: Client):
    service = openid.service(required_level=Level.CODE)

    assert need(ask(here, service)) == ["code"]
    assert need(ask(here, service, acr_values=Level.PASSWORD)) == ["code"]
    assert redirected(ask(here, service, prompt="none"))["error"] == "interaction_required"
    with_code(here)
    redirected(ask(here, service, acr_values=Level.PASSWORD))
    assert Grant.objects.get().acr == Level.CODE


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (None, Level.CODE),
        (Level.PASSWORD, Level.PASSWORD),
        (f"{Level.CODE} {Level.PASSWORD}", Level.CODE),
        ("urn:unknown", Level.CODE),
    ],
)
def test_the_level_that_is_told_is_the_first_wanted_one(here: Client, wanted: str | None, told: Level):
    with_code(here)

    redirected(ask(here, openid.service(), acr_values=wanted))

    assert Grant.objects.get().acr == told


def test_an_essential_level_is_asked_for_by_the_claims_parameter_too(here: Client):
    essential = f'{{"id_token": {{"acr": {{"essential": true, "value": "{Level.CODE}"}}}}}}'

    assert need(ask(here, openid.service(), claims=essential)) == ["code"]


def test_none_shows_no_page_and_answers_if_nothing_is_missing(here: Client):
    answer = redirected(ask(here, openid.service(), prompt="none"))

    assert "code" in answer


def test_who_goes_on_is_asked_and_may_go_on(here: Client):
    page = waits_at(ask(here, openid.service(), prompt="select_account"))
    assert "رضا کریمی" in text_of(here.get(page).content.decode())

    assert "code" in handed_over(press(here, page, "me"))


def test_who_chose_is_not_who_is_there_later(here: Client):
    page = waits_at(ask(here, openid.service(), prompt="select_account consent"))
    press(here, page, "me")
    sign_in(here, citizen(national_id="0070001014", mobile="+989120000101"))
    age_sign_in(here, limits.OPENID_PROOF_COUNTS + timedelta(seconds=1))

    assert "چه کسی ادامه می‌دهد؟" in text_of(here.get(page).content.decode())


def test_somebody_else_signs_in_and_goes_on(here: Client):
    other = citizen(national_id="0070001014", mobile="+989120000101")
    page = waits_at(ask(here, openid.service(), prompt="select_account"))

    to_sign_in = press(here, page, "another")

    assert to_sign_in["Location"].startswith("/portal/?next=")
    after = sign_in(here, other, to_sign_in["Location"])
    handed_over(here.get(after["Location"]))
    assert Grant.objects.get().account == other


def test_all_prompts_together_are_asked_one_after_another(here: Client, user: User):
    page = waits_at(ask(here, openid.service(), prompt="select_account login consent"))

    again = press(here, page, "me")
    assert need(again) == ["password"]
    here.post(again["Location"], {"password": PASSWORD})
    assert "code" in handed_over(press(here, page, "agree"))


def test_the_hinted_citizen_goes_on_without_a_page(here: Client, user: User):
    service = openid.service()

    subject = subject_of(account=user, service=service.row)

    assert "code" in redirected(ask(here, service, login_hint=subject))
    assert "code" in redirected(ask(here, service, login_hint=subject, prompt="none"))


class TestIdTokenHint:
    """A service shows an ID token that it was given: it wants to hear of this citizen, and of nobody else."""

    @pytest.fixture
    def service(self) -> openid.Service:
        return openid.service()

    @pytest.fixture
    def mine(self, service: openid.Service, user: User) -> str:
        return openid.tokens(service, user)["id_token"]

    @pytest.fixture
    def anothers(self, service: openid.Service) -> str:
        return openid.tokens(service, citizen(national_id="0070001014", mobile="+989120000101"))["id_token"]

    def test_the_citizen_who_is_meant_goes_on_without_a_page(self, here: Client, service, mine):
        assert "code" in redirected(ask(here, service, id_token_hint=mine, prompt="none"))
        assert "code" in redirected(ask(here, service, id_token_hint=mine))

    def test_another_citizen_is_not_told_of(self, here: Client, service, anothers):
        assert redirected(ask(here, service, id_token_hint=anothers, prompt="none"))["error"] == "login_required"
        page = waits_at(ask(here, service, id_token_hint=anothers))
        assert handed_over(press(here, page, "me"))["error"] == "login_required"

    def test_whoever_signs_in_for_it_has_to_be_the_one(self, user: User, service, mine, anothers):
        for hint, gets in ((anothers, "error"), (mine, "code")):
            client = Client()
            response = ask(client, service, id_token_hint=hint)
            sign_in(client, user, response["Location"])
            assert gets in handed_over(client.get(waits_at(response)))
        kept = str(list(AuthorizationRequest.objects.values_list("parameters", flat=True)))
        assert mine not in kept
        assert anothers not in kept

    def test_what_is_no_id_token_of_this_service_is_refused(self, here: Client, service, mine):
        other = openid.service()
        pushed = service.post("/openid/par", **openid.asked(service, id_token_hint="x.y.z"))
        assert pushed.json()["error"] == "invalid_request"
        for hint in (f"{mine}x", "x", openid.tokens(other, citizen(national_id="0070001014"))["id_token"]):
            assert redirected(ask(here, service, id_token_hint=hint))["error"] == "invalid_request"


def test_offline_access_is_not_needed_and_not_told(user: User):
    service = openid.service()
    told = openid.tokens(service, user, scope="openid offline_access")
    assert told["scope"] == "openid"
    assert service.refresh(told["refresh_token"]).status_code == 200
