"""Reads the receipts that gateways have pushed (`sms.receipts` keeps them) and applies their reports.

A receipt whose message is not known yet is held, and read again, for `limits.RECEIPT_HELD`. One that cannot be read is
marked as malformed and raises an alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from common import alarms, backoff, leases, limits
from common.models import AlarmCode
from sms import routing
from sms.gateways import base
from sms.models import Receipt, ReceiptState
from sms.reports import applying, ids

_TRIES_TO_MATCH = 5  # a receipt without a message after so many tries, most of a minute, counts as unmatched


def drain(*, seconds: float = limits.RECEIPT_TIME) -> int:
    """Read the receipts that are due, for `seconds` at most; returns how many were read.

    The time is short, because polling waits in the same queue.
    """
    return leases.drain(Receipt, _work, limit=limits.RECEIPT_BATCH, lease_for=limits.RECEIPT_LEASE, seconds=seconds)


def purge(*, before: datetime, dry_run: bool = False) -> int:
    """Delete raw receipts that came before `before`; returns how many."""
    old = Receipt.objects.filter(received_at__lt=before, next_attempt_at__isnull=True)
    return old.count() if dry_run else old.delete()[0]


def _work(batch: list[Receipt]) -> None:
    """A group is written in one transaction: a commit of its own for each receipt takes most of its time."""
    teacher = ids.Teacher()
    for first in range(0, len(batch), limits.RECEIPT_GROUP):
        with transaction.atomic():
            for row in batch[first : first + limits.RECEIPT_GROUP]:
                _read(row, teacher)
    teacher.close()


def _read(row: Receipt, teacher: ids.Teacher) -> None:
    gateway = routing.by_name(row.gateway)
    if gateway is None:
        leases.settle(row, state=ReceiptState.UNMATCHED, detail="no such gateway")
        return
    pushed = base.PushedReceipt(row.method, row.query, row.content_type, bytes(row.body))
    try:
        reports = list(gateway.read_receipts(pushed))
    except Exception as error:  # any exception: a bug of an adapter must not lose the receipt
        _mark_malformed(row, error)
        return
    known, fault = _apply_each(row, reports, teacher)
    now = timezone.now()
    settled = all(known) if row.attempts < _TRIES_TO_MATCH else row.attempts == _TRIES_TO_MATCH
    if settled and any(not report.to for report in reports):  # one with `to` may be a phone's
        teacher.note(row.gateway, matched=all(known))
    if all(known) and fault is None:
        leases.settle(row, state=ReceiptState.DONE)
    elif all(known) and fault is not None:
        _mark_malformed(row, fault)
    elif now >= row.received_at + limits.RECEIPT_HELD:
        leases.settle(row, state=ReceiptState.UNMATCHED)
    else:
        pause = backoff.listed_exactly(row.attempts, limits.RECEIPT_RETRIES)
        leases.settle(row, state=ReceiptState.HELD, next_attempt_at=now + pause)


def _apply_each(
    row: Receipt, reports: Sequence[base.Receipt], teacher: ids.Teacher
) -> tuple[list[bool], Exception | None]:
    """For each of `reports` whether it had a message; and the error of the last one that could not be applied. One that
    fails does not stop the others."""
    known, fault = [], None
    for report in reports:
        try:
            with transaction.atomic():  # a savepoint: an error of the database spoils this report alone
                meant = teacher.resolve(row.gateway, report)
                known.append(meant is not None and applying.apply(row.gateway, meant, row.received_at))
        except (OperationalError, InterfaceError):
            raise  # the database failed: the receipt is due again when the lease is over
        except Exception as error:
            fault = error
    return known, fault


def _mark_malformed(row: Receipt, error: Exception) -> None:
    """Only the text of a `Malformed` is stored; the text of other errors may quote the request."""
    reason = (str(error) if isinstance(error, base.Malformed) else type(error).__name__)[:120]
    leases.settle(row, state=ReceiptState.MALFORMED, detail=reason)
    alarms.sound(AlarmCode.RECEIPTS, row.gateway, reason)
