"""Reads the receipts that gateways have pushed (`sms.receipts` keeps them) and applies their reports.

A receipt whose message is not known yet is held, and read again, for `limits.RECEIPT_HELD`. One that cannot be read is
marked as malformed and raises an alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from common import alarms, backoff, leases, limits
from common.models import AlarmCode
from sms import routing
from sms.gateways import base
from sms.models import Receipt, ReceiptState
from sms.reports import applying


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
    for row in batch:
        _read(row)


def _read(row: Receipt) -> None:
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
    known, fault = _apply_each(row, reports)
    now = timezone.now()
    if all(known) and fault is None:
        leases.settle(row, state=ReceiptState.DONE)
    elif all(known) and fault is not None:
        _mark_malformed(row, fault)
    elif now >= row.received_at + limits.RECEIPT_HELD:
        leases.settle(row, state=ReceiptState.UNMATCHED)
    else:
        pause = backoff.listed_exactly(row.attempts, limits.RECEIPT_RETRIES)
        leases.settle(row, state=ReceiptState.HELD, next_attempt_at=now + pause)


def _apply_each(row: Receipt, reports: Sequence[base.Receipt]) -> tuple[list[bool], Exception | None]:
    """For each of `reports` whether it had a message; and the error of the last one that could not be applied. One that
    fails does not stop the others."""
    known, fault = [], None
    for report in reports:
        try:
            known.append(applying.apply(row.gateway, report, row.received_at))
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
