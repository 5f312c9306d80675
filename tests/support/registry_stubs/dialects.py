"""How each provider is spoken to: what is asked in a request, and how it answers, as public client code shows it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

from common import persian
from identity.person import PersonRecord
from tests.support.http_stub import Answer, Request
from tests.support.registry_stubs.people import Somebody, born_on, known_as

OWNER, PERSON, TOKEN = "owner", "person", "token"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Asked:
    """One inquiry. `fields` is all that came with it."""

    question: str
    national_id: str
    fields: dict[str, str]


class Dialect(Protocol):
    wrong_types: dict[str, str]  # by question: JSON of other types than promised

    def asked(self, request: Request) -> Asked | None:
        """What `request` asks; None: there is no such page."""

    def right(self, asked: Asked, trace: str) -> Answer:
        """The answer of a registry that works."""

    def error(self, code: str, trace: str, status: int = 0) -> Answer:
        """Its own error `code`, with the HTTP status it usually has, or with `status`."""


def _json(status: int, value: Any) -> Answer:
    return status, JSON, json.dumps(value, ensure_ascii=False)


class Uid:
    """Everything is a POST with JSON; errors come with HTTP 200."""

    wrong_types = {
        OWNER: '{"isMatched": "yes", "responseContext": {"status": {"code": 0}}}',
        PERSON: '{"basicInformation": [1, 2], "identificationInformation": "x", "responseContext": {"status": 0}}',
    }
    _paths = {"/api/inquiry/mobile/owner/v2": OWNER, "/api/inquiry/person": PERSON}
    _gender = {"female": "GENDER_FEMALE", "male": "GENDER_MALE"}

    def asked(self, request: Request) -> Asked | None:
        if request.path not in self._paths or request.method != "POST":
            return None
        body = json.loads(request.body)
        fields = {name: value for name, value in body.items() if isinstance(value, str)}
        return Asked(self._paths[request.path], fields["nationalId"], fields)

    def right(self, asked: Asked, trace: str) -> Answer:
        one = known_as(asked.national_id)
        if asked.question == OWNER:
            return _json(200, {"isMatched": _is_theirs(one, asked.fields["mobileNumber"]), **self._context("0", trace)})
        record = one.record if born_on(one, asked.fields["birthDate"]) else None
        return self._person(one, record, trace) if record else self.error("5", trace)

    def error(self, code: str, trace: str, status: int = 0) -> Answer:
        return _json(status or 200, {"isMatched": False, **self._context(code, trace)})

    def _person(self, one: Somebody, record: PersonRecord, trace: str) -> Answer:
        basic = {"firstName": record.first_name, "lastName": record.last_name, "fatherName": "علي"}
        numbers = {
            "nationalId": one.claim.national_id,
            "birthDate": persian.format_jalali(one.claim.birth_date),
            "shenasnamehNumber": int(record.certificate_number or 0),
            "shenasnameSeri": f"{record.series_letter}{record.series_number}",
            "shenasnameSerial": int(record.certificate_serial or 0),
        }
        life = {"deathStatus": "DEATH_STATUS_DECEASED" if record.deceased else "DEATH_STATUS_ALIVE"}
        return _json(
            200,
            {
                "basicInformation": basic | {"gender": self._gender[str(record.gender)]},
                "identificationInformation": numbers,
                "registrationStatus": life,
                **self._context("0", trace),
            },
        )

    @staticmethod
    def _context(code: str, trace: str) -> dict[str, Any]:
        return {"responseContext": {"status": {"code": int(code), "message": "", "details": []}, "requestId": trace}}


class Jibit:
    """GETs with a token; errors come with a code in words."""

    wrong_types = {
        OWNER: '{"matched": "true"}',
        PERSON: '{"identityInfo": [], "firstNameSimilarityPercentage": "much", "lastNameSimilarityPercentage": null}',
        TOKEN: '{"accessToken": {"is": 7}}',
    }
    _services = "/ide/v1/services"
    _statuses = {"forbidden": 403, "identity_info.not_found": 404, "daily_limit.reached": 429, "server.error": 500}

    def asked(self, request: Request) -> Asked | None:
        question = {
            "/ide/v1/tokens/generate": TOKEN,
            f"{self._services}/matching": OWNER,
            f"{self._services}/identity": PERSON,
            f"{self._services}/identity/similarity": PERSON,
        }.get(request.path)
        if question is None:
            return None
        fields = request.fields | {"path": request.path}
        return Asked(question, fields.get("nationalCode", ""), fields)

    def right(self, asked: Asked, trace: str) -> Answer:
        if asked.question == TOKEN:
            return _json(200, {"accessToken": f"access-{trace}", "refreshToken": f"refresh-{trace}"})
        one = known_as(asked.national_id)
        if asked.question == OWNER:
            return _json(200, {"matched": _is_theirs(one, asked.fields["mobileNumber"])})
        record = one.record if born_on(one, asked.fields["birthDate"]) else None
        if record is None:
            return self.error("identity_info.not_found", trace)
        if asked.fields["path"].endswith("/similarity"):
            return self._similarity(asked, record, trace)
        return self._identity(asked, record, trace)

    def error(self, code: str, trace: str, status: int = 0) -> Answer:
        usual = 503 if code == "providers.not_available" else self._statuses.get(code, 400)
        return _json(status or usual, {"code": code, "message": "خطا", "fingerprint": trace})

    @staticmethod
    def _similarity(asked: Asked, record: PersonRecord, trace: str) -> Answer:
        def percent(claimed: str, known: str | None) -> int:
            return 100 if persian.name_key(claimed) == persian.name_key(known or "") else 35

        said = {
            "firstNameSimilarityPercentage": percent(asked.fields["firstName"], record.first_name),
            "lastNameSimilarityPercentage": percent(asked.fields["lastName"], record.last_name),
        }
        return _json(200, {**said, "alive": not record.deceased, "providerTrackerId": trace})

    @staticmethod
    def _identity(asked: Asked, record: PersonRecord, trace: str) -> Answer:
        info = {
            "firstName": record.first_name,
            "lastName": record.last_name,
            "gender": str(record.gender).upper(),
            "alive": not record.deceased,
            "identificationNumber": record.certificate_number,
            "identificationSerialCode": f"{record.series_letter}{record.series_number}",
            "identificationSerialNumber": record.certificate_serial,
            "providerTrackerId": trace,
        }
        birth_date = asked.fields["birthDate"]
        return _json(200, {"nationalCode": asked.national_id, "birthDate": birth_date, "identityInfo": info})


def _is_theirs(one: Somebody, mobile: str) -> bool:
    return one.owns_the_mobile and persian.parse_mobile(mobile) == one.claim.mobile


DIALECTS: dict[str, Dialect] = {"uid": Uid(), "jibit": Jibit()}
