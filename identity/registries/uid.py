"""UID adapter. Owner: `POST /api/inquiry/mobile/owner/v2` → `isMatched`. Person: `POST /api/inquiry/person` → a record.

This adapter has not been tried with the real service. Known from public client code: the paths, the key in the body,
the sections of the answer, `status.code` 0, or 1 with "SUCCESS", for good, 3 for a bad national ID, `requestId`. Our
assumptions:
- an HTTP status or code of 401 and 403 is a refused key, 402 an empty account, 429 and 500 on a temporary fault;
- `isMatched` counts only beside a good code: with "bad national ID" it is false too;
- no code for "no such person" is known. Set NOT_FOUND_CODES once the provider has told it; until then such an answer
  is UNAVAILABLE, with its code in the trace, and the request waits;
- `shenasnameSeri` is the letter and two digits, «الف12», and «سید» may come as `isSeyed` or `namePrefix`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from common.persian import local_mobile
from identity.person import PersonRecord
from identity.registries import reading
from identity.registries.base import Inquiry, OwnerAnswer, OwnerInquiry, PersonAnswer, Registry, Reply, whole_number
from identity.registries.web import ANOTHER, Fields, Heard, Silent, Web, part, word

# `responseContext.status.code` of an answer, or the HTTP status where there is none; any other is UNAVAILABLE.
_CODES = {
    "": Reply.ANSWERED,  # there is no code
    "0": Reply.ANSWERED,
    "1": Reply.ANSWERED,  # with "SUCCESS" only
    "3": Reply.INVALID_INPUT,  # national ID
    "401": Reply.MISCONFIGURED,  # key
    "402": Reply.MISCONFIGURED,  # credit
    "403": Reply.MISCONFIGURED,  # key
}
_SECTIONS = ("basicInformation", "identificationInformation", "registrationStatus")


class UidRegistry(Registry):
    """One business account."""

    KIND = "uid"
    on_network = True
    REQUIRED = ("URL", "BUSINESS_ID", "BUSINESS_TOKEN")
    OPTIONAL = {
        "OWNER_PATH": "path of the question about the mobile (/api/inquiry/mobile/owner/v2)",
        "PERSON_PATH": "path of the question about the person (/api/inquiry/person)",
        "NOT_FOUND_CODES": "status codes that mean: no such national ID with this birth date, by commas",
        "CONNECTIONS": "calls at the same time in one process (8)",
    }

    def __init__(self, *, name: str, options: Mapping[str, str]) -> None:
        super().__init__(name=name, options=options)
        self.connections = whole_number(options, "CONNECTIONS", 8)
        self._web = Web(options["URL"])
        self._key = {"businessId": options["BUSINESS_ID"], "businessToken": options["BUSINESS_TOKEN"]}
        self._owner_path = options.get("OWNER_PATH") or "/api/inquiry/mobile/owner/v2"
        self._person_path = options.get("PERSON_PATH") or "/api/inquiry/person"
        not_found = options.get("NOT_FOUND_CODES", "").split(",")
        self._codes = _CODES | {code.strip(): Reply.NOT_FOUND for code in not_found if code.strip()}

    def owner(self, inquiry: OwnerInquiry) -> OwnerAnswer:
        claim = inquiry.claim
        asked = {"nationalId": claim.national_id, "mobileNumber": local_mobile(claim.mobile)}
        heard = self._ask(self._owner_path, asked)
        is_owner = heard.fields.get("isMatched")
        if heard.reply is not Reply.ANSWERED:
            return heard.about_owner()
        said = heard.fields
        if reading.is_another_id(said.get("nationalId"), claim) or reading.is_another_mobile(
            said.get("mobileNumber"), claim
        ):
            return heard.but(ANOTHER, of_this_one=True).about_owner()
        if not isinstance(is_owner, bool):
            return heard.but("no_match_said").about_owner()
        return replace(heard.about_owner(), is_owner=is_owner)

    def person(self, inquiry: Inquiry) -> PersonAnswer:
        claim = inquiry.claim
        asked = {"nationalId": claim.national_id, "birthDate": reading.with_strokes(claim.birth_date)}
        heard = self._ask(self._person_path, asked)
        if heard.reply is not Reply.ANSWERED:
            return heard.about_person()
        said = heard.fields
        said = said | {name: value for section in _SECTIONS for name, value in part(said, section).items()}
        if reading.is_another_id(said.get("nationalId"), claim):
            return heard.but(ANOTHER, of_this_one=True).about_person()
        try:
            record = _record(said)
        except ValueError:
            return heard.but("life_not_said", of_this_one=True).about_person()
        if record.first_name is None and record.last_name is None:
            return heard.but("nobody_said").about_person()
        return replace(heard.about_person(), record=record)

    def _ask(self, path: str, asked: Fields) -> Heard:
        try:
            status, said = self._web.post(path, {"requestContext": {"apiInfo": self._key}, **asked})
        except Silent as fault:
            status_alone = str(fault).removeprefix("http_")
            return Heard(self._codes.get(status_alone, Reply.UNAVAILABLE), str(fault))
        context = part(said, "responseContext")
        told, good = part(context, "status"), status // 100 == 2
        code = (word(told["code"]) or "no_code") if "code" in told else ("" if good else str(status))
        praised = code != "1" or str(told.get("message", "")).upper().startswith("SUCCESS")
        heard = Heard(self._codes.get(code, Reply.UNAVAILABLE), code, word(context.get("requestId")), said)
        if heard.reply is Reply.ANSWERED and not (good and praised):
            return heard.but(str(status))
        in_trouble = code == "429" or not good or (code.isdigit() and int(code) >= 500)
        return replace(heard, of_this_one=heard.reply is Reply.UNAVAILABLE and not in_trouble)


def _record(fields: Fields) -> PersonRecord:
    """The record in the answer. Raises ValueError if it does not say whether the person lives."""
    letter, number = reading.series(fields.get("shenasnameSeri"))
    certificate = fields.get("shenasnamehNumber", fields.get("shenasnameNumber"))
    return PersonRecord(
        **reading.names_and_gender(fields),
        birth_date=reading.jalali(fields.get("birthDate")),
        certificate_number=reading.number(certificate, at_most=10),
        series_letter=letter,
        series_number=number,
        certificate_serial=reading.number(fields.get("shenasnameSerial"), at_most=6),
        deceased=reading.is_dead(death_status=fields.get("deathStatus")),
    )
