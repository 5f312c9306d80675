"""The contract of a registry is wide enough: Zibal, Zohal and Finnotech in small, as public client code has them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from common.persian import local_mobile
from identity.matching import Outcome
from identity.person import Claim, FieldVerdict, PersonRecord
from identity.registries import reading
from identity.registries.base import Inquiry, OwnerAnswer, OwnerInquiry, PersonAnswer, Registry, Reply
from identity.registries.web import Fields, Silent, Web, part, word
from identity.services import check
from tests.support.claims import CLAIM
from tests.support.identity_peer import Peer, always

pytestmark = pytest.mark.django_db


class Zibal(Registry):
    """Answers with `result` 1 and `data`; every other result is not known and waits."""

    on_network = True
    REQUIRED = ("URL", "TOKEN")
    CODES = {1: Reply.ANSWERED}
    OWNER, PERSON = "/v1/facility/shahkarInquiry", "/v1/facility/nationalIdentityInquiry"

    def __init__(self, *, name: str, options: Any) -> None:
        super().__init__(name=name, options=options)
        self.web, self.headers = Web(options["URL"]), {"Authorization": f"Bearer {options['TOKEN']}"}

    def owner(self, inquiry: OwnerInquiry) -> OwnerAnswer:
        claim = inquiry.claim
        reply, code, data = self.ask(
            self.OWNER, {"nationalCode": claim.national_id, "mobile": local_mobile(claim.mobile)}
        )
        if reply is Reply.ANSWERED and type(data.get("matched")) is not bool:
            reply = Reply.UNAVAILABLE
        return OwnerAnswer(reply, is_owner=data.get("matched") is True, code=code)

    def person(self, inquiry: Inquiry) -> PersonAnswer:
        claim = inquiry.claim
        asked = {"nationalCode": claim.national_id, "birthDate": reading.with_strokes(claim.birth_date)}
        reply, code, data = self.ask(self.PERSON, asked)
        if reply is not Reply.ANSWERED:
            return PersonAnswer(reply, code=code)
        return PersonAnswer(reply, self.record(data), code=code)

    def record(self, data: Fields) -> PersonRecord:
        first, last = reading.text(data.get("firstName")), reading.text(data.get("lastName"))
        return PersonRecord(first_name=first, last_name=last, deceased=reading.is_dead(alive=data.get("alive")))

    def ask(self, path: str, asked: Fields) -> tuple[Reply, str, Fields]:
        try:
            _status, said = self.web.post(path, asked, self.headers)
        except Silent as fault:
            return Reply.UNAVAILABLE, str(fault), {}
        code = said.get("result")
        known = self.CODES.get(code, Reply.UNAVAILABLE) if type(code) is int else Reply.UNAVAILABLE
        return known, word(code), part(said, "data")


class Zohal(Zibal):
    """The same shape, with result codes under HTTP 200 and two flags about life."""

    CODES = {1: Reply.ANSWERED, 4: Reply.MISCONFIGURED, 5: Reply.UNAVAILABLE, 6: Reply.INVALID_INPUT}
    OWNER, PERSON = "/api/v0/services/inquiry/shahkar", "/api/v0/services/inquiry/national_identity_inquiry"

    def record(self, data: Fields) -> PersonRecord:
        return replace(super().record(data), deceased=data.get("is_dead") is True or data.get("alive") is False)


class Finnotech(Registry):
    """By GET; percentages instead of names, and its own codes beside HTTP 400."""

    on_network = True
    REQUIRED = ("URL", "TOKEN", "CLIENT")
    CODES = {"FN-MGFH-40000030057": Reply.INVALID_INPUT, "FN-OHKZ-40003810019": Reply.NOT_FOUND}

    def __init__(self, *, name: str, options: Any) -> None:
        super().__init__(name=name, options=options)
        self.web, self.client, self.token = Web(options["URL"]), options["CLIENT"], options["TOKEN"]

    def owner(self, inquiry: OwnerInquiry) -> OwnerAnswer:
        query = {"nationalCode": inquiry.claim.national_id, "mobile": local_mobile(inquiry.claim.mobile)}
        reply, code, trace, result = self.ask(f"/facility/v2/clients/{self.client}/shahkar/verify", query)
        if reply is Reply.ANSWERED and type(result.get("isValid")) is not bool:
            reply = Reply.UNAVAILABLE
        return OwnerAnswer(reply, is_owner=result.get("isValid") is True, trace=trace, code=code)

    def person(self, inquiry: Inquiry) -> PersonAnswer:
        claim: Claim = inquiry.claim
        query = {"nationalCode": claim.national_id, "birthDate": reading.with_strokes(claim.birth_date)}
        query |= {"firstName": claim.first_name, "lastName": claim.last_name}
        reply, code, trace, result = self.ask(f"/oak/v2/clients/{self.client}/nidVerification", query)
        if reply is not Reply.ANSWERED:
            return PersonAnswer(reply, trace=trace, code=code)
        names = {"first_name": "firstNameSimilarity", "last_name": "lastNameSimilarity"}
        judged = {
            field: FieldVerdict.MATCH if result[name] >= 95 else FieldVerdict.MISMATCH for field, name in names.items()
        }
        dead = reading.is_dead(death_status=result.get("deathStatus"))
        return PersonAnswer(reply, judged=judged, deceased=dead, trace=trace)

    def ask(self, path: str, query: dict[str, str]) -> tuple[Reply, str, str, Fields]:
        try:
            status, said = self.web.get(path, query, {"Authorization": f"Bearer {self.token}"})
        except Silent as fault:
            return Reply.UNAVAILABLE, str(fault), "", {}
        good = status == 200 and said.get("status") == "DONE"
        code = "" if good else word(said.get("responseCode"))
        reply = Reply.ANSWERED if good else self.CODES.get(code, Reply.UNAVAILABLE)
        return reply, code, word(said.get("trackId")), part(said, "result")


ZIBAL_PERSON = {"firstName": "رضا", "lastName": "كريمي", "alive": True}
FN_PERSON = {"firstNameSimilarity": 100, "lastNameSimilarity": 97, "deathStatus": "زنده"}


def done(result: Fields) -> Fields:
    return {"status": "DONE", "trackId": "F-1", "result": result}


def failed(code: str) -> tuple[int, Fields]:
    return 400, {"status": "FAILED", "responseCode": code, "trackId": "F-2", "error": {}}


OWNED: dict[type[Registry], tuple[int, Any]] = {
    Zibal: (200, {"result": 1, "data": {"matched": True}}),
    Zohal: (200, {"result": 1, "data": {"matched": True}}),
    Finnotech: (200, done({"isValid": True})),
}


@pytest.mark.parametrize(
    ("kind", "said", "outcome"),
    [
        (Zibal, (200, {"result": 1, "data": ZIBAL_PERSON}), Outcome.MATCH),
        (Zibal, (200, {"result": 1, "data": ZIBAL_PERSON | {"alive": False}}), Outcome.DECEASED),
        (Zibal, (200, {"result": 29}), Outcome.UNAVAILABLE),
        (Zohal, (200, {"result": 1, "data": ZIBAL_PERSON | {"is_dead": False}}), Outcome.MATCH),
        (Zohal, (200, {"result": 1, "data": ZIBAL_PERSON | {"is_dead": True}}), Outcome.DECEASED),
        (Zohal, (200, {"result": 1, "data": ZIBAL_PERSON | {"lastName": "احمدی"}}), Outcome.MISMATCH),
        (Zohal, (200, {"result": 4}), Outcome.MISCONFIGURED),
        (Zohal, (200, {"result": 5}), Outcome.UNAVAILABLE),
        (Zohal, (200, {"result": 6}), Outcome.INVALID_INPUT),
        (Zohal, (200, {"result": "1", "data": ZIBAL_PERSON}), Outcome.UNAVAILABLE),
        (Finnotech, (200, done(FN_PERSON)), Outcome.MATCH),
        (Finnotech, (200, done(FN_PERSON | {"lastNameSimilarity": 40})), Outcome.MISMATCH),
        (Finnotech, (200, done(FN_PERSON | {"deathStatus": "فوت شده"})), Outcome.DECEASED),
        (Finnotech, (200, done({"firstNameSimilarity": 100})), Outcome.UNAVAILABLE),  # it raises
        (Finnotech, failed("FN-OHKZ-40003810019"), Outcome.NOT_FOUND),
        (Finnotech, failed("FN-MGFH-40000030057"), Outcome.INVALID_INPUT),
        (Finnotech, failed("FN-XXXX-40000000000"), Outcome.UNAVAILABLE),
    ],
)
def test_an_answer_about_the_person_has_its_outcome(peer: Peer, settings, kind, said, outcome):
    settings.IDENTITY_OWNER_REGISTRIES = settings.IDENTITY_PERSON_REGISTRIES = ["one"]
    options = {"KIND": f"{__name__}.{kind.__name__}", "URL": peer.url, "TOKEN": "t", "CLIENT": "c"}
    settings.IDENTITY_ENVIRONMENT = {f"IDENTITY_ONE_{name}": value for name, value in options.items()}
    peer.says = lambda path, *_: OWNED[kind] if "shahkar" in path else said
    verdict = check(claim=CLAIM)
    assert (verdict.outcome, len(peer.asked)) == (outcome, 2)


@pytest.mark.parametrize("kind", [Zibal, Zohal, Finnotech])
def test_a_mobile_that_is_not_theirs_ends_there(peer: Peer, kind):
    always(peer, {"result": 1, "data": {"matched": False}} if kind is not Finnotech else done({"isValid": False}))
    registry = kind(name="one", options={"URL": peer.url, "TOKEN": "t", "CLIENT": "c"})
    answer = registry.owner(Inquiry(CLAIM))
    assert (answer.reply, answer.is_owner) == (Reply.ANSWERED, False)
