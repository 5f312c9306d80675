"""Six made-up citizens, each with a story, for trying the portal without a registry.

Answers only for their national IDs and hands every other ID to the imported extract. Never outside
demo mode: `tamin_portal.checks` refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from django.utils.translation import gettext_noop

from identity.matching import Claim, PersonRecord
from identity.registries.base import Inquiry, OwnerAnswer, PersonAnswer, Registry, Reply
from identity.registries.local import LocalRegistry
from tamin_portal import persian

DOWN_FOR = 2  # attempts that find the registry down before it answers


class Plot(StrEnum):
    """What the registries do with this person; the sentence for it is the citizen's `story`."""

    MATCHES = "matches"
    OTHER_FAMILY_NAME = "other_family_name"
    OTHER_OWNER = "other_owner"
    DOWN_TWICE = "down_twice"
    DOWN_FOR_GOOD = "down_for_good"
    DECEASED = "deceased"


@dataclass(frozen=True, slots=True)
class DemoCitizen:
    """The exact values to type, as a person would type them, and what then happens."""

    plot: Plot
    national_id: str
    mobile: str
    first_name: str
    last_name: str
    birth_date: str  # Jalali
    gender: str
    certificate_number: str
    series_letter: str
    series_number: str
    certificate_serial: str
    story: str  # msgid
    registered_last_name: str = ""  # where the registry knows another one

    def record(self) -> PersonRecord:
        """What the demo registry holds about this citizen."""
        return PersonRecord(
            first_name=self.first_name,
            last_name=self.registered_last_name or self.last_name,
            birth_date=persian.parse_jalali(self.birth_date),
            gender=self.gender,
            certificate_number=self.certificate_number,
            series_letter=self.series_letter,
            series_number=self.series_number,
            certificate_serial=self.certificate_serial,
        )


CITIZENS = (
    DemoCitizen(
        Plot.MATCHES, "0070001014", "09120000101", "رضا", "کریمی", "1370/05/17", "male",
        "1254", "الف", "12", "345678",
        gettext_noop("Everything matches: the account is created at once."),
    ),
    DemoCitizen(
        Plot.OTHER_FAMILY_NAME, "0070001022", "09120000102", "زهرا", "محمدی", "1365/11/02", "female",
        "87", "ب", "05", "120034",
        gettext_noop("The registry knows another family name: a branch has to look."),
        registered_last_name="احمدی",
    ),
    DemoCitizen(
        Plot.OTHER_OWNER, "0070001030", "09120000103", "علی", "حسینی", "1358/01/25", "male",
        "430", "ل", "21", "004511",
        gettext_noop("The mobile belongs to somebody else: a branch has to look."),
    ),
    DemoCitizen(
        Plot.DOWN_TWICE, "0070001049", "09120000104", "مریم", "رضایی", "1374/07/09", "female",
        "0", "11", "08", "771200",
        gettext_noop("The registry is down twice and then answers: the account comes a little later."),
    ),
    DemoCitizen(
        Plot.DOWN_FOR_GOOD, "0070001057", "09120000105", "حسین", "مرادی", "1350/03/30", "male",
        "15", "د", "33", "900120",
        gettext_noop("The registry stays down: the request waits, nobody is sent to a branch."),
    ),
    DemoCitizen(
        Plot.DECEASED, "0070001065", "09120000106", "فاطمه", "جعفری", "1329/12/11", "female",
        "662", "ر", "44", "053310",
        gettext_noop("The registry says this person has died: a branch has to look."),
    ),
)  # fmt: skip
_BY_ID = {citizen.national_id: citizen for citizen in CITIZENS}


class DemoRegistry(Registry):
    """The stories above. List it alone: it asks the local extract itself."""

    KIND = "demo"

    def __init__(self, *, name: str, options: Mapping[str, str]) -> None:
        super().__init__(name=name, options=options)
        self._local = LocalRegistry(name="local", options={})

    def owner(self, inquiry: Inquiry) -> OwnerAnswer:
        """Any mobile is theirs, except in the story of the other owner."""
        citizen = _BY_ID.get(inquiry.claim.national_id)
        if citizen is None:
            return self._local.owner(inquiry)
        if _is_down(citizen, inquiry.attempt):
            return OwnerAnswer(Reply.UNAVAILABLE, code="demo_down")
        return OwnerAnswer(Reply.ANSWERED, is_owner=citizen.plot is not Plot.OTHER_OWNER)

    def person(self, inquiry: Inquiry) -> PersonAnswer:
        """Whatever is claimed is confirmed, except where the story says otherwise."""
        claim = inquiry.claim
        citizen = _BY_ID.get(claim.national_id)
        if citizen is None:
            return self._local.person(inquiry)
        if _is_down(citizen, inquiry.attempt):
            return PersonAnswer(Reply.UNAVAILABLE, code="demo_down")
        if citizen.plot in (Plot.OTHER_FAMILY_NAME, Plot.OTHER_OWNER):
            record = citizen.record()
            found = record.birth_date == claim.birth_date
            return PersonAnswer(Reply.ANSWERED, record) if found else PersonAnswer(Reply.NOT_FOUND)
        return PersonAnswer(Reply.ANSWERED, replace(_echo(claim), deceased=citizen.plot is Plot.DECEASED))


def _is_down(citizen: DemoCitizen, attempt: int) -> bool:
    return citizen.plot is Plot.DOWN_FOR_GOOD or (citizen.plot is Plot.DOWN_TWICE and attempt <= DOWN_FOR)


def _echo(claim: Claim) -> PersonRecord:
    return PersonRecord(
        first_name=claim.first_name,
        last_name=claim.last_name,
        birth_date=claim.birth_date,
        gender=claim.gender,
        certificate_number=claim.certificate_number,
        series_letter=claim.series_letter,
        series_number=claim.series_number,
        certificate_serial=claim.certificate_serial,
    )
