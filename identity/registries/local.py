"""Local registry: answers from the imported extracts (`identity.extracts`).

Each question, about one claim or a batch, is one statement that joins the generation in use with the rows sought, so
that a switch of generations meanwhile cannot turn "found" into "not found".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db.models import FilteredRelation, Q

from identity.models import Extract, ExtractKind, ExtractState
from identity.person import FIELDS, Claim, PersonRecord, born_of
from identity.registries.base import Inquiry, OwnerAnswer, OwnerInquiry, PersonAnswer, Registry, Reply

NO_EXTRACT = "no_extract"


class LocalRegistry(Registry):
    """Answers from the database; MISCONFIGURED while no extract of the kind is loaded."""

    KIND = "local"
    takes_part_of_a_date = True

    def owner(self, inquiry: OwnerInquiry) -> OwnerAnswer:
        return self.owners([inquiry])[0]

    def person(self, inquiry: Inquiry) -> PersonAnswer:
        return self.people([inquiry])[0]

    def owners(self, inquiries: Sequence[OwnerInquiry]) -> list[OwnerAnswer]:
        """A mobile that the extract does not list for this ID is not theirs."""
        key = {"mobile": {inquiry.claim.mobile for inquiry in inquiries}}
        rows = _look_up(ExtractKind.OWNERS, "owners", key, ("mobile", "national_id"))
        if rows is None:
            return [OwnerAnswer(Reply.MISCONFIGURED, code=NO_EXTRACT) for _ in inquiries]
        owned = {(row["mobile"], row["national_id"]) for row in rows}
        claims = (inquiry.claim for inquiry in inquiries)
        return [OwnerAnswer(Reply.ANSWERED, is_owner=(one.mobile, one.national_id) in owned) for one in claims]

    def people(self, inquiries: Sequence[Inquiry]) -> list[PersonAnswer]:
        """The key is ID and birth date, as at the real registries: a wrong date is NOT_FOUND. Of a date that one side
        does not know whole, the rest is the key."""
        key = {"national_id": {inquiry.claim.national_id for inquiry in inquiries}}
        rows = _look_up(ExtractKind.CIVIL, "people", key, ("national_id", *FIELDS, "deceased"))
        if rows is None:
            return [PersonAnswer(Reply.MISCONFIGURED, code=NO_EXTRACT) for _ in inquiries]
        known = {row.pop("national_id"): PersonRecord(**row, tells_what_is_not_there=True) for row in rows}
        records = (_record(known.get(inquiry.claim.national_id), inquiry.claim) for inquiry in inquiries)
        return [PersonAnswer(Reply.ANSWERED, one) if one else PersonAnswer(Reply.NOT_FOUND) for one in records]


def _record(known: PersonRecord | None, claim: Claim) -> PersonRecord | None:
    """What is known of the claimed ID, if the birth date is the claimed one."""
    born, claimed = known and born_of(known), born_of(claim)
    return known if born and claimed and born.may_be(claimed) else None


def _look_up(
    kind: ExtractKind, relation: str, key: Mapping[str, Collection[str]], fields: tuple[str, ...]
) -> list[dict[str, Any]] | None:
    """`fields` of the rows of the current extract with `key`, which is the first of them; None without an extract.

    Nothing else is asked for: whose a mobile is then stands in the index, and no page of the table has to be fetched.
    """
    condition = Q(**{f"{relation}__{name}__in": sorted(values) for name, values in key.items()})
    found = (
        Extract.objects.filter(kind=kind, state=ExtractState.CURRENT)
        .annotate(row=FilteredRelation(relation, condition=condition))
        .values_list(*(f"row__{name}" for name in fields))
    )
    rows = list(found)
    return [dict(zip(fields, row, strict=True)) for row in rows if row[0] is not None] if rows else None
