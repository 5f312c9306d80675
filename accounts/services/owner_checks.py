"""The queue of questions to the registry of mobile owners: for recoveries and changes of number.

An outage decides nothing: it is asked again, ever later, until the thing that waits for it is over.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import OwnerCheck, User
from accounts.services import mobile_change, recovery
from identity import services as identity
from identity.matching import Claim, Outcome
from tamin_portal import limits
from tamin_portal.leases import drain, settle

log = logging.getLogger(__name__)


def check_due(*, seconds: float = 50) -> int:
    """Ask about all that is due; returns how many were claimed. Any number of workers, killed at any moment."""
    return drain(OwnerCheck, _ask, limit=limits.OWNER_CHECK_BATCH, lease_for=limits.OWNER_CHECK_LEASE, seconds=seconds)


def _ask(checks: Sequence[OwnerCheck]) -> None:
    people = User.objects.in_bulk([check.account_id for check in checks])
    asked = [check for check in checks if people[check.account_id].birth_date]
    for number, outcome in identity.owners([_claim(people[check.account_id], check.mobile) for check in asked]):
        try:
            _conclude(asked[number], outcome)
        except (
            Exception
        ) as error:  # its lease lapses and it is asked again; the others go on. No text: it may be personal.
            log.error("owner check %s could not be concluded: %s", asked[number].pk, type(error).__name__)


def _conclude(check: OwnerCheck, outcome: Outcome) -> None:
    """Write what the registry said and act on it, in one transaction, if the check is still this worker's."""
    with transaction.atomic():
        account = User.objects.select_for_update().get(pk=check.account_id)
        if outcome not in (Outcome.MATCH, Outcome.MISMATCH):
            if not _is_over(check):
                settle(check, outcome=outcome.value, next_attempt_at=timezone.now() + _pause(check.attempts))
                return
            if settle(check, outcome=outcome.value) and check.change:
                mobile_change.owner_unknown(account=account, change=check.change)
            return
        if not settle(check, outcome=outcome.value):
            return
        matched = outcome is Outcome.MATCH
        if check.change:
            mobile_change.owner_answered(account=account, change=check.change, matched=matched)
        elif check.challenge:
            recovery.owner_answered(account=account, challenge=check.challenge, matched=matched, since=check.created_at)


def _is_over(check: OwnerCheck) -> bool:
    life = limits.OWNER_CHECK_LIFE if check.change_id else limits.RECOVERY_LEFT_ALONE
    return check.created_at < timezone.now() - life


def _pause(attempts: int) -> timedelta:
    pause = limits.OWNER_CHECK_FIRST_PAUSE * 2 ** min(attempts - 1, 10)
    return min(pause, limits.OWNER_CHECK_LONGEST_PAUSE) * random.uniform(0.8, 1.2)  # noqa: S311 - no secret


def _claim(account: User, mobile: str) -> Claim:
    """Only the ID and the number are asked about; the rest is what a claim has."""
    if account.birth_date is None:
        raise ValueError("a citizen has a birth date")
    return Claim(
        national_id=account.national_id,
        mobile=mobile,
        first_name=account.first_name,
        last_name=account.last_name,
        birth_date=account.birth_date,
        gender=account.gender,
        certificate_number="",
        series_letter="",
        series_number="",
        certificate_serial="",
    )
