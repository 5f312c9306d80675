"""Two machines use one code, or one refresh token, at the same instant (PostgreSQL)."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction
from joserfc import jwk

from accounts.models import Session
from accounts.sessions import standing
from openid import connections
from openid.models import AuthMethod, EndReason, Grant, Token
from tests.support import openid
from tests.support.accounts import citizen, together
from tests.support.openid import assertion, exchange_by_key
from tests.support.openid_browser import signed_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time"),
]
MACHINES = 4


def answers_of(results) -> list[str]:
    assert not [result for result in results if isinstance(result, Exception)], results
    return sorted(result.json().get("error", "tokens") for result in results)


def test_a_refresh_token_used_by_machines_at_once_ends_the_family():
    service, account = openid.service(), citizen()
    for _round in range(5):
        first = openid.tokens(service, account)

        results = together(lambda _number, token=first["refresh_token"]: service.refresh(token), MACHINES)

        assert answers_of(results) == ["invalid_grant"] * (MACHINES - 1) + ["tokens"]
        won = next(result.json() for result in results if result.status_code == 200)
        for token in (first["access_token"], won["access_token"], won["refresh_token"]):
            assert not openid.is_active(service, token)
        grant = Grant.objects.order_by("pk").last()
        assert grant.end_reason == EndReason.REPLAYED
        assert grant.tokens.count() == 4  # nothing is kept of those that lost


def test_a_code_used_by_machines_at_once_gives_tokens_once_and_they_end():
    service, account = openid.service(), citizen()
    for _round in range(5):
        Token.objects.all().delete()
        code = openid.code(service, account)

        results = together(lambda _number, code=code: service.exchange(code), MACHINES)

        assert answers_of(results) == ["invalid_grant"] * (MACHINES - 1) + ["tokens"]
        won = next(result.json() for result in results if result.status_code == 200)
        assert Token.objects.count() == 2
        assert not openid.is_active(service, won["access_token"])


def test_an_assertion_used_by_machines_at_once_proves_one():
    key = jwk.ECKey.generate_key("P-256", {"kid": "its-key"})
    service, account = openid.service(method=AuthMethod.KEY, jwks={"keys": [key.as_dict(private=False)]}), citizen()
    proof = assertion(service, key)
    codes = [openid.code(service, account) for _number in range(MACHINES)]

    results = together(lambda number: exchange_by_key(service, codes[number], proof), MACHINES)

    assert answers_of(results) == ["invalid_client"] * (MACHINES - 1) + ["tokens"]


@pytest.mark.parametrize("end", [EndReason.SIGNED_OUT, EndReason.DISCONNECTED])
def test_an_end_at_the_instant_of_a_code_ends_what_came_of_it(end: EndReason):
    service, account = openid.service(), citizen()
    browser = signed_in(account)
    openid.tokens(service, account)
    Grant.objects.all().delete()
    session, over = Session.objects.get(account=account), threading.Event()

    def leave() -> None:
        if end == EndReason.SIGNED_OUT:
            browser.post("/portal/sign-out")
        else:
            connections.disconnect(account=account, client_id=service.client_id, browser="")
        over.set()
        connection.close()

    leaving = threading.Thread(target=leave)
    with transaction.atomic():
        standing.open_account_of(account=account, session_key=session.session_key)
        leaving.start()
        assert not over.wait(1)
        openid.code(service, account, portal_sid=session.portal_sid)
    leaving.join(20)

    assert Session.objects.filter(account=account).exists() is (end == EndReason.DISCONNECTED)
    assert list(Grant.objects.values_list("end_reason", flat=True)) == [end]
