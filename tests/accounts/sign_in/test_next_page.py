"""Where the person wanted to go survives every way through the sign-in: a service waits there with its request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import escape, unescape
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse

from accounts import owner_checks
from accounts.models import Session
from accounts.sign_in import destinations
from common import limits
from tests.support import recoveries
from tests.support.accounts import PASSWORD, REZA
from tests.support.entrances import (
    BY_CODE,
    CODE,
    MOBILE,
    PAGE,
    RESEND,
    WRONG,
    ask_for_code,
    first_step,
    pause_everybody,
    sign_in,
    signed_in,
)
from tests.support.journeys import code_on
from tests.support.recoveries import ANSWER, NEW

pytestmark = pytest.mark.django_db(transaction=True)
NEXT = "/openid/authorize?request=Ab-9_x&x=1"
QUERY = f"?next={quote(NEXT, safe='')}"


@pytest.fixture
def service() -> Iterator[None]:
    def name_of(page: str) -> str:
        return "سوابق بیمه" if page == NEXT else ""

    destinations.register(name_of)
    yield
    destinations.unregister(name_of)


def leads_on(response: Any, to: str) -> str:
    """The redirect goes to this page and carries the way on; its whole address."""
    assert response.status_code == 302, response.content.decode()
    address = urlsplit(response["Location"])
    assert address.path == to
    assert parse_qs(address.query) == {"next": [NEXT]}
    return str(response["Location"])


def ways(page: str, to: str) -> list[str]:
    """Every address of the page `to` on this page, in links and forms."""
    page = re.sub(r'<form[^>]*method="get".*?</form>', "", page, flags=re.DOTALL)  # these carry it in a field
    found = re.findall(r'(?:href|action|data-leave|data-renew)="([^"]+)"', page)
    return [unescape(address) for address in found if urlsplit(unescape(address)).path == to]


def assert_carried(response: Any, *pages: str) -> None:
    """Each of these pages is to be found on the page, and every address of it carries the way on."""
    html = response.content.decode()
    for to in pages:
        addresses = ways(html, to)
        assert addresses, to
        for address in addresses:
            assert parse_qs(urlsplit(address).query) == {"next": [NEXT]}, address


def test_a_wrong_password_then_the_right_one(client, user, service) -> None:
    page = client.get(PAGE + QUERY)
    assert "«سوابق بیمه»" in page.content.decode()
    assert_carried(page, reverse("recovery"), BY_CODE)
    wrong = client.post(PAGE + QUERY, {"national_id": REZA, "password": WRONG})
    assert wrong.status_code == 200
    assert_carried(wrong, reverse("recovery"), BY_CODE)
    right = client.post(PAGE + QUERY, {"national_id": REZA, "password": PASSWORD})
    assert (right.status_code, right["Location"]) == (302, NEXT)


def test_without_a_service_nothing_is_said_or_carried(client, user, service) -> None:
    page = client.get(PAGE).content.decode()
    assert "«سوابق بیمه»" not in page
    assert "next=" not in page


def test_a_pause_and_the_way_by_code(client, user) -> None:
    pause_everybody()
    paused = client.post(PAGE + QUERY, {"national_id": REZA, "password": PASSWORD})
    assert paused.status_code == 429
    assert_carried(paused, BY_CODE)
    ask_for_code(client, next=NEXT)
    code_page = client.get(CODE)
    assert_carried(code_page, CODE, RESEND, PAGE)
    leads_on(client.post(RESEND), CODE)
    back = client.post(CODE + QUERY, {"code": code_on(MOBILE)})
    leads_on(back, PAGE)
    assert sign_in(client, next=NEXT)["Location"] == NEXT


def test_the_page_of_the_way_by_code_carries_it(client, user) -> None:
    assert_carried(client.get(BY_CODE + QUERY), BY_CODE, PAGE)
    leads_on(client.post(BY_CODE + QUERY, {"national_id": REZA}), CODE)


def test_the_second_step(client, careful_user) -> None:
    response = client.post(PAGE + QUERY, {"national_id": REZA, "password": PASSWORD})
    page = client.get(leads_on(response, CODE))
    assert_carried(page, CODE, RESEND, PAGE)
    look = re.findall(r'<form[^>]*method="get".*?</form>', page.content.decode(), re.DOTALL)
    assert [f'name="next" value="{escape(NEXT)}"' in form for form in look] == [True]
    leads_on(client.post(RESEND + QUERY), CODE)
    response = client.post(CODE + QUERY, {"code": code_on(MOBILE)})
    assert response["Location"] == NEXT
    assert signed_in(client)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("page", [CODE, RESEND])
def test_a_second_step_whose_session_is_over(client, careful_user, page, method) -> None:
    code = first_step(client, next=NEXT)
    Session.objects.update(seen_at=F("seen_at") - limits.SESSION_IDLE - timedelta(seconds=1))
    if (page, method) != (RESEND, "get"):
        leads_on(getattr(client, method)(page + QUERY, {"code": code} if method == "post" else {}), PAGE)


def test_a_double_click_on_the_sign_in(user) -> None:
    """The second press comes with the session of the first."""
    client = Client()
    typed = {"national_id": REZA, "password": PASSWORD}
    assert [client.post(PAGE + QUERY, typed)["Location"] for _press in range(2)] == [NEXT] * 2
    assert client.get(PAGE + QUERY)["Location"] == NEXT


def test_a_recovery_leads_back_to_the_sign_in_and_on(client) -> None:
    recoveries.account_of()
    person = recoveries.REZA

    def step(name: str, **typed: str) -> Any:
        return client.post(reverse(name) + QUERY, typed)

    first = client.get(reverse("recovery") + QUERY)
    assert_carried(first, reverse("recovery"), reverse("recovery_branch"), PAGE)
    leads_on(step("recovery", national_id=person.national_id), reverse("recovery_code"))
    recoveries.challenges.send_due()
    page = client.get(reverse("recovery_code") + QUERY)
    assert_carried(page, reverse("recovery_code"), reverse("recovery_resend"), reverse("recovery"))
    leads_on(step("recovery_resend"), reverse("recovery_code"))
    leads_on(step("recovery_code", code=code_on(person.mobile)), reverse("recovery_answer"))
    assert_carried(client.get(reverse("recovery_answer") + QUERY), reverse("recovery_answer"))
    leads_on(step("recovery_answer", answer=ANSWER), reverse("recovery_wait"))
    assert_carried(client.get(reverse("recovery_wait") + QUERY), reverse("recovery_waiting"))
    owner_checks.check_due()
    assert_carried(client.get(reverse("recovery_waiting") + QUERY), reverse("recovery_password"))
    leads_on(client.get(reverse("recovery_wait") + QUERY), reverse("recovery_password"))
    assert_carried(client.get(reverse("recovery_password") + QUERY), reverse("recovery_password"))
    done = step("recovery_password", password=NEW, password_again=NEW)
    leads_on(done, PAGE)
    again = client.post(PAGE + QUERY, {"national_id": person.national_id, "password": NEW})
    assert again["Location"] == NEXT


def test_a_recovery_whose_session_is_over(client) -> None:
    leads_on(client.post(reverse("recovery_code") + QUERY, {"code": "123456"}), reverse("recovery"))
    assert_carried(client.get(reverse("recovery_branch") + QUERY), PAGE, reverse("recovery"))


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:x"])
def test_no_other_site_is_carried(client, user, elsewhere) -> None:
    query = f"?next={quote(elsewhere, safe='')}"
    for page in (PAGE, BY_CODE, reverse("recovery")):
        assert "evil" not in client.get(page + query).content.decode()
        assert "javascript:" not in client.get(page + query).content.decode()
    response = client.post(BY_CODE + query, {"national_id": REZA})
    assert response["Location"] == CODE
    assert client.post(PAGE + query, {"national_id": REZA, "password": PASSWORD})["Location"] == "/portal/home"
