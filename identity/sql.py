"""Statements by hand of identity: what the imported extracts say about a batch of people. Django takes longer to write
these two than PostgreSQL to answer them.

Each joins the generation in use with the rows sought, so that a switch of generations meanwhile cannot turn "found"
into "not found".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import connection

from identity.models import CivilRecord, Extract, ExtractKind, ExtractState, MobileOwner
from identity.person import FIELDS, PersonRecord

_BIRTH = FIELDS.index("birth_date")


def owners(mobiles: Collection[str]) -> set[tuple[str, str]] | None:
    """The pairs of mobile and owner's national ID among `mobiles`; None without an extract.

    No other column: whose a mobile is then stands in the index, and no page of the table has to be fetched.
    """
    rows = _look_up(ExtractKind.OWNERS, MobileOwner._meta.db_table, "mobile", mobiles, ("national_id",))
    return None if rows is None else {(mobile, national_id) for mobile, national_id in rows}


def people(national_ids: Collection[str]) -> dict[str, PersonRecord] | None:
    """What is known of `national_ids`, by ID; None without an extract."""
    rows = _look_up(ExtractKind.CIVIL, CivilRecord._meta.db_table, "national_id", national_ids, (*FIELDS, "deceased"))
    return None if rows is None else {national_id: _record(values) for national_id, *values in rows}


def _record(values: list[Any]) -> PersonRecord:
    *person, deceased = values
    if isinstance(person[_BIRTH], str):  # SQLite has no dates
        person[_BIRTH] = dt.date.fromisoformat(person[_BIRTH])
    fields = dict(zip(FIELDS, person, strict=True))
    return PersonRecord(**fields, deceased=bool(deceased), tells_what_is_not_there=True)


def _look_up(
    kind: ExtractKind, table: str, key: str, values: Collection[str], fields: tuple[str, ...]
) -> list[tuple[Any, ...]] | None:
    """`key` and `fields` of the rows of the current extract that have one of `values`; None without an extract."""
    columns = ", ".join(f"found.{name}" for name in (key, *fields))
    places = ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM {Extract._meta.db_table} AS extract "  # noqa: S608 - names of the models
            f"LEFT JOIN {table} AS found ON found.extract_id = extract.id AND found.{key} IN ({places}) "
            "WHERE extract.kind = %s AND extract.state = %s",
            [*sorted(values), kind.value, ExtractState.CURRENT.value],
        )
        rows = cursor.fetchall()
    return [row for row in rows if row[0] is not None] if rows else None
