"""Rows of values that a statement reads as a table, sent as one parameter.

`INSERT … VALUES` with a place for each value is parsed, analysed and bound value by value: for fifty rows of a dozen
columns that takes Python three times, and PostgreSQL half as long again, as one JSON text does. The statement is the
same for any number of rows, and on SQLite it meets no limit of parameters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import CharField, Field, JSONField, Model, TextField


class Recordset:
    """The table `new` with these columns, each of its field's type. `FROM {table}` in a statement, and `written(rows)`
    in its place among the parameters. An empty column of a row is None."""

    def __init__(self, fields: Mapping[str, Field[Any, Any]]) -> None:
        self._fields = fields

    @property
    def table(self) -> str:
        """What stands after FROM."""
        is_postgresql = connection.vendor == "postgresql"
        elements = "jsonb_array_elements(%s::jsonb)" if is_postgresql else "json_each(%s)"
        columns = (
            f"{_on_postgresql(place, field) if is_postgresql else _on_sqlite(place)} AS {name}"
            for place, (name, field) in enumerate(self._fields.items())
        )
        return f"(SELECT {', '.join(columns)} FROM {elements}) AS new"  # noqa: S608 - names come from the code

    @staticmethod
    def written(rows: Iterable[Sequence[Any]]) -> str:
        """`rows`, each with its values in the order of the columns: what JSON knows, dates, moments and UUIDs."""
        return json.dumps([*rows], ensure_ascii=False, separators=(",", ":"), default=_as_text)


def insert(
    model: type[Model],
    columns: tuple[str, ...],
    rows: Iterable[Sequence[Any]],
    *,
    same: Mapping[str, Any],
    unless: str = "",
    returning: tuple[str, ...] = (),
) -> list[tuple[Any, ...]]:
    """Insert a row of `model` for each of `rows`, which have the values of `columns`, in one statement.

    `same`: values by column that all get; the other columns get their field's default. `unless`: the unique key
    (columns, and the condition of a partial one) by which a row that is there already stays as it is. Returns the
    columns `returning` of the rows that were written, in any order, as the database has them.
    """
    statement, shared = _insertion(connection.vendor, model, columns, unless, returning)
    values = [
        field.get_db_prep_save(same[name] if name in same else field.get_default(), connection)
        for name, field in shared.items()
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, Recordset.written(rows)])
        return cursor.fetchall() if returning else []


@cache
def _insertion(
    _vendor: str, model: type[Model], columns: tuple[str, ...], unless: str, returning: tuple[str, ...]
) -> tuple[str, dict[str, Field[Any, Any]]]:
    """The statement, and the columns that have the same value in all rows, in the order of their places."""
    quote = connection.ops.quote_name
    fields = {str(field.column): field for field in model._meta.concrete_fields if not field.primary_key}
    shared = {name: field for name, field in fields.items() if name not in columns}
    table = Recordset({quote(name): fields[name] for name in columns}).table
    taken = [*(["%s"] * len(shared)), *(f"new.{quote(name)}" for name in columns)]
    statement = (
        f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(map(quote, (*shared, *columns)))}) "  # noqa: S608
        f"SELECT {', '.join(taken)} FROM {table} "
    )
    if unless:  # WHERE: without it SQLite takes ON for a part of the FROM before it
        statement += f"WHERE true ON CONFLICT {unless} DO NOTHING "
    if returning:
        statement += f"RETURNING {', '.join(map(quote, returning))}"
    return statement, shared


def _on_postgresql(place: int, field: Field[Any, Any]) -> str:
    """A text is not cast: a cast would shorten one that is too long for its column, which the column itself refuses."""
    if isinstance(field, JSONField):
        return f"value -> {place}"
    taken = f"value ->> {place}"
    return taken if isinstance(field, CharField | TextField) else f"({taken})::{field.cast_db_type(connection)}"


def _on_sqlite(place: int) -> str:
    return f"json_extract(value, '$[{place}]')"


def _as_text(value: object) -> str:
    """As a database reads it from a text."""
    if isinstance(value, datetime):
        return str(connection.ops.adapt_datetimefield_value(value))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value) if connection.features.has_native_uuid_field else value.hex
    raise TypeError(f"a {type(value).__name__} is no value of a record")
