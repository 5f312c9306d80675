"""What a service is told: by scope, by name, as verified; and the ID token."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from common import limits
from common.links import absolute
from openid import keys
from openid.birthdates import birthdate, birthdate_jalali
from openid.claims import AMR, SCOPES, claims_of, scopes_of
from openid.models import Grant, Level
from openid.subjects import subject_of
from tests.support import openid
from tests.support.accounts import REZA, citizen

pytestmark = pytest.mark.django_db

BOTH = ("data", "vpip")
ALL = "openid profile phone email national_id"
PROVEN_AT = dt.datetime(2026, 5, 4, 3, 2, 1, 999, tzinfo=dt.UTC)


@pytest.fixture
def proven() -> User:
    account = citizen()
    account.identity_evidence, account.identity_proven_at = "registry", PROVEN_AT
    account.save()
    return account


def told(account: User, scope: str = ALL, *, may: tuple[str, ...] | None = None, **requested: Any) -> dict[str, Any]:
    service = openid.service(**({} if may is None else {"scopes": dict.fromkeys(may, "needed")}))
    return claims_of(account=account, service=service.row, scope=scope, requested=requested)


def test_each_scope_gives_its_claims(proven: User):
    proven.email_confirmed_at = timezone.now()
    said = told(proven)
    del said["verified_claims"]
    assert said == {
        "name": "رضا کریمی",
        "given_name": "رضا",
        "family_name": "کریمی",
        "birthdate": "1991-08-08",
        "birthdate_jalali": "1370-05-17",
        "gender": "male",
        "phone_number": "+989121234567",
        "phone_number_verified": True,
        "email": "reza@example.com",
        "email_verified": True,
        "national_id": REZA,
    }
    assert told(proven, "openid") == {}
    assert told(proven, "openid phone").keys() == {"phone_number", "phone_number_verified"}


def test_an_address_that_was_not_confirmed_is_not_verified():
    assert told(citizen(), "email") == {"email": "reza@example.com", "email_verified": False}


def test_what_is_not_there_is_not_said():
    assert told(citizen(email="", mobile=""), "openid phone email unknown") == {}


def test_nothing_is_told_that_an_administrator_did_not_give(proven: User):
    asked = {"national_id": None, "verified_claims": {"verification": None, "claims": {"national_id": None}}}
    assert told(proven, ALL, may=("phone",), **asked).keys() == {"phone_number", "phone_number_verified"}
    with_profile = told(proven, ALL, may=("profile",))
    assert REZA not in json.dumps(with_profile)


def test_single_claims_are_given_by_name(proven: User):
    assert told(proven, "openid", gender={"essential": True}, national_id=None, unknown=None, sub=None) == {
        "gender": "male",
        "national_id": REZA,
        "verified_claims": told(proven, "openid", gender=None, national_id=None)["verified_claims"],
    }
    assert scopes_of({"gender": None, "email": None, "sub": None}) == {"profile", "email"}
    assert scopes_of({"verified_claims": [{"claims": {"national_id": None}}, 7]}) == {"national_id"}


class TestVerified:
    def test_of_registries(self, proven: User):
        assert told(proven, "profile national_id")["verified_claims"] == {
            "verification": {
                "trust_framework": "urn:tamin:identity",
                "time": "2026-05-04T03:02:01Z",
                "evidence": [
                    {
                        "type": "electronic_record",
                        "check_details": [
                            {"check_method": "data", "organization": "Social Security Organization of Iran"}
                        ],
                        "record": {
                            "type": "population_register",
                            "source": {"name": "National Organization for Civil Registration", "country_code": "IR"},
                        },
                        "time": "2026-05-04T03:02:01Z",
                    }
                ],
            },
            "claims": {
                "given_name": "رضا",
                "family_name": "کریمی",
                "birthdate": "1991-08-08",
                "birthdate_jalali": "1370-05-17",
                "gender": "male",
                "national_id": REZA,
            },
        }

    def test_of_papers(self, proven: User):
        proven.identity_evidence = "papers"
        (evidence,) = told(proven, "profile")["verified_claims"]["verification"]["evidence"]
        assert evidence["type"] == "document"
        assert evidence["check_details"][0]["check_method"] == "vpip"
        assert "record" not in evidence

    def test_nothing_is_verified_without_evidence_on_record(self):
        said = told(citizen(), ALL, verified_claims={"verification": None, "claims": {"given_name": None}})
        assert "verified_claims" not in said
        assert said["given_name"] == "رضا"

    def test_neither_phone_nor_email_are_among_them(self, proven: User):
        assert "verified_claims" not in told(proven, "phone email")

    def test_only_what_was_asked_for(self, proven: User):
        asked = {"verification": {"trust_framework": None}, "claims": {"gender": None, "phone_number": None}}
        assert told(proven, "openid", verified_claims=asked)["verified_claims"]["claims"] == {"gender": "male"}
        both = told(proven, "openid", verified_claims=[asked, asked])["verified_claims"]
        assert [each["claims"] for each in both] == [{"gender": "male"}] * 2

    @pytest.mark.parametrize(
        ("verification", "met"),
        [
            ({}, True),
            ({"trust_framework": {"value": "urn:tamin:identity"}}, True),
            ({"trust_framework": {"value": "eidas"}}, False),
            ({"trust_framework": {"values": ["eidas", "urn:tamin:identity"]}}, True),
            ({"trust_framework": {"values": "urn:tamin:identity"}}, False),
            ({"trust_framework": "eidas"}, False),
            ({"evidence": [{"type": {"value": "document"}}]}, False),
            ({"evidence": [{"type": {"value": "document"}}, {"type": {"value": "electronic_record"}}]}, True),
            ({"evidence": [{"check_details": [{"check_method": {"value": "data"}}]}]}, True),
            ({"evidence": [{"check_details": [{"check_method": {"value": each}} for each in BOTH]}]}, False),
            ({"evidence": [{"record": {"source": {"name": None}}}]}, True),
            ({"evidence": {"type": {"value": "document"}}}, False),
            ({"assurance_level": {"value": "high"}}, False),
            ({"assurance_level": None}, True),
            ({"time": {"max_age": 10**9}}, True),
            ({"time": {"max_age": 60}}, False),
            ({"time": {"max_age": 10**400}}, True),
            ({"time": {"max_age": "60"}}, False),
            ({"time": {"max_age": -(10**400)}}, False),
            ("x", False),
            ([], False),
        ],
    )  # fmt: skip
    def test_what_is_asked_of_the_verification_is_met_or_nothing_is_told(self, proven: User, verification, met: bool):
        asked = {"verification": verification, "claims": {"gender": None}}
        assert ("verified_claims" in told(proven, "openid", verified_claims=asked)) is met

    @pytest.mark.parametrize("asked", [None, 7, "x", [], {}, {"claims": []}, {"claims": {}}, {"verification": {}}])
    def test_nonsense_is_answered_with_nothing(self, proven: User, asked: Any):
        assert told(proven, "openid", verified_claims=asked) == {}


@pytest.mark.parametrize(
    ("born", "unknown", "iso", "jalali"),
    [
        (dt.date(1991, 8, 8), "", "1991-08-08", "1370-05-17"),
        (dt.date(1991, 7, 23), "day", "1991", "1370-05"),
        (dt.date(1991, 12, 22), "day", "", "1370-10"),  # Dey: until 20 January
        (dt.date(1992, 2, 20), "day", "1992", "1370-12"),  # Esfand, the last month
        (dt.date(1991, 3, 21), "month", "", "1370"),
        (None, "", "", ""),
    ],
)
def test_a_birth_date_says_what_the_certificate_says(born: dt.date | None, unknown: str, iso: str, jalali: str):
    assert (birthdate(born, unknown), birthdate_jalali(born, unknown)) == (iso, jalali)


def token_of(service: openid.Service, account: User, **changes: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    tokens = openid.tokens(service, account, **changes)
    said = keys.verified(tokens["id_token"])
    assert said is not None
    return said, tokens


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_the_id_token(algorithm: str):
    service, account = openid.service(id_token_algorithm=algorithm), citizen()
    before = int(timezone.now().timestamp())

    said, tokens = token_of(service, account)

    grant = Grant.objects.get()
    digest = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert said == {
        "iss": absolute(""),
        "sub": subject_of(account=account, service=service.row),
        "aud": service.client_id,
        "iat": said["iat"],
        "exp": said["iat"] + limits.OPENID_ID_TOKEN.total_seconds(),
        "auth_time": int(grant.auth_time.timestamp()),
        "nonce": "nonce-1",
        "acr": "urn:tamin:acr:password",
        "amr": ["pwd"],
        "sid": grant.sid,
        "at_hash": base64.urlsafe_b64encode(digest).decode().rstrip("="),
    }
    assert before <= said["iat"] <= timezone.now().timestamp()
    head = json.loads(base64.urlsafe_b64decode(tokens["id_token"].split(".")[0] + "=="))
    assert (head["alg"], head["typ"]) == (algorithm, "JWT")


def test_without_a_nonce_there_is_none():
    said, _tokens = token_of(openid.service(), citizen(), nonce=None)
    assert "nonce" not in said


def test_claims_that_were_asked_for_are_in_the_id_token_and_cannot_replace_ours():
    asked = json.dumps({"id_token": {"gender": None, "iss": {"value": "x"}, "sub": None, "acr": {"value": "x"}}})
    said, _tokens = token_of(openid.service(), citizen(), claims=asked)
    assert said["gender"] == "male"
    assert said["iss"] == absolute("")
    assert "given_name" not in said


def test_two_services_cannot_match_a_session_or_a_citizen():
    account, services = citizen(), (openid.service(), openid.service())

    def said(service: openid.Service) -> dict[str, Any]:
        payload = openid.tokens(service, account)["id_token"].split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims

    one, other = map(said, services)

    assert one["sid"] == said(services[0])["sid"]  # the same session of the portal
    for name in ("sid", "sub", "at_hash", "aud"):
        assert one[name] != other[name], name


def test_every_level_has_its_methods():
    assert AMR.keys() == set(Level)


def test_keys_rotated_in_mid_flow(settings, tmp_path):
    """The citizen came by the old keys' time; the code is exchanged after the rotation: the service, which read the
    keys before, still checks the token."""
    settings.OPENID_KEYS = str(tmp_path)
    now = timezone.now()
    from openid import key_files  # beside its only use

    old = key_files.make(tmp_path, "ES256", now - limits.OPENID_KEY_SIGNS_AFTER * 10)
    service, account = openid.service(), citizen()
    code = openid.code(service, account)
    known = {key["kid"] for key in keys.public_jwks()["keys"]}
    key_files.make(tmp_path, "ES256", now)
    keys.look_again()

    token = service.exchange(code).json()["id_token"]

    head = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert head["kid"] == old.kid
    assert known == {old.kid}


def test_scopes_are_those_of_the_support():
    assert {"openid", *SCOPES} == set(openid.SCOPES)
