"""Queues what services have to be told, in the transaction in which the grants ended."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime

from django.utils import timezone

from common import limits, purging
from common.errors import PortalError
from common.hints import hint
from openid import subjects
from openid.models import EndReason, Grant, LogoutNotice

log = logging.getLogger(__name__)

TASK = "openid.tell_services"
Told = set[tuple[int, str]]  # service and sid


def enqueue(grants: Collection[Grant], *, reason: EndReason, told: Told) -> None:
    """Queue one notice for each session at a service that came of `grants` and is not in `told`, and add it there.

    A service without an address for sign-outs is not told, nor one that has ended the grant itself. A code that was
    never exchanged has begun no session anywhere.
    """
    rows, now = [], timezone.now()
    for grant in grants:
        name = (grant.service_id, grant.sid)
        knows = grant.code_used_at is not None and reason != EndReason.REVOKED
        if not knows or not grant.service.backchannel_logout_uri or name in told:
            continue
        told.add(name)
        rows.append(
            LogoutNotice(
                service=grant.service,
                sid=grant.sid,
                subject=_subject_of(grant),
                reason=reason,
                next_attempt_at=now,
            )
        )
    if rows:
        LogoutNotice.objects.bulk_create(rows, batch_size=limits.ENDED_TOGETHER)
        hint(TASK)


def _subject_of(grant: Grant) -> str:
    """The citizen's name at the service; empty if there is none at the moment. The token then names the session alone,
    which is enough: a freeze must not fail because a key is missing."""
    try:
        return subjects.subject_of(account=grant.account, service=grant.service)
    except PortalError as error:
        log.error("a sign-out goes without a subject (%s)", error.code)
        return ""


def purge(*, before: datetime, dry_run: bool = False) -> int:
    """Delete notices that were told or given up before `before`; returns how many."""
    return purging.delete(LogoutNotice.objects.filter(final_at__lt=before), dry_run=dry_run)
