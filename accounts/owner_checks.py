"""Asks the registry of mobile owners the queued questions of recoveries and changes of number, and applies the answers.

`accounts.life.owner_check_queue` queues them. An outage decides nothing: the question is asked again after growing
pauses until the recovery or the change is over; and soon, once the registry answers again.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection, Sequence

from django.db import transaction
from django.utils import timezone

from accounts.models import ChallengeStage, MobileChangeStage, OwnerCheck, User
from accounts.profile import mobile_change
from accounts.recovery import service as recovery_service
from common import limits
from common.leases import bring_forward, drain, settle
from identity import services as identity
from identity.configuration import OWNER
from identity.matching import Outcome
from identity.services import OwnerQuestion

log = logging.getLogger(__name__)

ANSWERS = (Outcome.MATCH, Outcome.MISMATCH)  # every other outcome is no answer


def check_due(*, seconds: float = 50) -> int:
    """Ask all questions that are due; returns how many were claimed. Any number of workers may run, and may be killed
    at any moment."""
    return drain(OwnerCheck, _work, limit=limits.OWNER_CHECK_BATCH, lease_for=limits.OWNER_CHECK_LEASE, seconds=seconds)


def _work(checks: Sequence[OwnerCheck]) -> None:
    still = OwnerCheck.objects.select_related("account", "challenge", "change").in_bulk([check.pk for check in checks])
    asked = []
    for check in checks:
        row = still.get(check.pk)
        if row is None:
            continue  # deleted with its account
        row.lease, row.attempts = check.lease, check.attempts  # as claimed, whoever has the lease now
        if _still_waits(row) and not _is_over(row):
            asked.append(row)
        else:
            _conclude_safely(row, None)
    answered = []
    questions = [OwnerQuestion(check.account.national_id, check.mobile, check.attempts) for check in asked]
    for number, outcome in identity.owners(questions):
        _conclude_safely(asked[number], outcome)
        if outcome in ANSWERS:
            answered.append(asked[number])
    _release(answered)


def _still_waits(check: OwnerCheck) -> bool:
    """Whether the answer is still needed: each inquiry may cost money."""
    if not check.account.is_active:
        return False
    if check.change:
        return bool(check.change.stage == MobileChangeStage.OWNER_ASKED)
    return bool(check.challenge and check.challenge.stage == ChallengeStage.OWNER_ASKED)


def _is_over(check: OwnerCheck) -> bool:
    life = limits.OWNER_CHECK_LIFE if check.change_id else limits.RECOVERY_LEFT_ALONE
    return check.created_at < timezone.now() - life


def _conclude_safely(check: OwnerCheck, outcome: Outcome | None) -> None:
    try:
        with transaction.atomic():
            _conclude(check, outcome)
    except Exception as error:  # it is asked again after its lease; the others go on. The text may be personal.
        log.error("owner check %s could not be concluded: %s", check.pk, type(error).__name__)


def _conclude(check: OwnerCheck, outcome: Outcome | None) -> None:
    """Write the answer and apply it, if the check is still this worker's. None: the registry was not asked."""
    account = User.objects.select_for_update().get(pk=check.account_id)
    if outcome in ANSWERS:
        if settle(check, outcome=outcome.value):
            _apply(check, account, matched=outcome is Outcome.MATCH)
    elif outcome and not _is_over(check):
        settle(check, outcome=outcome.value, next_attempt_at=_due_again(check))
    elif settle(check) and check.change:
        mobile_change.owner_unknown(account=account, change=check.change)


def _apply(check: OwnerCheck, account: User, *, matched: bool) -> None:
    if check.change:
        mobile_change.owner_answered(account=account, change=check.change, matched=matched)
    elif check.challenge:
        recovery_service.owner_answered(
            account=account, challenge=check.challenge, matched=matched, since=check.created_at
        )


def _due_again(check: OwnerCheck) -> dt.datetime:
    return identity.ask_again_at(
        OWNER,
        attempts=check.attempts,
        first=limits.OWNER_CHECK_FIRST_PAUSE,
        longest=limits.OWNER_CHECK_LONGEST_PAUSE,
        after_rest=limits.OWNER_CHECK_AFTER_REST,
    )


def _release(answered: Collection[OwnerCheck]) -> None:
    """Ask again at once about the other questions that these answers show to be answerable.

    A key, a quota or an extract that was missing is there for everybody. A registry that was down is back when it
    answers about somebody for whom it did not: one that fails on a single number must not be asked about it, and paid,
    each time it answers about another.
    """
    if not answered:
        return
    back = any(check.attempts > 1 for check in answered)
    checks = OwnerCheck.objects.all()
    waiting = checks.exclude(outcome="") if back else checks.filter(outcome=Outcome.MISCONFIGURED)
    bring_forward(waiting, later_than=limits.OWNER_CHECK_FIRST_PAUSE)
