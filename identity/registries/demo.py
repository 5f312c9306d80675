"""Demo registry: seven made-up citizens, each with a story, for trying the portal without a registry (demo mode only).

Answers only for their national IDs and passes every other ID to the imported extract. Outside demo mode
`identity.checks` refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_noop

from common import persian
from identity.person import DECISIVE, NOT_THERE, Claim, Person, PersonRecord, born_of, fields_of
from identity.registries import reading
from identity.registries.base import Inquiry, OwnerAnswer, OwnerInquiry, PersonAnswer, Registry, Reply
from identity.registries.local import LocalRegistry

DOWN_FOR = 2  # attempts without an answer before the registry answers


class Plot(StrEnum):
    """What happens to this person at the registries; the sentence for it is the citizen's `story`."""

    MATCHES = "matches"
    OTHER_FAMILY_NAME = "other_family_name"
    OTHER_OWNER = "other_owner"
    DOWN_TWICE = "down_twice"
    DOWN_FOR_GOOD = "down_for_good"
    DECEASED = "deceased"
    OLD_CERTIFICATE = "old_certificate"


@dataclass(frozen=True, kw_only=True, repr=False)
class DemoCitizen(Person):
    """What a person types (the mobile with a 0, the date by `born`), and what happens then."""

    plot: Plot
    national_id: str
    mobile: str
    story: str  # msgid
    registered_last_name: str = ""  # where the registry knows another one

    @property
    def born(self) -> str:
        """The birth date as it is typed: 1370/05/17."""
        return reading.with_strokes(self.birth_date)

    def record(self) -> PersonRecord:
        """What the demo registry holds about this citizen."""
        known = fields_of(self) | {"last_name": self.registered_last_name or self.last_name}
        return PersonRecord(**known, tells_what_is_not_there=True)


CITIZENS = (
    DemoCitizen(
        plot=Plot.MATCHES, national_id="0070001014", mobile="09120000101",
        first_name="رضا", last_name="کریمی", birth_date=persian.parse_jalali("1370/05/17"), gender="male",
        certificate_number="1254", series_letter="الف", series_number="12", certificate_serial="345678",
        story=gettext_noop("Everything matches: the account is created at once."),
    ),
    DemoCitizen(
        plot=Plot.OTHER_FAMILY_NAME, national_id="0070001022", mobile="09120000102",
        first_name="زهرا", last_name="محمدی", birth_date=persian.parse_jalali("1365/11/02"), gender="female",
        certificate_number="87", series_letter="ب", series_number="05", certificate_serial="120034",
        story=gettext_noop("The registry knows another family name: a branch has to look."),
        registered_last_name="احمدی",
    ),
    DemoCitizen(
        plot=Plot.OTHER_OWNER, national_id="0070001030", mobile="09120000103",
        first_name="علی", last_name="حسینی", birth_date=persian.parse_jalali("1358/01/25"), gender="male",
        certificate_number="430", series_letter="ل", series_number="21", certificate_serial="004511",
        story=gettext_noop("The mobile belongs to somebody else: a branch has to look."),
    ),
    DemoCitizen(
        plot=Plot.DOWN_TWICE, national_id="0070001049", mobile="09120000104",
        first_name="مریم", last_name="رضایی", birth_date=persian.parse_jalali("1374/07/09"), gender="female",
        certificate_number="0", series_letter="11", series_number="08", certificate_serial="771200",
        story=gettext_noop("The registry is down twice and then answers: the account comes a little later."),
    ),
    DemoCitizen(
        plot=Plot.DOWN_FOR_GOOD, national_id="0070001057", mobile="09120000105",
        first_name="حسین", last_name="مرادی", birth_date=persian.parse_jalali("1350/03/30"), gender="male",
        certificate_number="15", series_letter="د", series_number="33", certificate_serial="900120",
        story=gettext_noop("The registry stays down: the request waits, nobody is sent to a branch."),
    ),
    DemoCitizen(
        plot=Plot.DECEASED, national_id="0070001065", mobile="09120000106",
        first_name="فاطمه", last_name="جعفری", birth_date=persian.parse_jalali("1329/12/11"), gender="female",
        certificate_number="662", series_letter="ر", series_number="44", certificate_serial="053310",
        story=gettext_noop("The registry says this person has died: a branch has to look."),
    ),
    DemoCitizen(
        plot=Plot.OLD_CERTIFICATE, national_id="0070001073", mobile="09120000107",
        first_name="سکینه", last_name="عباسی", birth_date=persian.parse_jalali("1322/04/12"), gender="female",
        certificate_number="318", series_letter=NOT_THERE, series_number=NOT_THERE, certificate_serial=NOT_THERE,
        story=gettext_noop("The certificate has no series and no serial, and the registry has none: an account."),
    ),
)  # fmt: skip
_BY_ID = {citizen.national_id: citizen for citizen in CITIZENS}


class DemoRegistry(Registry):
    """Plays the stories above. Configure it alone: it asks the local extract itself."""

    KIND = "demo"
    takes_part_of_a_date = True

    def __init__(self, *, name: str, options: Mapping[str, str]) -> None:
        super().__init__(name=name, options=options)
        self._local = LocalRegistry(name="local", options={})

    def owner(self, inquiry: OwnerInquiry) -> OwnerAnswer:
        """Any mobile belongs to them, except in the story of the other owner."""
        citizen = _BY_ID.get(inquiry.claim.national_id)
        if citizen is None:
            return self._local.owner(inquiry)
        if _is_down(citizen, inquiry.attempt):
            return OwnerAnswer(Reply.UNAVAILABLE, code="demo_down")
        return OwnerAnswer(Reply.ANSWERED, is_owner=citizen.plot is not Plot.OTHER_OWNER)

    def person(self, inquiry: Inquiry) -> PersonAnswer:
        """Any claim is confirmed, except where the story says otherwise, and in what it leaves out."""
        claim = inquiry.claim
        citizen = _BY_ID.get(claim.national_id)
        if citizen is None:
            return self._local.person(inquiry)
        if _is_down(citizen, inquiry.attempt):
            return PersonAnswer(Reply.UNAVAILABLE, code="demo_down")
        if citizen.plot in (Plot.OTHER_FAMILY_NAME, Plot.OTHER_OWNER):
            return _found(citizen.record(), claim)
        known = fields_of(claim) | {name: getattr(citizen, name) for name in _left_out(claim)}
        return _found(
            PersonRecord(**known, deceased=citizen.plot is Plot.DECEASED, tells_what_is_not_there=True), claim
        )


def _found(record: PersonRecord, claim: Claim) -> PersonAnswer:
    """The record, if the birth date is the claimed one."""
    born, claimed = born_of(record), born_of(claim)
    found = born is not None and claimed is not None and born.may_be(claimed)
    return PersonAnswer(Reply.ANSWERED, record) if found else PersonAnswer(Reply.NOT_FOUND)


def _left_out(claim: Claim) -> Iterator[str]:
    """The fields that the claim says are not in the certificate."""
    yield from (name for name, rule in DECISIVE.items() if rule.may_be_absent and getattr(claim, name) == NOT_THERE)
    if claim.birth_unknown:
        yield from ("birth_date", "birth_unknown")


def _is_down(citizen: DemoCitizen, attempt: int) -> bool:
    return citizen.plot is Plot.DOWN_FOR_GOOD or (citizen.plot is Plot.DOWN_TWICE and attempt <= DOWN_FOR)
