"""Leases on rows that are work: claim due rows, work on them, settle them. Used by SMS, e-mail, receipts and matching.

The database is the queue. A row whose `next_attempt_at` is past is due. A claim writes a lease into the row and moves
`next_attempt_at` to the lease's end, so that a row whose worker died becomes due again by itself. `settle` writes only
while the lease is still this worker's (compare-and-set), so a worker that was stopped for longer than its lease changes
nothing. Nothing here knows what the work is.
"""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from django.db import connection, models
from django.db.models import QuerySet
from django.utils import timezone

Row = TypeVar("Row", bound="Leased")
Taken = TypeVar("Taken")
HOLD_NAME = "pg_advisory_xact_lock(hashtextextended(%s, 0))"  # PostgreSQL: locks one name, as `lock_name`
Skip = tuple[tuple[str, ...], Collection[tuple[str, ...]]]  # columns, and the values to skip


class Leased(models.Model):
    """A row that is work. `next_attempt_at` null: nothing to do."""

    next_attempt_at = models.DateTimeField(null=True, blank=True, editable=False)
    lease = models.UUIDField(null=True, blank=True, editable=False)
    attempts = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        abstract = True


def claim(
    model: type[Row],
    *,
    limit: int,
    lease_for: timedelta,
    order: tuple[str, ...] = ("next_attempt_at",),
    skip: Sequence[Skip] = (),
    only: Mapping[str, int] | None = None,
) -> list[Row]:
    """Claim up to `limit` due rows for `lease_for`, in `order`, without those in `skip`; `only` those that have these
    numbers in these columns. One statement."""
    conditions = [_others(each) for each in skip]
    others = "".join(condition for condition, _values in conditions)
    others += "".join(f" AND {connection.ops.quote_name(column)} = %s" for column in only or {})
    chosen = [value for _condition, values in conditions for value in values] + list((only or {}).values())
    columns = [str(field.column) for field in model._meta.concrete_fields]
    parameters = _claim_parameters(chosen, limit, uuid.uuid4(), lease_for)
    rows = model._default_manager.raw(_claim_statement(model, order, others, columns), parameters)
    # The rows come in any order, and the claim has just made `next_attempt_at` equal: then the older row goes first.
    return sorted(rows, key=lambda row: (*(getattr(row, name) for name in order), row.pk))


def claim_values(
    model: type[Leased],
    read: Sequence[str],
    *,
    lease: uuid.UUID,
    limit: int,
    lease_for: timedelta,
    order: tuple[str, ...],
    queued: str,
) -> list[tuple[Any, ...]]:
    """As `claim`, for who needs only the columns `read`, as the database has them: a model's objects take longer than
    the statement. `lease`: a fresh one, which is written into the rows; `order` ends with the primary key; `queued`:
    the condition of the queue's index, which every row in it keeps until it is settled."""
    statement = _claim_statement(model, order, f" AND {queued}", (*order, *read))
    with connection.cursor() as cursor:
        cursor.execute(statement, _claim_parameters((), limit, lease, lease_for))
        return [row[len(order) :] for row in sorted(cursor.fetchall())]


def _claim_parameters(chosen: Sequence[Any], limit: int, lease: uuid.UUID, lease_for: timedelta) -> list[Any]:
    now, adapt = timezone.now(), connection.ops.adapt_datetimefield_value
    return [adapt(now), *chosen, limit, as_stored(lease), adapt(now + lease_for)]


def _claim_statement(model: type[Leased], order: tuple[str, ...], others: str, read: Sequence[str]) -> str:
    """PostgreSQL skips rows another worker is claiming; SQLite has one writer at a time anyway."""
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    columns = ", ".join(map(quote, read))
    ordering = ", ".join(map(quote, order))
    unlocked = "FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    which = f"next_attempt_at <= %s{others}"
    due = f"SELECT id FROM {table} WHERE {which} ORDER BY {ordering} LIMIT %s {unlocked}"  # noqa: S608
    # MATERIALIZED: the planner may otherwise run the locking subquery again and claim beyond the limit.
    return (
        f"WITH due AS MATERIALIZED ({due}) "  # noqa: S608 - names come from the model
        f"UPDATE {table} SET lease = %s, next_attempt_at = %s, attempts = attempts + 1 "
        f"WHERE id IN (SELECT id FROM due) RETURNING {columns}"
    )


def _others(skip: Skip) -> tuple[str, list[Any]]:
    """The condition that excludes `skip`, and its parameters."""
    columns, values = skip
    if not values:
        return "", []
    names = ", ".join(map(connection.ops.quote_name, columns))
    places = ", ".join(["%s"] * len(columns))
    rows = ", ".join([f"({places})"] * len(values))
    return f" AND ({names}) NOT IN (VALUES {rows})", list(itertools.chain.from_iterable(values))


def as_stored(value: uuid.UUID) -> Any:
    """A lease as raw statements write and read it."""
    return value if connection.features.has_native_uuid_field else value.hex


def settle(row: Leased, *, next_attempt_at: Any = None, **changes: Any) -> bool:
    """Write `changes` and give the row back, if the lease is still ours. False: it is not.

    `next_attempt_at`: when it is due again; None: it is finished. Call it in the transaction that holds whatever else
    the decision writes.
    """
    if row.lease is None:  # given back already: `lease IS NULL` must not pass for ours
        return False
    changes |= {"lease": None, "next_attempt_at": next_attempt_at}
    won = type(row)._default_manager.filter(pk=row.pk, lease=row.lease).update(**changes)
    if won:
        for name, value in changes.items():
            setattr(row, name, value)
    return bool(won)


def settle_many(model: type[Leased], column: str, each: Mapping[int, int | str], **changes: Any) -> None:
    """Finish many rows in one statement: `each` gives the value of `column` by primary key, `changes` apply to all. The
    caller has locked the rows and checked their leases."""
    meta, quote = model._meta, connection.ops.quote_name
    table, changes = quote(meta.db_table), {**changes, "lease": None, "next_attempt_at": None}
    fields = {field.name: field for field in meta.concrete_fields}
    into_all = "".join(f", {quote(str(fields[name].column))} = %s" for name in changes)
    rows = ", ".join(["(%s, %s)"] * len(each))
    values: list[Any] = [*itertools.chain.from_iterable(each.items())]
    values += [fields[name].get_db_prep_save(value, connection) for name, value in changes.items()]
    with connection.cursor() as cursor:  # bulk_update (a CASE WHEN for each row) costs as much as all the rest
        cursor.execute(
            f"WITH new(id, value) AS (VALUES {rows}) UPDATE {table} "  # noqa: S608 - names come from the model
            f"SET {quote(column)} = new.value{into_all} FROM new WHERE {table}.id = new.id",
            values,
        )


def bring_forward(rows: QuerySet[Row], *, later_than: timedelta = timedelta(0)) -> int:
    """Make those of `rows` due now that nobody has claimed and that would be due in more than `later_than`; returns how
    many. For when what they waited for has come."""
    now = timezone.now()
    return rows.filter(lease__isnull=True, next_attempt_at__gt=now + later_than).update(next_attempt_at=now)


def drain(
    model: type[Row],
    work: Callable[[list[Row]], None],
    *,
    limit: int,
    lease_for: timedelta,
    order: tuple[str, ...] = ("next_attempt_at",),
    seconds: float = 50,
) -> int:
    """Claim and `work` on batch after batch until nothing is due or `seconds` have passed.

    Returns how many rows were claimed. Must not run inside a transaction: the claim has to be committed before the work
    starts.
    """
    return work_off(lambda: claim(model, limit=limit, lease_for=lease_for, order=order), work, seconds=seconds)


def work_off(take: Callable[[], list[Taken]], work: Callable[[list[Taken]], None], *, seconds: float = 50) -> int:
    """As `drain`, with what `take` claims."""
    refuse_inside_transaction()
    ends, total = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        rows = take()
        if not rows:
            break
        work(rows)
        total += len(rows)
    return total


def refuse_inside_transaction() -> None:
    """Raise if a transaction is open: claims must be committed before the work on them starts."""
    if connection.in_atomic_block:
        raise RuntimeError("draining inside a transaction would work on uncommitted claims")


def lock_name(name: str) -> None:
    """As `lock_names`, for one name."""
    lock_names([name])


def lock_names(names: Collection[str]) -> None:
    """Lock `names` until the current transaction ends: no two transactions hold the same name at once.

    PostgreSQL: advisory locks, always taken in the same order. SQLite: transactions are immediate, so there is only one
    writer.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("lock_names() needs a transaction to hold the locks")
    if connection.vendor == "postgresql" and names:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(key) FROM "
                "(SELECT DISTINCT hashtextextended(name, 0) AS key FROM unnest(%s) AS name ORDER BY key) AS keys",
                [sorted(names)],
            )
