"""An administrator tries a service: a test citizen goes the whole way, what fails is named, and nothing stays."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone
from joserfc.jwk import ECKey

from common import limits
from common.links import absolute
from common.models import PostCount
from openid import services, subjects, usage
from openid.models import AuthMethod, ConnectedService, Level, Sector, ServiceEvent, Usage
from openid.trial import flow, known, outside
from openid.trial.report import Line, Outcome
from tests.support import openid
from tests.support.accounts import citizen, clerk
from tests.support.http_stub import serving
from tests.support.trial_stub import TriedService

ALL = {"keys", "request", "tokens", "id_token", "userinfo", "introspection", "refresh", "sign_out", "told"}


def outcomes(lines: list[Line]) -> dict[str, str]:
    return {line.step: line.outcome.value for line in lines}


def said(lines: list[Line]) -> dict[str, str]:
    return {line.step: line.said for line in lines}


def rows() -> dict[str, int]:
    """How many rows each table has."""
    return {model._meta.label: model.objects.count() for model in apps.get_models()}


def page_of(service: ConnectedService) -> str:
    return f"/admin/openid/connectedservice/{service.pk}/try/"


@pytest.mark.django_db
class TestThroughThePortal:
    @pytest.mark.parametrize("method", list(AuthMethod))
    def test_every_kind_of_service_is_tried_to_the_end(self, method):
        service = openid.service(
            method=method,
            jwks={"keys": [ECKey.generate_key("P-256").as_dict(private=False)]} if method == AuthMethod.KEY else None,
            is_third_party=True,
            required_level=Level.CODE,
            id_token_algorithm="RS256",
            post_logout_redirect_uris=["https://service.example.ir/bye"],
            backchannel_logout_uri="https://service.example.ir/logout",
        ).row

        found = outcomes(flow.through_the_portal(service))

        asked = "skipped" if method == AuthMethod.PUBLIC else "ok"  # an app proves nothing, so it may not ask
        assert found == dict.fromkeys(ALL | {"level", "consent"}, "ok") | {"introspection": asked}

    def test_what_is_not_registered_is_noted(self):
        found = said(flow.through_the_portal(openid.service().row))
        assert (found["sign_out"], found["told"]) == ("sign_out_nowhere", "told_nothing")

    def test_a_suspended_service_is_refused_and_tried_as_if_it_worked(self):
        service = openid.service(suspended_at=timezone.now()).row
        lines = flow.through_the_portal(service)
        assert said(lines)["suspended"] == "suspended"
        assert {line.outcome for line in lines} == {Outcome.OK, Outcome.NOTED}
        service.refresh_from_db()
        assert service.suspended_at

    def test_it_is_tried_as_it_is_and_not_as_the_page_had_it(self):
        service = openid.service()
        row = ConnectedService.objects.get(pk=service.row.pk)
        services.suspend(service=service.row, by="another", reason="at this moment")
        assert said(flow.through_the_portal(row)) == said(flow.through_the_portal(service.row))
        assert said(flow.through_the_portal(row))["suspended"] == "suspended"

    def test_without_keys_it_says_so_and_what_could_not_be_tried(self, settings, tmp_path):
        service = openid.service().row
        settings.OPENID_KEYS = str(tmp_path)
        lines = flow.through_the_portal(service)
        assert said(lines)["keys"] == "no_key"
        assert outcomes(lines) == dict.fromkeys(ALL - {"told"}, "skipped") | {"keys": "failed"}
        settings.OPENID_KEYS = ""
        assert said(flow.through_the_portal(service))["keys"] == "no_keys"

    def test_a_sector_that_was_renamed_behind_our_back_is_found(self):
        service = openid.service().row
        subjects.subject_of(account=citizen(), service=service)
        Sector.objects.filter(pk=service.sector_id).update(name="another")
        [line] = [line for line in flow.through_the_portal(service) if line.outcome == Outcome.FAILED]
        assert (line.step, line.values) == ("tokens", {"status": "503", "error": "temporarily_unavailable"})

    def test_an_answer_that_nobody_expects_is_a_fault_of_the_portal(self, monkeypatch):
        monkeypatch.setattr("openid.claims.id_token", lambda **_of: None)
        lines = flow.through_the_portal(openid.service().row)
        [line] = [line for line in lines if line.outcome == Outcome.FAILED]
        assert (line.step, line.said) == ("id_token", "id_token_wrong")
        monkeypatch.setattr("openid.trial.id_tokens.faults", lambda *_of, **_named: ({}, ""))
        lines = flow.through_the_portal(openid.service().row)
        [line] = [line for line in lines if line.outcome == Outcome.FAILED]
        assert (line.step, line.said, line.values["error"]) == ("id_token", "portals_fault", "KeyError")

    def test_a_request_that_is_refused_ends_the_way(self):
        service = openid.service(redirect_uris=["https://service.example.ir/callback?" + "x" * 300]).row
        assert said(flow.through_the_portal(service))["request"] == "request_refused"


@pytest.mark.django_db(transaction=True)
def test_nothing_stays_but_the_event(boss, published):
    service = openid.service(backchannel_logout_uri="", is_third_party=True).row
    before, hints = rows(), list(published)

    assert boss.post(page_of(service)).status_code == 302

    after = rows()
    assert {name: after[name] - count for name, count in before.items() if after[name] != count} == {
        ServiceEvent._meta.label: 1,
        PostCount._meta.label: 1,
    }
    assert PostCount.objects.get().posts == 1  # the administrator's own
    assert published == hints
    event = ServiceEvent.objects.get()
    assert (event.kind, event.actor, event.service) == ("tried", "boss", service)
    service.refresh_from_db()
    assert service.sector.used_at is None
    assert not connection.in_atomic_block


@pytest.mark.django_db
def test_the_page_shows_the_last_report_in_persian(boss):
    service = openid.service(redirect_uris=["https://nowhere.invalid/callback"]).row
    assert "tried-" not in boss.get(page_of(service)).content.decode()
    boss.post(page_of(service))
    page = boss.get(page_of(service)).content.decode()
    assert re.search(r"tried-failed.*nowhere\.invalid", page)
    assert "tried-ok" in page
    assert not re.search(r"%\(\w+\)s", page)
    assert "امتحان" in page


@pytest.mark.django_db
def test_only_an_administrator_tries_and_only_from_the_page(client, boss):
    service = openid.service().row
    boss.handler.enforce_csrf_checks = True
    assert boss.post(page_of(service)).status_code == 403
    client.force_login(clerk(), backend="accounts.backends.StaffBackend")
    client.handler.enforce_csrf_checks = False
    assert client.post(page_of(service)).status_code in (302, 403)
    assert not ServiceEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_process_tries_one_service_at_a_time(boss, monkeypatch):
    """A service that hangs holds a thread of the web for seconds: with a trial in each, citizens would wait."""
    service = openid.service(backchannel_logout_uri="").row
    whole = outside.addresses_of

    def meanwhile(row: ConnectedService) -> list[Line]:
        page = boss.post(page_of(service), follow=True)
        assert "امتحان دیگری در حال انجام است" in page.content.decode()
        return whole(row)

    monkeypatch.setattr(outside, "addresses_of", meanwhile)
    for tries in (1, 2):
        boss.post(page_of(service))
        assert ServiceEvent.objects.count() == tries


@pytest.fixture
def stub():
    with serving(TriedService()) as one:
        yield one


def tried(stub: TriedService, **changes: Any) -> dict[str, str]:
    service = openid.service(
        redirect_uris=[f"{stub.url}/callback"],
        backchannel_logout_uri=f"{stub.url}/logout",
        initiate_login_uri=f"{stub.url}/login",
        home_page=f"{stub.url}/",
        **changes,
    )
    asked = openid.asked(service, redirect_uri=f"{stub.url}/callback") | stub.asks
    stub.leads_to = f"{absolute('/openid/authorize')}?{urlencode(asked)}"
    return said(outside.addresses_of(service.row))


@pytest.mark.django_db
class TestItsAddresses:
    def test_a_service_that_does_all_of_it_right(self, stub):
        assert tried(stub) == {
            "redirect": "answers",
            "home": "answers",
            "initiate": "initiate_ok",
            "logout": "logout_ok",
            "forged": "forged_refused",
        }
        assert all(path.startswith(("/callback", "/logout", "/login?iss=", "/")) for path in stub.paths)

    def test_what_it_does_wrong_is_named(self, stub):
        stub.statuses = {"/callback": 404, "/": 503, "/logout": 403}
        stub.asks = {"code_challenge_method": "plain"}
        assert tried(stub) == {
            "redirect": "nothing_there",
            "home": "its_fault",
            "initiate": "initiate_wrong",
            "logout": "logout_wrong",
            "forged": "forged_refused",
        }

    def test_one_that_believes_strangers_and_begins_the_sign_in_of_another(self, stub):
        stub.statuses = {"/callback": 405, "/logout": 200}
        stub.asks = {"client_id": "f" * 24}
        found = tried(stub)
        assert (found["redirect"], found["forged"], found["initiate"]) == ("no_get", "forged_taken", "initiate_other")

    def test_one_that_refuses_an_unknown_session_or_shows_a_page(self, stub):
        stub.statuses = {"/logout": 400, "/login": 200}
        found = tried(stub)
        assert (found["logout"], found["initiate"]) == ("logout_refused", "initiate_page")

    def test_one_that_hangs_or_is_not_there(self, stub, monkeypatch):
        monkeypatch.setattr(limits, "TRIAL_ANSWER_WITHIN", 0.3)
        stub.hangs = True
        assert set(tried(stub).values()) == {"no answer"}
        lines = outside.addresses_of(
            openid.service(redirect_uris=["http://127.0.0.1:1/", "https://nowhere.invalid/", f"{stub.url}/"]).row
        )
        assert [line.said for line in lines] == ["refused", "no address", "no answer"]

    def test_in_real_service_nothing_goes_out_by_http_and_none_to_the_citizens_own_machine(self, settings, stub):
        app = openid.service(method=AuthMethod.PUBLIC, redirect_uris=[f"{stub.url}/callback"])
        assert said(outside.addresses_of(app.row)) == {"redirect": "own_machine"}
        settings.DEMO = False
        assert set(tried(stub).values()) == {"no https"}
        assert stub.paths == []


@pytest.mark.django_db(transaction=True)
def test_what_the_service_did_until_now_is_told():
    service = openid.service().row
    assert said(known.of(service)) == {"proof": "proof_unused", "errors": "errors_none"}
    for what in ("token", "error:invalid_client", "error:invalid_client"):
        usage.count(service, what)
    lines = {line.step: line for line in known.of(service)}
    assert (lines["proof"].said, lines["proof"].values["times"]) == ("proof_used", "1")
    assert lines["errors"].values["errors"] == "invalid_client (2)"
    assert Usage.objects.exists()
