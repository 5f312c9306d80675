"""Statements whose text is written once in a thread, not at each request: queries that Django writes (`Prepared`), and
the columns of a table for those that are written by hand (`Table`).

To write the statement of a token with its grant, account, service and sector takes Django longer than all the rest of
an introspection; `raw()` and `save()` work out the same columns and conversions each time. The rows become ordinary
objects of the models, as they would by `select_related`.
"""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators
from django.db.transaction import TransactionManagementError

Row = TypeVar("Row", bound=Model)


class Prepared(Generic[Row]):
    """A query by values. `rows` makes it, for as many values as it is given; nothing but these values may be one in it,
    and in this order."""

    def __init__(self, rows: Callable[[Sequence[Any]], QuerySet[Row]]) -> None:
        self._rows = rows
        self._thread = threading.local()  # what is kept of a statement belongs to the thread's connection

    def first(self, values: Sequence[Any]) -> Row | None:
        """The only row, or none. Raises TransactionManagementError if the query locks it and there is no
        transaction."""
        found: list[Row] = self._statement(values).rows(values, at_most=1)
        return found[0] if found else None

    def all(self, values: Sequence[Any]) -> list[Row]:
        """All rows; else as `first`."""
        found: list[Row] = self._statement(values).rows(values)
        return found

    def _statement(self, values: Sequence[Any]) -> _Statement:
        known = self._thread.__dict__.setdefault("statements", {})
        statement: _Statement = known.get(len(values)) or known.setdefault(
            len(values), _Statement(self._rows(values), values)
        )
        return statement


class _Statement:
    def __init__(self, rows: QuerySet[Any], values: Sequence[Any]) -> None:
        compiler: Any = rows.query.get_compiler(connection=connection)
        self.sql, written = compiler.as_sql()
        if [str(value) for value in written] != [str(as_written(value)) for value in values]:
            raise TypeError("the values of the query are not those that were given")
        self.locks = rows.query.select_for_update
        self.converters = [
            (place, convert, expression)
            for place, (converts, expression) in compiler.get_converters(
                [column[0] for column in compiler.select]
            ).items()
            for convert in converts
        ]
        info, select = compiler.klass_info, compiler.select
        own = info["select_fields"]
        self.model, self.own = info["model"], slice(own[0], own[-1] + 1)
        self.names = [column[0].target.attname for column in select[self.own]]
        populators: Any = get_related_populators  # typed as a later Django has it
        self.related = populators(info, select, connection.alias)

    def rows(self, values: Sequence[Any], at_most: int | None = None) -> list[Any]:
        if self.locks and connection.features.has_select_for_update and connection.get_autocommit():
            raise TransactionManagementError("a row cannot be locked outside a transaction")
        with connection.cursor() as cursor:
            cursor.execute(self.sql, tuple(as_written(value) for value in values))
            found = cursor.fetchall() if at_most is None else cursor.fetchmany(at_most)
        return [self._made(list(row)) for row in found]

    def _made(self, row: list[Any]) -> Any:
        for place, convert, expression in self.converters:
            row[place] = convert(row[place], expression, connection)
        made = self.model.from_db(connection.alias, self.names, row[self.own])
        for part in self.related:
            part.populate(row, made)
        return made


class Table(Generic[Row]):
    """The table of a model, for statements by hand: its name, its columns, and what stands in them. `only`: the fields
    that are read; else all."""

    def __init__(self, model: type[Row], only: Collection[str] = ()) -> None:
        self.model, self._only = model, frozenset(only)
        self._thread = threading.local()

    @property
    def name(self) -> str:
        """The table's name, quoted."""
        return self._known.name

    @property
    def columns(self) -> str:
        """The columns that are read, quoted, with commas between them."""
        return self._known.columns

    @property
    def width(self) -> int:
        """How many columns are read."""
        return len(self._known.names)

    def columns_of(self, alias: str) -> str:
        """As `columns`, of the table under another name."""
        return ", ".join(f"{alias}.{column}" for column in self._known.columns.split(", "))

    def row(self, values: Sequence[Any]) -> Row:
        """The object of a row that was read; `values`: of `columns`, as the database gave them."""
        known, read = self._known, list(values)
        for place, convert, column in known.converters:
            read[place] = convert(read[place], column, connection)
        made: Row = self.model.from_db(connection.alias, known.names, read)
        return made

    def new(self, row: Row) -> tuple[str, str, list[Any]]:
        """What an INSERT of `row` says: the columns without the primary key, a %s for each, and the values."""
        known = self._known
        values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in known.own]
        return known.own_columns, known.own_places, values

    def insert(self, row: Row) -> None:
        """Write `row`, which is new and has no primary key yet, in one statement."""
        columns, places, values = self.new(row)
        with connection.cursor() as cursor:
            statement = f"INSERT INTO {self.name} ({columns}) VALUES ({places}) RETURNING {self._known.key}"  # noqa: S608
            cursor.execute(statement, values)
            row.pk = cursor.fetchone()[0]
        row._state.adding, row._state.db = False, connection.alias

    def changes(self, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """What an UPDATE says that sets these fields: «column = %s, …», and the values."""
        fields = [(self._known.fields[name], value) for name, value in values.items()]
        sets = ", ".join(f"{connection.ops.quote_name(str(field.column))} = %s" for field, _value in fields)
        return sets, [
            field.get_db_prep_save(value.pk if isinstance(value, Model) else value, connection)
            for field, value in fields
        ]

    @property
    def _known(self) -> _Columns:
        known: _Columns | None = self._thread.__dict__.get("columns")
        return known or self._thread.__dict__.setdefault("columns", _Columns(self.model, self._only))


class _Columns:
    def __init__(self, model: type[Model], only: Collection[str]) -> None:
        meta, quote = model._meta, connection.ops.quote_name
        every: Sequence[Any] = meta.concrete_fields
        read = [field for field in every if not only or field.name in only]
        self.own = [field for field in every if not field.primary_key]
        self.fields = {field.name: field for field in every}
        self.names = [field.attname for field in read]
        self.name, self.key = quote(meta.db_table), quote(str(meta.pk.column))
        self.columns = ", ".join(quote(field.column) for field in read)
        self.own_columns = ", ".join(quote(field.column) for field in self.own)
        self.own_places = ", ".join(["%s"] * len(self.own))
        self.converters = [
            (place, convert, column)
            for place, column in enumerate(field.cached_col for field in read)
            for convert in (*connection.ops.get_db_converters(column), *column.get_db_converters(connection))
        ]


def as_written(value: Any) -> Any:
    """A value as the database takes it in a statement by hand: moments and UUIDs are text on SQLite."""
    if isinstance(value, dt.datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, uuid.UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value
