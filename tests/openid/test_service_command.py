"""`manage.py service …`: what other programs read of it, and what it refuses."""

from __future__ import annotations

import json

import pytest
from django.core.management.base import CommandError
from joserfc.jwk import ECKey

from openid.models import ConnectedService, Sector, ServiceEvent
from tests.support import openid
from tests.support.commands import run

pytestmark = pytest.mark.django_db
ADD = ("service", "add", "--name", "سوابق بیمه", "--redirect-uri", "https://records.tamin.ir/callback")
SCOPE = ("--scope", "openid profile national_id")


def test_a_service_is_added_as_outside_tools_rely_on():
    said = json.loads(run(*ADD, *SCOPE, "--third-party", "--logout-uri", "https://records.tamin.ir/out", "--json"))
    assert set(said) == {"client_id", "client_secret"}
    row = ConnectedService.objects.get(client_id=said["client_id"])
    assert (row.is_third_party, row.backchannel_logout_uri) == (True, "https://records.tamin.ir/out")
    assert list(row.scopes) == ["profile", "national_id"]
    assert row.sector.name == "records.tamin.ir"
    known = openid.Service(row, said["client_secret"]).post(openid.TOKEN, grant_type="refresh_token")
    assert known.status_code == 400


def test_who_and_why_are_recorded():
    run(*ADD, *SCOPE, "--by", "Leila", "--reason", "contract 12")
    event = ServiceEvent.objects.get()
    assert (event.actor, event.reason) == ("Leila", "contract 12")
    assert event.service.scopes["national_id"] == "contract 12"


def test_outside_a_demo_national_ids_need_a_reason(settings):
    settings.DEMO = False
    with pytest.raises(CommandError, match="--reason"):
        run(*ADD, *SCOPE, "--json")
    run(*ADD, "--scope", "openid profile", "--json")
    assert ConnectedService.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        (*ADD, "--scope", "profile"),
        (*ADD, "--scope", "openid everything"),
        (*ADD, *SCOPE, "--redirect-uri", "http://records.tamin.ir/"),
        (*ADD, *SCOPE, "--logout-uri", "https://records.tamin.ir/#"),
        (*ADD, *SCOPE, "--jwks", "/no/such/file"),
        (*ADD, *SCOPE, "--level", "sure"),
        (*ADD, *SCOPE, "--reason", " "),
        ADD,
        ("service", "add", "--redirect-uri", "https://a.ir/", *SCOPE),
        ("service", "suspend", "nobody"),
        ("service", "resume", "nobody"),
        ("service", "rotate_secret", "nobody"),
        ("service",),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(wrong):
    with pytest.raises(CommandError):
        run(*wrong)
    assert not ConnectedService.objects.exists()
    assert not Sector.objects.exists()


def test_an_app_and_a_service_with_keys_have_no_secret(tmp_path):
    assert json.loads(run(*ADD, *SCOPE, "--public", "--json"))["client_secret"] is None
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}))
    said = json.loads(
        run(*ADD, *SCOPE, "--jwks", str(keys), "--level", "code", "--id-token-algorithm", "RS256", "--json")
    )
    assert said["client_secret"] is None
    row = ConnectedService.objects.get(client_id=said["client_id"])
    assert (row.auth_method, row.required_level) == ("private_key_jwt", "urn:tamin:acr:code")
    assert {each["id_token_algorithm"] for each in json.loads(run("service", "list", "--json"))} == {"ES256", "RS256"}


def test_a_service_is_listed_suspended_resumed_and_given_a_new_secret():
    made = json.loads(run(*ADD, *SCOPE, "--json"))
    listed = json.loads(run("service", "list", "--json"))
    assert [(each["client_id"], each["suspended_at"]) for each in listed] == [(made["client_id"], None)]
    assert made["client_secret"] not in run("service", "list") + run("service", "list", "--json")
    run("service", "suspend", made["client_id"], "--reason", "it leaks")
    assert json.loads(run("service", "list", "--json"))[0]["suspended_at"]
    run("service", "resume", made["client_id"])
    new = json.loads(run("service", "rotate_secret", made["client_id"], "--json"))
    assert new["client_id"] == made["client_id"]
    assert new["client_secret"] != made["client_secret"]
    with pytest.raises(CommandError):
        run("service", "rotate_secret", made["client_id"])
    assert run("service", "rotate_secret", made["client_id"], "--at-once")
