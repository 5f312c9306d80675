"""Compares two generations of an extract, and deletes a generation piece by piece.

A generation may have eighty million rows. The comparison is one statement in the database that only reads; deletions
are made in pieces, so that they block nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection

from identity.extract_rows import fields
from identity.models import CivilRecord, Extract, ExtractKind, MobileOwner

PIECE = 10_000  # rows deleted in one transaction


@dataclass(frozen=True, slots=True)
class Changes:
    """What a generation adds, changes and removes against the one before it: people, or pairs of mobile and ID."""

    added: int = 0
    changed: int = 0  # people; a mobile that changed hands is one pair gone and one added
    gone: int = 0


Model = type[CivilRecord] | type[MobileOwner]
# In the order of the unique key; pieces are ranges of the first column.
_KEYS: dict[ExtractKind, tuple[Model, tuple[str, ...]]] = {
    ExtractKind.CIVIL: (CivilRecord, ("national_id",)),
    ExtractKind.OWNERS: (MobileOwner, ("mobile", "national_id")),
}


def table(kind: ExtractKind) -> str:
    """The table of the rows of this kind."""
    return _KEYS[kind][0]._meta.db_table


def compare(*, new: Extract, old: Extract | None) -> Changes:
    """What `new` changes against `old`."""
    kind = ExtractKind(new.kind)
    count = _KEYS[kind][0]._default_manager.filter
    if old is None:
        return Changes(added=count(extract=new).count())
    common, same = _common(kind, new.pk, old.pk)
    return Changes(count(extract=new).count() - common, common - same, count(extract=old).count() - common)


def delete(extract: Extract) -> None:
    """Delete the rows of `extract`, then the extract itself."""
    for model, (column, *_others) in _KEYS.values():
        for after, until in _bounds(model, extract.pk, column):
            piece = {f"{column}__gt": after} | ({f"{column}__lte": until} if until else {})
            model._default_manager.filter(extract=extract, **piece).delete()
    extract.delete()


def _bounds(model: Model, extract: int, column: str) -> Iterator[tuple[str, str | None]]:
    """(after, until) of each piece; the last one has no upper bound. A cell is never empty."""
    after = ""
    while True:
        rows = model._default_manager.filter(extract=extract, **{f"{column}__gt": after}).order_by(column)
        until = next(iter(rows.values_list(column, flat=True)[PIECE - 1 : PIECE]), None)
        yield after, until
        if until is None:
            return
        after = until


def _common(kind: ExtractKind, new: int, old: int) -> tuple[int, int]:
    """How many rows both generations have, and how many of these are equal."""
    quote, (_model, key) = connection.ops.quote_name, _KEYS[kind]
    matching = " AND ".join(f"o.{quote(name)} = n.{quote(name)}" for name in key)
    equal = " AND ".join(f"o.{quote(name)} = n.{quote(name)}" for name in fields(kind))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), count(CASE WHEN {equal} THEN 1 END) "  # noqa: S608 - names of the model
            f"FROM {quote(table(kind))} n JOIN {quote(table(kind))} o ON o.extract_id = %s AND {matching} "
            f"WHERE n.extract_id = %s",
            [old, new],
        )
        common, same = cursor.fetchone()
    return common, same
