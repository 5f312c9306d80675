"""What administrators do to a connected service: who and why is written, nothing is lost, no secret is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone
from joserfc.jwk import ECKey, RSAKey

from common import limits
from common.errors import PortalError
from openid import services
from openid.models import AuthMethod, ConnectedService, Connection, Sector, ServiceEvent
from openid.service_facts import Facts
from openid.ways_back import key_of
from tests.support import openid
from tests.support.accounts import citizen, together

pytestmark = pytest.mark.django_db
WHO = {"by": "boss", "reason": "contract 12"}
CALLBACK = "https://records.tamin.ir/callback"


def facts(**changes: Any) -> Facts:
    usual = {"name": "سوابق بیمه", "redirect_uris": [CALLBACK], "scopes": {"profile": "to greet them"}}
    return Facts(**(usual | changes))


def added(**changes: Any) -> ConnectedService:
    return services.add(facts=facts(**changes), **WHO)[0]


def refused(work: Any) -> str:
    with pytest.raises(PortalError) as error:
        work()
    return error.value.code


def test_a_new_service_has_a_secret_that_is_nowhere_to_be_read_again():
    service, secret = services.add(facts=facts(), **WHO)
    assert len(secret) == 43
    row = ConnectedService.objects.values().get(pk=service.pk)
    event = ServiceEvent.objects.get()
    assert secret not in f"{row} {event.details}"
    assert (event.kind, event.actor, event.reason) == ("added", "boss", "contract 12")
    assert event.details["facts"]["redirect_uris"] == [CALLBACK]
    assert openid.Service(service, secret).post(openid.TOKEN, grant_type="refresh_token").status_code == 400  # not 401


def test_what_citizens_read_of_a_service_holds_nothing_that_they_do_not_see():
    row = added(name="\u200fسوابق\u202e\x1b[1m بیمه\u200cها\u200c", scopes={"profile": "to \u2066greet"})
    assert (row.name, row.scopes) == ("سوابق [1m بیمه\u200cها", {"profile": "to greet"})
    assert refused(lambda: added(name="\u200f\u200c\x07")) == "name"


def test_a_new_service_takes_no_short_address_from_an_older_one():
    older, chosen = added(), "0" * 16
    alike = services.add(facts=facts(), **WHO, client_id=key_of(older) + chosen)[0]
    assert key_of(alike) != key_of(older)
    assert services.add(facts=facts(), **WHO, client_id=f"01234567{chosen}")[0].client_id == f"01234567{chosen}"


def test_the_sector_is_the_host_of_the_first_address_unless_another_one_is_named():
    assert added().sector.name == "records.tamin.ir"
    assert added(sector="tamin").sector.name == "tamin"


def test_two_apps_do_not_share_a_sector_because_each_listens_on_its_own_machine(settings):
    settings.DEMO = False
    apps = [added(auth_method=AuthMethod.PUBLIC, redirect_uris=["http://127.0.0.1/callback"]) for _ in range(2)]
    assert [app.sector.name for app in apps] == [app.client_id for app in apps]
    assert apps[0].secret_hash == ""


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("name", {"name": " "}),
        ("name", {"name": "x" * 81}),
        ("name", {"name": "a\0"}),
        ("no_redirect_uri", {"redirect_uris": []}),
        ("addresses_many", {"redirect_uris": [f"https://a.ir/{n}" for n in range(limits.OPENID_ADDRESSES + 1)]}),
        ("address_wildcard", {"post_logout_redirect_uris": ["https://*.tamin.ir/"]}),
        ("address_no_https", {"backchannel_logout_uri": "http://tamin.ir/"}),
        ("scope_unknown", {"scopes": {"admin": "x"}}),
        ("scope_needs_reason", {"scopes": {"national_id": " "}}),
        ("level", {"required_level": "sure"}),
        ("auth_method", {"auth_method": "client_secret_post"}),
        ("algorithm", {"id_token_algorithm": "none"}),
        ("jwks", {"auth_method": AuthMethod.KEY}),
        ("jwks", {"auth_method": AuthMethod.KEY, "jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}}),
        ("jwks", {"auth_method": AuthMethod.KEY, "jwks": {"keys": ["x"]}}),
        ("logo_no_png", {"logo": b"<svg/>"}),
    ],
)
def test_what_is_wrong_adds_nothing(code, wrong):
    assert refused(lambda: added(**wrong)) == code
    assert not ConnectedService.objects.exists()
    assert not Sector.objects.exists()


def test_of_a_services_keys_only_public_and_strong_ones_are_kept():
    key = ECKey.generate_key("P-256")
    service = added(auth_method=AuthMethod.KEY, jwks={"keys": [key.as_dict(private=False) | {"note": "mine"}]})
    assert "note" not in service.jwks["keys"][0]
    assert service.jwks["keys"][0]["x"] == key.as_dict(private=False)["x"]
    assert (
        refused(lambda: added(auth_method=AuthMethod.KEY, jwks={"keys": [key.as_dict(private=True)]})) == "jwks_private"
    )
    weak = {"kty": "RSA", "e": "AQAB", "n": RSAKey.generate_key(2048).as_dict(private=False)["n"][:171]}
    assert refused(lambda: added(auth_method=AuthMethod.KEY, jwks={"keys": [weak]})) == "jwks_weak"


def test_a_change_says_what_was_before():
    service = added()
    done = services.change(service=service, revision=0, facts=facts(name="سوابق", scopes={"email": "letters"}), **WHO)
    assert done
    event = ServiceEvent.objects.latest("pk")
    assert event.details["changed"] == {
        "name": ["سوابق بیمه", "سوابق"],
        "scopes": [{"profile": "to greet them"}, {"email": "letters"}],
    }
    service.refresh_from_db()
    assert (service.name, service.revision) == ("سوابق", 1)


def test_a_change_without_a_difference_writes_nothing():
    assert not services.change(service=added(), revision=0, facts=facts(), **WHO)
    assert ServiceEvent.objects.count() == 1


def test_a_used_sector_stays():
    service = added()
    Sector.objects.update(used_at=timezone.now())
    assert (
        refused(lambda: services.change(service=service, revision=0, facts=facts(sector="else"), **WHO))
        == "sector_is_used"
    )
    moved = facts(redirect_uris=["https://new.tamin.ir/callback"])  # the sector stays when the host moves
    assert services.change(service=service, revision=0, facts=moved, **WHO)
    service.refresh_from_db()
    assert service.sector.name == "records.tamin.ir"


def test_who_becomes_a_third_party_asks_every_citizen():
    service, account = openid.service(), citizen()
    tokens = openid.tokens(service, account)

    changed = facts(is_third_party=True, redirect_uris=[openid.CALLBACK], sector=service.row.sector.name)
    services.change(service=service.row, revision=0, facts=changed, **WHO)

    assert Connection.objects.get().scopes == []
    assert openid.userinfo(tokens["access_token"]).status_code == 401  # it would go on telling what nobody agreed to
    assert service.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_service_that_proves_itself_otherwise_has_no_secret_any_more():
    service = added()
    key = ECKey.generate_key("P-256").as_dict(private=False)
    by_key = facts(auth_method=AuthMethod.KEY, jwks={"keys": [key]})
    services.change(service=service, revision=0, facts=by_key, **WHO)
    service.refresh_from_db()
    assert service.secret_hash == ""
    assert refused(lambda: services.rotate_secret(service=service, **WHO)) == "no_secret"


def test_both_secrets_work_for_a_while(clock):
    service, old = services.add(facts=facts(), **WHO)
    new = services.rotate_secret(service=service, **WHO)
    assert (works(service, old), works(service, new)) == (True, True)
    clock.sleep(limits.OPENID_SECRET_OVERLAP.total_seconds())
    assert (works(service, old), works(service, new)) == (False, True)


def test_a_second_new_secret_does_not_end_the_one_in_use():
    service, old = services.add(facts=facts(), **WHO)
    services.rotate_secret(service=service, **WHO)
    assert refused(lambda: services.rotate_secret(service=service, **WHO)) == "rotated_just_now"
    assert works(service, old)


def test_a_secret_that_a_stranger_has_ends_at_once():
    service, old = services.add(facts=facts(), **WHO)
    between = services.rotate_secret(service=service, **WHO)
    new = services.rotate_secret(service=service, at_once=True, **WHO)
    assert [works(service, secret) for secret in (old, between, new)] == [False, False, True]
    assert new not in json.dumps(list(ServiceEvent.objects.values_list("details", flat=True)))


def test_nothing_of_a_suspended_service_works():
    service = openid.service()
    account = citizen()
    tokens, code = openid.tokens(service, account), openid.code(service, account)
    assert services.suspend(service=service.row, **WHO)
    assert not services.suspend(service=service.row, **WHO)
    assert service.exchange(code).status_code == 401
    assert service.refresh(tokens["refresh_token"]).status_code == 401
    assert not service.row.grants.filter(ended_at__isnull=True).exists()
    assert services.resume(service=service.row, **WHO)
    assert service.refresh(tokens["refresh_token"]).status_code == 400  # what ended stays ended
    assert service.exchange(openid.code(service, account)).status_code == 200
    assert [event.kind for event in ServiceEvent.objects.order_by("pk")] == ["suspended", "resumed"]


@pytest.mark.parametrize("client_id", ["", "a\0b", "x" * 500, "nobody"])
def test_a_client_id_that_is_none_is_refused(client_id):
    added()
    assert refused(lambda: services.of_client_id(client_id)) == "no_service"


def works(service: ConnectedService, secret: str) -> bool:
    """Whether the token endpoint knows the service by this secret."""
    return openid.Service(service, secret).post(openid.TOKEN, grant_type="refresh_token").status_code != 401


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_administrators_change_one_service_and_nothing_is_lost(self):
        service = added()

        def change(number: int) -> bool:
            different = [{"name": "the first"}, {"contact": "the second"}][number]
            return services.change(service=service, revision=0, facts=facts(**different), **WHO)

        results = together(change, 2)
        assert [result for result in results if result is True] == [True]
        assert [result.code for result in results if isinstance(result, PortalError)] == ["changed_meanwhile"]
        service.refresh_from_db()
        assert (service.name == "the first") != (service.contact == "the second")
        assert ServiceEvent.objects.filter(kind="changed").count() == 1

    def test_a_secret_changed_twice_leaves_the_one_in_use(self):
        service, old = services.add(facts=facts(), **WHO)
        results = together(lambda _number: services.rotate_secret(service=service, **WHO), 2)
        given = [result for result in results if isinstance(result, str)]
        assert len(given) == 1
        assert [result.code for result in results if isinstance(result, PortalError)] == ["rotated_just_now"]
        service.refresh_from_db()
        assert works(service, old)
        assert works(service, given[0])

    def test_a_new_service_in_a_new_sector_twice(self):
        made = together(lambda _number: added(), 4)
        assert {service.sector.name for service in made} == {"records.tamin.ir"}
        assert Sector.objects.count() == 1
