"""Reads one row with what belongs to it by a statement that Django writes once in a thread, not at each request.

To write the statement of a token with its grant, account, service and sector takes Django longer than all the rest of
an introspection. The rows become ordinary objects of the models, as they would by `select_related`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators
from django.db.transaction import TransactionManagementError

Row = TypeVar("Row", bound=Model)


class Prepared(Generic[Row]):
    """A query by values that finds one row or none. `rows` makes it, for as many values as it is given; nothing but
    these values may be one in it, and in this order."""

    def __init__(self, rows: Callable[[Sequence[Any]], QuerySet[Row]]) -> None:
        self._rows = rows
        self._thread = threading.local()  # what is kept of a statement belongs to the thread's connection

    def first(self, values: Sequence[Any]) -> Row | None:
        """The row. Raises TransactionManagementError if the query locks it and there is no transaction."""
        known = self._thread.__dict__.setdefault("statements", {})
        statement = known.get(len(values)) or known.setdefault(len(values), _Statement(self._rows(values), values))
        found: Row | None = statement.first(values)
        return found


class _Statement:
    def __init__(self, rows: QuerySet[Any], values: Sequence[Any]) -> None:
        compiler: Any = rows.query.get_compiler(connection=connection)
        self.sql, written = compiler.as_sql()
        if [str(value) for value in written] != [str(value) for value in values]:
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

    def first(self, values: Sequence[Any]) -> Any:
        if self.locks and connection.features.has_select_for_update and connection.get_autocommit():
            raise TransactionManagementError("a row cannot be locked outside a transaction")
        with connection.cursor() as cursor:
            cursor.execute(self.sql, tuple(values))
            found = cursor.fetchone()
        if found is None:
            return None
        row = list(found)
        for place, convert, expression in self.converters:
            row[place] = convert(row[place], expression, connection)
        made = self.model.from_db(connection.alias, self.names, row[self.own])
        for part in self.related:
            part.populate(row, made)
        return made
