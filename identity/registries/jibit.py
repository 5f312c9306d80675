"""Jibit adapter. Owner: `GET /ide/v1/services/matching` → `matched`. Person: either of two inquiries (VARIANT):

`full`         `/ide/v1/services/identity` → names, gender, `alive`, certificate number, series, serial; compared here.
`similarity`   `/ide/v1/services/identity/similarity` → how alike the names are, in percent; the rest stays unknown.

After a refused token (`forbidden`) a new one is fetched, once. Thresholds seen in use: all 100; 95 and over; 80 and
over; 70 to 80 with a person's review. Ours: from MATCH_FROM (95) on it is a match, from REVIEW_FROM (70) on a person
looks, below that it is a mismatch.

This adapter has not been tried with the real service. Known from public client code: the paths, the token, the fields
of `identityInfo`, most codes. Our assumptions: `matching.unknown` says nothing about anybody, so it is asked again;
`identificationSerialCode` is the series, «الف12», and `identificationSerialNumber` the serial; `alive` comes with
the similarity too (`checkAliveness=true`), and if it does not, the answer does not say whether the person lives; a
token is valid until it is refused; «سید» may come as `isSeyed` or `namePrefix`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace

from common.persian import local_mobile
from identity.person import Claim, FieldVerdict, OwnerClaim, PersonRecord
from identity.registries import reading
from identity.registries.base import Inquiry, OwnerAnswer, OwnerInquiry, PersonAnswer, Registry, Reply, whole_number
from identity.registries.web import ANOTHER, LATE, Fields, Heard, Silent, Web, deadline, part, word

# `code` of an answer that is an error, whatever the HTTP status; any other is UNAVAILABLE.
_CODES = {
    "identity_info.not_found": Reply.NOT_FOUND,  # no such ID with this birth date
    "nationalCode.not_valid": Reply.INVALID_INPUT,
    "mobileNumber.not_valid": Reply.INVALID_INPUT,
    "birthDate.not_valid": Reply.INVALID_INPUT,
    "matching.unknown": Reply.UNAVAILABLE,
    "providers.not_available": Reply.UNAVAILABLE,
    "server.error": Reply.UNAVAILABLE,
    "daily_limit.reached": Reply.MISCONFIGURED,  # quota
    "forbidden": Reply.MISCONFIGURED,  # key, after a new token was refused too
}
_FORBIDDEN = "forbidden"
_UNDECIDED = "matching.unknown"
_REFUSED_STATUS = (401, 403)
_PERCENT = {
    "first_name": "firstNameSimilarityPercentage",
    "last_name": "lastNameSimilarityPercentage",
}
_SERVICES = "/ide/v1/services"


class JibitRegistry(Registry):
    """One account: TOKEN, or API_KEY and SECRET_KEY by which tokens are fetched."""

    KIND = "jibit"
    on_network = True
    REQUIRED = ("URL",)
    OPTIONAL = {
        "API_KEY": "with SECRET_KEY: fetches tokens",
        "SECRET_KEY": "with API_KEY",
        "TOKEN": "instead of both: a token that does not end",
        "VARIANT": "full or similarity (full)",
        "MATCH_FROM": "percent from which a name is the same (95)",
        "REVIEW_FROM": "percent from which a person looks (70)",
        "CONNECTIONS": "calls at the same time in one process (8)",
    }

    def __init__(self, *, name: str, options: Mapping[str, str]) -> None:
        super().__init__(name=name, options=options)
        self.connections = whole_number(options, "CONNECTIONS", 8)
        self._match_from = whole_number(options, "MATCH_FROM", 95, most=100)
        self._review_from = whole_number(options, "REVIEW_FROM", 70, most=self._match_from)
        self._variant = options.get("VARIANT") or "full"
        if self._variant not in ("full", "similarity"):
            raise ValueError("VARIANT is full or similarity")
        self._keys = {"apiKey": options.get("API_KEY", ""), "secretKey": options.get("SECRET_KEY", "")}
        self._token = options.get("TOKEN", "")
        if bool(self._token) == all(self._keys.values()):
            raise ValueError("either TOKEN, or API_KEY and SECRET_KEY are needed")
        self._web = Web(options["URL"])
        self._fetching = threading.Lock()
        self._failed, self._failed_at = "", 0.0  # why and when the last fetch of a token failed

    def owner(self, inquiry: OwnerInquiry) -> OwnerAnswer:
        claim = inquiry.claim
        query = {"nationalCode": claim.national_id, "mobileNumber": local_mobile(claim.mobile)}
        heard = self._ask(f"{_SERVICES}/matching", query)
        is_owner = heard.fields.get("matched")
        if heard.reply is not Reply.ANSWERED:
            return heard.about_owner()
        if _is_about_another(heard.fields, claim):
            return heard.but(ANOTHER, of_this_one=True).about_owner()
        if not isinstance(is_owner, bool):
            return heard.but("no_match_said").about_owner()
        return replace(heard.about_owner(), is_owner=is_owner)

    def person(self, inquiry: Inquiry) -> PersonAnswer:
        claim = inquiry.claim
        query = {"nationalCode": claim.national_id, "birthDate": reading.as_digits(claim.birth_date)}
        similarity = self._variant == "similarity"
        path = f"{_SERVICES}/identity/similarity" if similarity else f"{_SERVICES}/identity"
        heard = self._ask(path, query | _names(claim) if similarity else query)
        if heard.reply is not Reply.ANSWERED:
            return heard.about_person()
        if _is_about_another_person(heard.fields, claim):
            return heard.but(ANOTHER, of_this_one=True).about_person()
        try:
            if similarity:
                judged, dead = self._judged(heard.fields), _is_dead(heard.fields)
                return replace(heard.about_person(), judged=judged, deceased=dead)
            return replace(heard.about_person(), record=_record(heard.fields))
        except _LifeNotSaid:
            return heard.but("life_not_said", of_this_one=True).about_person()
        except ValueError as error:
            return heard.but(str(error)).about_person()

    def _judged(self, said: Fields) -> dict[str, FieldVerdict]:
        """The fields that the similarity inquiry judged. Raises ValueError with a word if the answer cannot be read."""
        return {field: self._verdict(said.get(name)) for field, name in _PERCENT.items()}

    def _verdict(self, percent: object) -> FieldVerdict:
        if not isinstance(percent, int | float) or isinstance(percent, bool) or not 0 <= percent <= 100:
            raise ValueError("no_percentage")
        if percent >= self._match_from:
            return FieldVerdict.MATCH
        return FieldVerdict.NEEDS_A_PERSON if percent >= self._review_from else FieldVerdict.MISMATCH

    def _ask(self, path: str, query: Mapping[str, str]) -> Heard:
        ends = deadline()  # includes fetching tokens
        try:
            token = self._token or self._fetch("", ends)
            heard = self._call(path, query, token, ends)
            if heard.code == _FORBIDDEN and all(self._keys.values()):
                heard = self._call(path, query, self._fetch(token, ends), ends)
        except Silent as fault:
            return Heard(_CODES.get(str(fault), Reply.UNAVAILABLE), str(fault))
        return heard

    def _call(self, path: str, query: Mapping[str, str], token: str, ends: float) -> Heard:
        try:
            status, said = self._web.get(path, query, {"Authorization": f"Bearer {token}"}, ends=ends)
        except Silent as fault:
            if str(fault) in [f"http_{status}" for status in _REFUSED_STATUS]:  # a plain refusal, without a code
                return Heard(_CODES[_FORBIDDEN], _FORBIDDEN)
            raise
        trace = word(part(said, "identityInfo").get("providerTrackerId")) or word(said.get("providerTrackerId"))
        if "code" not in said and status == 200:
            return Heard(Reply.ANSWERED, trace=trace, fields=said)
        code = word(said.get("code")) or (_FORBIDDEN if status in _REFUSED_STATUS else f"http_{status}")
        unknown = (code not in _CODES and status < 500 and status != 429) or code == _UNDECIDED
        return Heard(_CODES.get(code, Reply.UNAVAILABLE), code, trace, said, of_this_one=unknown)

    def _fetch(self, refused: str, ends: float) -> str:
        """A token other than `refused`. If several threads need one, it is fetched once, and all fail together. Raises
        Silent."""
        since = time.monotonic()
        if not self._fetching.acquire(timeout=max(ends - since, 0)):
            raise Silent(LATE)
        try:
            if self._token and self._token != refused:
                return self._token
            if self._failed_at >= since:  # another thread's fetch failed while this one waited
                raise Silent(self._failed)
            self._token = self._fetched(ends)
            return self._token
        finally:
            self._fetching.release()

    def _fetched(self, ends: float) -> str:
        try:
            return self._generated(ends)
        except Silent as fault:
            self._failed, self._failed_at = str(fault), time.monotonic()
            raise

    def _generated(self, ends: float) -> str:
        status, said = self._web.post("/ide/v1/tokens/generate", dict(self._keys), ends=ends)
        token = said.get("accessToken")
        if status == 200 and isinstance(token, str) and token.isascii() and token.isprintable():
            return token
        code = word(said.get("code"))
        # Jibit's code for a wrong key is not known, so a plain refusal counts as one.
        raise Silent(_FORBIDDEN if status in (400, *_REFUSED_STATUS) else code or f"http_{status}")


def _is_about_another(said: Fields, claim: OwnerClaim) -> bool:
    """Whether the answer repeats another mobile or ID than the one asked about."""
    for fields in (said, part(said, "identityInfo")):
        if reading.is_another_id(fields.get("nationalCode"), claim) or reading.is_another_mobile(
            fields.get("mobileNumber"), claim
        ):
            return True
    return False


def _is_about_another_person(said: Fields, claim: Claim) -> bool:
    """As `_is_about_another`, for a person. The birth date beside the ID is repeated too; in `identityInfo` it is part
    of the answer."""
    born = reading.jalali(said.get("birthDate")) or claim.birth_date
    return born != claim.birth_date or _is_about_another(said, claim)


def _names(claim: Claim) -> dict[str, str]:
    return {
        "firstName": claim.first_name,
        "lastName": claim.last_name,
        "fullName": f"{claim.first_name} {claim.last_name}",
        "checkAliveness": "true",
    }


def _record(said: Fields) -> PersonRecord:
    """The record in the answer. Raises ValueError with a word if it cannot be read."""
    info = part(said, "identityInfo")
    letter, number = reading.series(info.get("identificationSerialCode"))
    record = PersonRecord(
        **reading.names_and_gender(info),
        birth_date=reading.jalali(said.get("birthDate", info.get("birthDate"))),
        certificate_number=reading.number(info.get("identificationNumber"), at_most=10),
        series_letter=letter,
        series_number=number,
        certificate_serial=reading.number(info.get("identificationSerialNumber"), at_most=6),
        deceased=_is_dead(info),
    )
    if record.first_name is None and record.last_name is None:
        raise ValueError("nobody_said")
    return record


class _LifeNotSaid(ValueError):
    """The answer says neither alive nor dead."""


def _is_dead(fields: Fields) -> bool:
    try:
        return reading.is_dead(alive=fields.get("alive"), death_status=fields.get("deathStatus"))
    except ValueError:
        raise _LifeNotSaid from None
