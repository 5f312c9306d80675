"""A generation in pieces, in the order of its key: to compare it and to delete it.

A generation may have eighty million rows. No statement here reads more than a piece, so that none
holds a snapshot for long (vacuum waits for the oldest one) or needs much memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from identity.extract_rows import fields
from identity.models import CivilRecord, Extract, ExtractKind, MobileOwner

PIECE = 50_000  # rows


@dataclass(frozen=True, slots=True)
class Changes:
    """What a generation says that the one before it did not: people, or pairs of mobile and ID."""

    added: int = 0
    changed: int = 0  # people; a mobile that changed hands is one pair gone and one added
    gone: int = 0


Model = type[CivilRecord] | type[MobileOwner]
# In the order of the unique key; the first column cuts the pieces.
_KEYS: dict[ExtractKind, tuple[Model, tuple[str, ...]]] = {
    ExtractKind.CIVIL: (CivilRecord, ("national_id",)),
    ExtractKind.OWNERS: (MobileOwner, ("mobile", "national_id")),
}


def table(kind: ExtractKind) -> str:
    """Where the rows of this kind are."""
    return _KEYS[kind][0]._meta.db_table


def compare(*, new: Extract, old: Extract | None, working: Callable[[], None]) -> Changes:
    """What `new` changes against `old`. `working` is called after each piece."""
    kind = ExtractKind(new.kind)
    model, _key = _KEYS[kind]
    rows = model._default_manager.filter(extract=new).count()
    if old is None:
        return Changes(added=rows)
    common = same = 0
    for bounds in _bounds(model, new.pk, _KEYS[kind][1][0]):
        counted = _compare_piece(kind, new.pk, old.pk, bounds)
        common, same = common + counted[0], same + counted[1]
        working()
    return Changes(rows - common, common - same, model._default_manager.filter(extract=old).count() - common)


def delete(extract: Extract) -> None:
    """Delete the rows of `extract`, and then itself."""
    for model, key in _KEYS.values():
        for after, until in _bounds(model, extract.pk, key[0]):
            piece = {f"{key[0]}__gt": after} | ({f"{key[0]}__lte": until} if until else {})
            model._default_manager.filter(extract=extract, **piece).delete()
    extract.delete()


def _bounds(model: Model, extract: int, column: str) -> Iterator[tuple[str, str | None]]:
    """(after, until) of each piece; the last one is open at its end. A cell is never empty."""
    after = ""
    while True:
        rows = model._default_manager.filter(extract=extract, **{f"{column}__gt": after}).order_by(column)
        until = next(iter(rows.values_list(column, flat=True)[PIECE - 1 : PIECE]), None)
        yield after, until
        if until is None:
            return
        after = until


def _compare_piece(kind: ExtractKind, new: int, old: int, bounds: tuple[str, str | None]) -> tuple[int, int]:
    """How many rows of the piece both generations have, and how many of these say the same."""
    quote, (model, key) = connection.ops.quote_name, _KEYS[kind]
    table, lead = quote(model._meta.db_table), quote(key[0])
    matching = " AND ".join(f"o.{quote(name)} = n.{quote(name)}" for name in key)
    equal = " AND ".join(f"o.{quote(name)} = n.{quote(name)}" for name in fields(kind))
    after, until = bounds
    values: list[Any] = [old, new, after]
    upper = ""
    if until is not None:
        upper = f" AND n.{lead} <= %s"
        values.append(until)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), count(CASE WHEN {equal} THEN 1 END) FROM {table} n "  # noqa: S608 - names of the model
            f"JOIN {table} o ON o.extract_id = %s AND {matching} "
            f"WHERE n.extract_id = %s AND n.{lead} > %s{upper}",
            values,
        )
        common, same = cursor.fetchone()
    return common, same
