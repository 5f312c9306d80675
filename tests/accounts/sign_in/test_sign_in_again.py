"""A signed-in citizen proves to be there still, by the password or by a code, because a service wants to be surer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client

from accounts.closing import service as closing
from accounts.codes import texts as code_texts
from accounts.models import OneTimeCode, Session, User
from accounts.sign_in import destinations
from accounts.sign_in import texts as sign_in_texts
from common import limits
from sms.models import Message
from tests.support.accounts import PASSWORD, REZA, citizen, together
from tests.support.endings import facts, listening, name
from tests.support.entrances import MOBILE, OUT, PAGE, WRONG, another, errors, sign_in, signed_in
from tests.support.journeys import code_on
from tests.support.pages import assert_fits_the_policy
from tests.support.session_rows import let_pass

pytestmark = pytest.mark.django_db(transaction=True)
NEXT = "/openid/authorize?request=abc&x=1"
AGAIN, SEND, ANOTHER = "/portal/sign-in/again", "/portal/sign-in/again/send", "/portal/sign-in/as-another"
BY_PASSWORD = f"{AGAIN}?need=password&next={quote(NEXT, safe='')}"
BY_CODE = f"{AGAIN}?need=code&next={quote(NEXT, safe='')}"
BY_BOTH = f"{AGAIN}?need=password&need=code&next={quote(NEXT, safe='')}"


@pytest.fixture
def here(user: User) -> Client:
    """The citizen's browser, in which the password was typed some minutes ago."""
    client = Client()
    sign_in(client)
    age(client)
    return client


@pytest.fixture
def reached() -> Iterator[str]:
    def name_of(page: str) -> str:
        return "سوابق بیمه" if page.startswith("/openid/") else ""

    destinations.register(name_of)
    yield "سوابق بیمه"
    destinations.unregister(name_of)


def age(client: Client) -> None:
    """The password was typed ten minutes ago."""
    row = Session.objects.get(session_key=client.cookies["sessionid"].value)
    data = row.get_decoded()
    data["password_at"] -= 600
    Session.objects.filter(pk=row.pk).update(session_data=row.get_session_store_class()().encode(data))


def typed_at(client: Client) -> datetime:
    found = facts(client)
    assert found
    return found.password_at


def code_at(client: Client) -> datetime | None:
    found = facts(client)
    assert found
    return found.code_at


def asked_code(client: Client, page: str = BY_CODE) -> str:
    response = client.post(page.replace(AGAIN, SEND))
    assert response["Location"].startswith(AGAIN)
    return code_on(MOBILE)


def test_the_password_again_leads_on_and_counts_as_typed_now(here) -> None:
    before, sid, key = typed_at(here), name(here), here.cookies["sessionid"].value
    page = here.get(BY_PASSWORD)
    assert page["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    assert_fits_the_policy(page.content.decode())
    response = here.post(BY_PASSWORD, {"password": PASSWORD})
    assert (response.status_code, response["Location"]) == (302, NEXT)
    assert typed_at(here) - before > timedelta(minutes=9)
    assert name(here) == sid
    assert here.cookies["sessionid"].value != key
    assert code_at(here) is None


def test_a_wrong_password_changes_nothing_and_is_followed_by_pauses(here) -> None:
    before = typed_at(here)
    response = here.post(BY_PASSWORD, {"password": WRONG})
    assert errors(response) == [sign_in_texts.sentence("password_wrong")]
    assert quote(NEXT, safe="") in response.content.decode()
    while response.status_code == 200:
        response = here.post(BY_PASSWORD, {"password": WRONG})
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert here.post(BY_PASSWORD, {"password": PASSWORD}).status_code == 429
    assert typed_at(here) == before
    # The profile counts in the same place, and another session of the owner does not wait.
    wanted = {"current_password": PASSWORD, "on": "on"}
    assert here.post("/portal/profile/sign-in-code", wanted).status_code == 429
    elsewhere = Client()
    assert sign_in(elsewhere).status_code == 302
    assert elsewhere.post(BY_PASSWORD, {"password": PASSWORD}).status_code == 302


def test_a_code_is_sent_by_a_button_only_and_leads_on(here) -> None:
    page = here.get(BY_CODE).content.decode()
    assert_fits_the_policy(page)
    assert not Message.objects.exists()
    assert not OneTimeCode.objects.exists()
    assert 'name="code"' not in page
    code = asked_code(here)
    assert 'name="code"' in here.get(BY_CODE).content.decode()
    response = here.post(BY_CODE, {"code": another(code)})
    assert errors(response) == [code_texts.sentence("code_wrong")]
    assert code_at(here) is None
    sid = name(here)
    response = here.post(BY_CODE, {"code": code})
    assert (response.status_code, response["Location"]) == (302, NEXT)
    assert code_at(here)
    assert name(here) == sid
    assert 'name="code"' not in here.get(BY_CODE).content.decode()  # the next time another code is needed


def test_a_code_of_this_session_is_no_use_to_another_one(here) -> None:
    code = asked_code(here)
    elsewhere = Client()
    sign_in(elsewhere)
    response = elsewhere.post(BY_CODE, {"code": code})
    assert response.status_code == 200
    assert code_at(elsewhere) is None


def test_the_tries_of_a_code_are_counted(here) -> None:
    code = asked_code(here)
    for _try in range(limits.CODE_TRIES):
        here.post(BY_CODE, {"code": another(code)})
    response = here.post(BY_CODE, {"code": code})
    assert errors(response) == [code_texts.sentence("code_tries")]
    assert code_at(here) is None


def test_a_second_code_within_a_minute_is_no_sms(here) -> None:
    asked_code(here)
    here.post(BY_CODE.replace(AGAIN, SEND))
    assert Message.objects.count() == 1


def test_both_one_after_the_other(here) -> None:
    response = here.post(BY_BOTH, {"password": PASSWORD})
    assert response["Location"] == BY_CODE
    response = here.post(BY_CODE, {"code": asked_code(here)})
    assert response["Location"] == NEXT


def test_the_service_is_named(here, reached) -> None:
    for page in (BY_PASSWORD, BY_CODE):
        assert f"«{reached}»" in here.get(page).content.decode()
    assert f"«{reached}»" not in here.get(f"{AGAIN}?need=password&next=/portal/home").content.decode()


@pytest.mark.parametrize("page", [BY_PASSWORD, BY_CODE])
def test_a_double_click_leads_on_twice(here, page) -> None:
    code = asked_code(here) if page == BY_CODE else ""
    typed = {"password": PASSWORD, "code": code}
    key = here.cookies["sessionid"].value

    def press(_number: int) -> tuple[int, str]:
        client = Client()
        client.cookies["sessionid"] = key
        response = client.post(page, typed)
        return response.status_code, response["Location"]

    if connection.vendor == "postgresql":
        assert together(press, 2) == [(302, NEXT)] * 2
    else:
        assert [press(1), press(2)] == [(302, NEXT)] * 2
    assert Session.objects.filter(account__national_id=REZA).count() == 1


def test_two_tabs(here) -> None:
    """The second tab sends what the first one has proven already; it leads on too."""
    code = asked_code(here)
    assert here.post(BY_CODE, {"code": code})["Location"] == NEXT
    assert here.post(BY_CODE, {"code": code})["Location"] == NEXT
    assert here.post(BY_PASSWORD, {"password": PASSWORD})["Location"] == NEXT
    assert signed_in(here)


def test_a_tab_of_another_person_proves_nothing_for_the_one_who_is_here_now(user) -> None:
    browser = Client(enforce_csrf_checks=True)

    def token(page: str) -> str:
        return browser.get(page).content.decode().partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]

    citizen(national_id="0023456787", mobile="+989121234568", password="Chatr4mesvak!")
    sign_in(browser, csrfmiddlewaretoken=token(PAGE))
    old = token(BY_PASSWORD)
    browser.post(OUT, {"csrfmiddlewaretoken": old})
    sign_in(browser, "0023456787", "Chatr4mesvak!", csrfmiddlewaretoken=token(PAGE))
    before = typed_at(browser)
    response = browser.post(BY_PASSWORD, {"password": "Chatr4mesvak!", "csrfmiddlewaretoken": old})
    assert response.status_code != 302
    assert typed_at(browser) == before


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("page", [BY_PASSWORD, BY_CODE])
def test_a_session_that_is_over_goes_to_the_page_that_knows_what_it_needs(here, page, method) -> None:
    let_pass(limits.SESSION_IDLE + timedelta(seconds=1))
    response = getattr(here, method)(page, {"password": PASSWORD, "code": "123456"} if method == "post" else {})
    assert (response.status_code, response["Location"]) == (302, NEXT)


def test_never_to_itself(client) -> None:
    page = f"{AGAIN}?need=password&next={quote(BY_PASSWORD, safe='')}"
    assert client.get(page)["Location"] == "/portal/home"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
def test_no_other_site_is_led_to(here, elsewhere) -> None:
    response = here.post(f"{AGAIN}?need=password&next={quote(elsewhere, safe='')}", {"password": PASSWORD})
    assert response["Location"] == "/portal/home"
    response = here.post(ANOTHER, {"next": elsewhere})
    assert response["Location"] == f"{PAGE}?next=/portal/home"


@pytest.mark.parametrize("page", [BY_PASSWORD, BY_CODE])
def test_frozen_meanwhile(here, user, page, monkeypatch) -> None:
    """Between the check and its effect: the account is closed while the password is being compared."""
    code = asked_code(here) if page == BY_CODE else ""

    def freeze(*_args: object, **_options: object) -> None:
        closing.deactivate(account=user, by="boss", reason="x")

    if page == BY_PASSWORD:
        from accounts.sign_in import access

        check = access.check_password

        def checked(*given: str) -> bool:
            freeze()
            return check(*given)

        monkeypatch.setattr(access, "check_password", checked)
    else:
        from accounts.sign_in import service

        try_code = service.trying.try_code

        def tried(**given: object) -> object:
            found = try_code(**given)
            freeze()
            return found

        monkeypatch.setattr(service.trying, "try_code", tried)
    response = here.post(page, {"password": PASSWORD, "code": code})
    assert (response.status_code, response["Location"]) == (302, NEXT)
    assert not signed_in(here)


def test_another_person_ends_the_session_and_comes_back_to_the_service(here, user) -> None:
    sid = name(here)
    with listening() as told:
        response = here.post(ANOTHER, {"next": NEXT})
    assert response["Location"] == f"{PAGE}?next={quote(NEXT)}"
    assert told == [(user.pk, [sid], "signed_out", "")]
    assert sign_in(here, next=NEXT)["Location"] == NEXT
    assert here.get(ANOTHER).status_code == 405


def test_nothing_needed_leads_on(here) -> None:
    assert here.get(f"{AGAIN}?next={quote(NEXT, safe='')}")["Location"] == NEXT
