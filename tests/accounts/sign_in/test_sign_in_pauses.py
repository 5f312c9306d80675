"""Pauses at the sign-in page: when they begin, what they say, and whom they never hold."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import SignInFailures
from accounts.sign_in import texts as sign_in_texts
from tests.support.accounts import REZA, citizen, spy_on_hashing, together
from tests.support.entrances import UNKNOWN, WRONG, errors, sign_in, signed_in

pytestmark = pytest.mark.django_db


def test_after_four_wrong_passwords_the_page_says_when_to_come_back(client, hashing) -> None:
    citizen()
    answers = [sign_in(client, password=WRONG) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 4
    del hashing[:]
    response = sign_in(client)  # the right one, but too early
    assert response.status_code == 429
    assert response["Retry-After"] == "5"
    assert errors(response) == [sign_in_texts.sentence("sign_in_pause", seconds=5)]
    assert hashing == []
    assert not signed_in(client)


def test_an_unknown_id_is_paused_like_a_known_one(client) -> None:
    citizen()
    for national_id in (REZA, UNKNOWN):
        answers = [sign_in(client, national_id, WRONG).status_code for _ in range(6)]
        assert answers == [200, 200, 200, 200, 429, 429]


def test_a_right_password_after_three_wrong_ones_is_let_in_and_forgets_them(client) -> None:
    citizen()
    for _ in range(3):
        sign_in(client, password=WRONG)
    assert sign_in(client).status_code == 302
    assert not SignInFailures.objects.exists()


def test_after_the_pause_the_right_password_is_let_in(client) -> None:
    citizen()
    for _ in range(4):
        sign_in(client, password=WRONG)
    SignInFailures.objects.update(blocked_until=timezone.now() - dt.timedelta(seconds=1))
    assert sign_in(client).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_twenty_guesses_at_once_four_are_looked_at(monkeypatch) -> None:
    citizen()
    hashing = spy_on_hashing(monkeypatch)
    codes = together(lambda number: sign_in(Client(), password=WRONG).status_code, 20)
    assert sorted(codes) == [200] * 4 + [429] * 16
    assert len(hashing) == 4


def test_the_page_of_a_pause_offers_the_way_by_code_with_what_was_typed(client) -> None:
    citizen()
    for _ in range(5):
        page = sign_in(client, password=WRONG, next="/portal/home?x=1").content.decode()
    offered = page.split('action="/portal/sign-in/by-code?next=%2Fportal%2Fhome%3Fx%3D1"')[1].split("</form>")[0]
    assert f'name="national_id" value="{REZA}"' in offered
    assert 'name="next" value="/portal/home?x=1"' in offered
    assert WRONG not in page


def test_every_sign_in_page_has_a_quiet_link_to_the_way_by_code(client) -> None:
    page = client.get("/portal/", {"next": "/portal/home?x=1&y=2"}).content.decode()
    assert 'href="/portal/sign-in/by-code?next=%2Fportal%2Fhome%3Fx%3D1%26y%3D2"' in page
    assert 'action="/portal/sign-in/by-code' not in page
