"""The imported extracts as a registry: see `identity.extracts` for how they get there.

Each question is one statement that joins the current generation with the row sought, so that a
switch of generations in between cannot turn "found" into "not found".
"""

from __future__ import annotations

from typing import Any

from django.db.models import FilteredRelation, Q

from identity.matching import PersonRecord
from identity.models import Extract, ExtractKind, ExtractState
from identity.registries.base import Inquiry, OwnerAnswer, PersonAnswer, Reply

NO_EXTRACT = "no_extract"
_PERSON_FIELDS = (
    "first_name", "last_name", "birth_date", "gender",
    "certificate_number", "series_letter", "series_number", "certificate_serial", "deceased",
)  # fmt: skip


class LocalRegistry:
    """Answers from the database; MISCONFIGURED while no extract of the kind is loaded."""

    def owner(self, inquiry: Inquiry) -> OwnerAnswer:
        """A mobile the extract does not list for this ID is not theirs."""
        claim = inquiry.claim
        row = _look_up(ExtractKind.OWNERS, "owners", {"mobile": claim.mobile, "national_id": claim.national_id}, ())
        if row is None:
            return OwnerAnswer(Reply.MISCONFIGURED, code=NO_EXTRACT)
        return OwnerAnswer(Reply.ANSWERED, is_owner=row["row__id"] is not None)

    def person(self, inquiry: Inquiry) -> PersonAnswer:
        """The key is ID and birth date, as at the real registry: a wrong date is NOT_FOUND."""
        claim = inquiry.claim
        key = {"national_id": claim.national_id, "birth_date": claim.birth_date}
        row = _look_up(ExtractKind.CIVIL, "people", key, _PERSON_FIELDS)
        if row is None:
            return PersonAnswer(Reply.MISCONFIGURED, code=NO_EXTRACT)
        if row["row__id"] is None:
            return PersonAnswer(Reply.NOT_FOUND)
        return PersonAnswer(Reply.ANSWERED, PersonRecord(**{name: row[f"row__{name}"] for name in _PERSON_FIELDS}))


def _look_up(kind: ExtractKind, relation: str, key: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any] | None:
    """The current extract's row with `key`: None without an extract, `row__id` None without a row."""
    condition = Q(**{f"{relation}__{name}": value for name, value in key.items()})
    return (
        Extract.objects.filter(kind=kind, state=ExtractState.CURRENT)
        .annotate(row=FilteredRelation(relation, condition=condition))
        .values("row__id", *(f"row__{name}" for name in fields))
        .first()
    )
