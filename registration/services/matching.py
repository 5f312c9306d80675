"""The matching queue: submitted rows are claimed, the registries are asked, the answer decides."""

from __future__ import annotations

import logging
import random
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from identity import services as identity
from identity.matching import Claim, Outcome, Verdict
from registration.models import Registration
from registration.services import decisions
from registration.states import State
from sms import texts
from sms.models import MessageKind
from tamin_portal import limits
from tamin_portal.errors import PortalError
from tamin_portal.hints import hint
from tamin_portal.leases import drain, settle

log = logging.getLogger(__name__)

# The only outcomes that can lead to a branch; every other non-match is held and asked again.
_TO_A_BRANCH = (Outcome.MISMATCH, Outcome.NOT_FOUND, Outcome.NEEDS_A_PERSON, Outcome.DECEASED)
_OUR_FAULT = (Outcome.MISCONFIGURED, Outcome.INVALID_INPUT)


def match_due(*, seconds: float = 50) -> int:
    """Decide submitted registrations until none is due or `seconds` have passed; returns how many
    were asked about. Safe to run in any number of workers at once, and to kill at any moment."""
    return drain(Registration, _decide_batch, limit=limits.MATCH_BATCH, lease_for=limits.MATCH_LEASE, seconds=seconds)


def match_again(*, registration: Registration) -> bool:
    """Make a held submitted registration due now. False: it is not waiting for matching."""
    with transaction.atomic():
        changed = Registration.objects.filter(pk=registration.pk, state=State.SUBMITTED).update(
            next_attempt_at=timezone.now(), lease=None
        )
        hint("registration.match")
    return bool(changed)


def match_all_again() -> int:
    """Make every held submitted registration due now; returns how many. One that a worker has is left to it."""
    with transaction.atomic():
        changed = Registration.objects.filter(state=State.SUBMITTED, lease__isnull=True).update(
            next_attempt_at=timezone.now()
        )
        hint("registration.match")
    return changed


def claim_of(row: Registration) -> Claim:
    """What the citizen says, as the registries are asked."""
    if row.birth_date is None:
        raise ValueError("only a submitted registration has a claim")
    return Claim(
        national_id=row.national_id,
        mobile=row.mobile,
        first_name=row.first_name,
        last_name=row.last_name,
        birth_date=row.birth_date,
        gender=row.gender,
        certificate_number=row.certificate_number,
        series_letter=row.series_letter,
        series_number=row.series_number,
        certificate_serial=row.certificate_serial,
    )


def _decide_batch(rows: list[Registration]) -> None:
    for row in rows:
        try:
            if row.state == State.SUBMITTED:
                decide(row, identity.check(claim=claim_of(row), attempt=row.attempts))
            else:
                settle(row)
        except Exception:  # one bad row must not hold up the others; its lease lapses and it is tried again
            log.exception("registration %s could not be decided", row.pk)


def decide(row: Registration, verdict: Verdict) -> None:
    """Act on `verdict` in one transaction, if the lease `row` was claimed with is still ours."""
    with transaction.atomic():
        decisions.hold_national_id(row.national_id)
        held = verdict.outcome != Outcome.MATCH and verdict.outcome not in _TO_A_BRANCH
        if not settle(row, next_attempt_at=_next_attempt(row, verdict) if held else None):
            return  # the lease lapsed and another worker has it, or it was decided meanwhile
        if held:
            _hold(row, verdict)
            return
        found = _as_columns(verdict)
        if verdict.outcome != Outcome.MATCH:
            decisions.refer(row, why=verdict.outcome.value, **found)
            return
        try:
            decisions.approve_matched(row, verdict=found)
        except PortalError as error:
            if error.code != "account_exists":
                raise
            decisions.supersede(row, why="account_exists")


def _hold(row: Registration, verdict: Verdict) -> None:
    if verdict.outcome in _OUR_FAULT:
        log.error("registration %s is held: %s; the operator must look", row.pk, verdict.outcome.value)
    waited = timezone.now() - (row.submitted_at or row.state_since)
    changes: dict[str, Any] = {"verdict": verdict.outcome.value}
    if row.told_of_delay_at is None and waited >= limits.MATCH_TELL_AFTER:
        changes["told_of_delay_at"] = timezone.now()
        text = texts.delayed(tracking_code=row.tracking_code or "")
        decisions.tell(row, "delayed", text, kind=MessageKind.NOTICE)
    Registration.objects.filter(pk=row.pk).update(**changes)


def _next_attempt(row: Registration, verdict: Verdict) -> Any:
    """Growing pauses with jitter; a fault of ours waits the longest pause at once."""
    if verdict.outcome in _OUR_FAULT:
        return timezone.now() + limits.MATCH_LONGEST_PAUSE
    grown = limits.MATCH_FIRST_PAUSE.total_seconds() * 2 ** min(row.attempts - 1, 20)
    pause = min(grown, limits.MATCH_LONGEST_PAUSE.total_seconds())
    return timezone.now() + timedelta(seconds=pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, no secret


def _as_columns(verdict: Verdict) -> dict[str, Any]:
    return {"verdict": verdict.outcome.value, "verdict_kind": verdict.kind, "verdict_fields": verdict.fields}
