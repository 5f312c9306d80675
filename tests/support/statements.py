"""How many statements something costs, as the database gets them: with BEGIN, COMMIT and savepoints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext

CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


@contextmanager
def at_most(postgresql: int, *, sqlite: int) -> Iterator[list[str]]:
    """Fails with the list of statements if there are more, each of several that were sent together counted by itself;
    those that begin and end transactions count too. Holds the statements afterwards."""
    sent: list[str] = []
    with CaptureQueriesContext(connection) as queries:
        yield sent
    sent += [" ".join(query["sql"].split()) for query in queries]
    most = postgresql if connection.vendor == "postgresql" else sqlite
    count = sum(len([part for part in statement.split(";") if part.strip()]) for statement in sent)
    listed = "\n".join(f"{number:3} {statement[:160]}" for number, statement in enumerate(sent, 1))
    assert count <= most, f"{count} statements instead of {most}:\n{listed}"


def without_control(statements: list[str]) -> list[str]:
    """Those that do not begin or end a transaction."""
    return [statement for statement in statements if not statement.startswith(CONTROL)]
