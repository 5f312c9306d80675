"""Purges what is over: proofs, changes, links, failed sign-ins and their counters, and unused devices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import (
    Challenge,
    EmailChange,
    FailedSignIn,
    FreezeLink,
    MobileChange,
    SignInFailures,
    TrustedDevice,
)
from common import limits, purging


def purge_proofs(*, before: datetime, dry_run: bool = False) -> int:
    """Delete proofs and changes from before `before`, and rows whose own time is over; returns how many.

    The history stays: it is in the events.
    """
    now = timezone.now()
    over: list[QuerySet[Any]] = [
        Challenge.objects.filter(created_at__lt=before),
        MobileChange.objects.filter(created_at__lt=before),
        EmailChange.objects.filter(created_at__lt=before),
        FreezeLink.objects.filter(created_at__lt=before),
        FailedSignIn.objects.filter(counts=False, created_at__lt=now - limits.SIGN_IN_FORGET_AFTER),
        FailedSignIn.objects.filter(counts=True, created_at__lt=now - limits.FAILED_SIGN_INS_COUNT),
        TrustedDevice.objects.filter(used_at__lt=now - limits.TRUSTED_FOR),
    ]
    if dry_run:
        return sum(rows.count() for rows in over)
    return sum(rows.delete()[1].get(rows.model._meta.label, 0) for rows in over)  # without the rows deleted with them


def purge_failures(*, before: datetime, dry_run: bool = False) -> int:
    """Delete counters of failed sign-ins whose last failure was before `before`; returns how many."""
    return purging.delete(SignInFailures.objects.filter(last_at__lt=before), dry_run=dry_run)
