"""How many statements the endpoints cost, that large tables do not slow them down, and what the purge leaves."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common import limits, purging
from openid import credentials, granting, requests, sql
from openid.models import AuthMethod, AuthorizationRequest, Grant, Token, UsedAssertion
from openid.protocol.clients import client_of
from openid.tokens import find, find_code
from tests.support import openid
from tests.support.accounts import citizen

pytestmark = pytest.mark.django_db
ENDS = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")


def statements(work) -> list[str]:
    """The statements of `work`, without those that begin and end transactions."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert work().status_code == 200
    return [query["sql"] for query in captured if not query["sql"].startswith(ENDS)]


@pytest.mark.parametrize("method", [AuthMethod.SECRET, AuthMethod.PUBLIC])
def test_few_statements(method):
    service, account = openid.service(method=method), citizen()
    tokens = openid.tokens(service, account)  # the sector is a used one from now on
    code = openid.code(service, account)

    in_one = connection.vendor == "postgresql"  # use it, keep two tokens, let the grant live longer

    assert len(statements(lambda: service.exchange(code))) == (2 if in_one else 3)
    assert len(statements(lambda: service.refresh(tokens["refresh_token"]))) == (2 if in_one else 4)
    assert len(statements(lambda: openid.userinfo(tokens["access_token"]))) == 1
    if method == AuthMethod.SECRET:
        assert len(statements(lambda: service.post(openid.INTROSPECT, token=tokens["access_token"]))) == 1


def test_what_a_prepared_statement_reads_is_what_django_reads():
    service, account = openid.service(jwks={"keys": []}), citizen()
    tokens, code = openid.tokens(service, account), openid.code(service, account, claims='{"userinfo": {"name": null}}')

    handle = requests.keep(service=service.row, parameters={"state": "1"})

    with CaptureQueriesContext(connection) as captured:
        token, grant, asked = find(tokens["access_token"]), find_code(code), requests.find(handle)
        assert client_of(service.client_id).service == service.row
    assert not [query for query in captured if '"logo"' in query["sql"]]  # of up to 32 kB
    of_grant = [(), ("account",), ("service",), ("service", "sector")]
    for found, paths, related in (
        (token, [(), *(("grant", *path) for path in of_grant)], ("grant__account", "grant__service__sector")),
        (grant, of_grant, ("account", "service__sector")),
        (asked, [(), ("service",), ("service", "sector")], ("service__sector",)),
    ):
        expected = type(found).objects.select_related(*related).get(pk=found.pk)
        for path in paths:
            ours, theirs = found, expected
            for name in path:
                with CaptureQueriesContext(connection) as captured:
                    ours, theirs = getattr(ours, name), getattr(theirs, name)
                assert not captured.captured_queries
            for field in theirs._meta.concrete_fields:
                assert getattr(ours, field.attname) == getattr(theirs, field.attname), field
    assert find("unknown") is None


@pytest.mark.skipif(connection.vendor != "sqlite", reason="its plans do not depend on how many rows there are")
def test_every_look_up_uses_an_index():
    service, account = openid.service(), citizen()
    tokens, code = openid.tokens(service, account), openid.code(service, account)
    read = [
        *statements(lambda: service.exchange(code)),
        *statements(lambda: service.refresh(tokens["refresh_token"])),
        *statements(lambda: openid.userinfo(tokens["access_token"])),
    ]
    with CaptureQueriesContext(connection) as captured:
        purging.run_all()
    read += [query["sql"] for query in captured if '"openid_token"' in query["sql"] or '"openid_grant"' in query["sql"]]
    looked = 0

    for statement in read:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")) and "openid_" in statement:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
                plan = [row[3] for row in cursor.fetchall()]
            assert not [step for step in plan if step.startswith("SCAN")], (statement, plan)
            looked += 1
    assert looked > 6


def test_the_purge_deletes_what_is_over_and_nothing_else(clock):
    service, account = openid.service(), citizen()
    openid.code(service, account)  # never used
    tokens = openid.tokens(service, account)
    sql.use_assertion(service.row.pk, "0" * 64, timezone.now() + dt.timedelta(minutes=1))
    AuthorizationRequest.objects.create(
        handle_hash="0" * 64, service=service.row, parameters={}, expires_at=timezone.now()
    )
    sql.count_failures(["0" * 64], int(timezone.now().timestamp() // 60))
    clock.sleep(limits.OPENID_ACCESS_TOKEN.total_seconds() + 1)

    assert purged() == {"tokens": 1, "grants": 1, "requests": 0, "assertions": 1, "failures": 0}
    assert service.refresh(tokens["refresh_token"]).status_code == 200

    clock.sleep(limits.OPENID_REQUESTS_KEPT.total_seconds())
    assert purged() == {"tokens": 1, "grants": 0, "requests": 1, "assertions": 0, "failures": 1}
    again = service.refresh(tokens["refresh_token"])  # its second use is still noticed
    assert again.json()["error"] == "invalid_grant"
    assert Grant.objects.get().end_reason == "replayed"

    clock.sleep(limits.OPENID_REFRESH_TOKEN.total_seconds())
    assert purged() == {"tokens": 2, "grants": 1, "requests": 0, "assertions": 0, "failures": 0}
    assert not Token.objects.exists()
    assert not Grant.objects.exists()
    assert not UsedAssertion.objects.exists()


def test_many_rows_are_purged_some_at_a_time(monkeypatch):
    monkeypatch.setattr("openid.housekeeping.BATCH", 2)
    monkeypatch.setattr("common.purging.BATCH", 4)
    service, account = openid.service(), citizen()
    for _number in range(5):
        openid.tokens(service, account)
    Grant.objects.update(expires_at=timezone.now())
    Token.objects.filter(kind="access").update(expires_at=timezone.now())

    assert purging.run_all(dry_run=True)["openid_grants"] == 5
    with CaptureQueriesContext(connection) as captured:
        done = purging.run_all()

    assert (done["openid_tokens"], done["openid_grants"]) == (5, 5)
    assert not Token.objects.exists()
    assert not Grant.objects.exists()
    deletes = [query["sql"] for query in captured if query["sql"].startswith("DELETE")]
    of_ended_tokens = [sql for sql in deletes if 'FROM "openid_token"' in sql and "expires_at" in sql]
    assert len(of_ended_tokens) == 2  # four, and the last one
    assert len([sql for sql in deletes if sql.startswith('DELETE FROM "openid_grant"')]) == 3


def purged() -> dict[str, int]:
    done, ours = purging.run_all(), ("tokens", "grants", "requests", "assertions", "failures")
    return {kind: done[f"openid_{kind}"] for kind in ours}


def test_one_session_has_one_name_at_a_service_and_another_at_each():
    one, other = openid.service().row, openid.service().row

    names = {granting.sid_of(portal_sid=sid, service=row) for sid in ("a" * 32, "b" * 32) for row in (one, other)}

    assert len(names) == 4
    assert granting.sid_of(portal_sid="a" * 32, service=one) in names
    assert credentials.new() != credentials.new()
