"""Refused sign-ins: what the page must not tell, their owner hears; and how many there were (`accounts.sign_in.risk`).

The page writes the same row for every national ID (`counted`), before the password is compared, so that parallel
guesses are all seen; a worker looks whose it is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.life import notices
from accounts.models import EventKind, FailedSignIn, User
from common import limits
from common.leases import drain, settle

log = logging.getLogger(__name__)


@dataclass
class Try:
    """A try that is being compared, by its row."""

    row: int
    is_kept: bool = False

    def refused(self, *, right_password: bool) -> None:
        """It was. `right_password`: all was right, but the account is closed. One UPDATE."""
        kept = FailedSignIn.objects.filter(pk=self.row)
        kept.update(right_password=right_password, next_attempt_at=timezone.now())
        self.is_kept = True

    def stopped_at_code(self) -> None:
        """The password was right, and a code is asked for that nobody may ever type. One UPDATE."""
        FailedSignIn.objects.filter(pk=self.row).update(stopped_at_code=True, next_attempt_at=timezone.now())
        self.is_kept = True


@contextmanager
def counted_try(*, national_id: str, browser: str) -> Iterator[Try]:
    """A password is compared in here: a failure, committed as one before, and taken back unless it was kept.

    If the process dies meanwhile it stays a failure, and a worker looks at it later.
    """
    later = timezone.now() + limits.ACCOUNT_WORK_LEASE
    row = FailedSignIn.objects.create(national_id=national_id, browser=browser, next_attempt_at=later)
    this = Try(row.pk)
    try:
        yield this
    finally:
        if not this.is_kept:
            FailedSignIn.objects.filter(pk=this.row).delete()


def notify_due(*, seconds: float = 50) -> int:
    """Tell the owners; returns how many refusals were looked at. Any number of workers, killed at any moment."""
    return drain(
        FailedSignIn, _work_on, limit=limits.ACCOUNT_WORK_BATCH, lease_for=limits.ACCOUNT_WORK_LEASE, seconds=seconds
    )


def _work_on(refusals: Sequence[FailedSignIn]) -> None:
    for refusal in refusals:
        try:
            with transaction.atomic():
                _notify(refusal)
        except Exception as error:  # it is looked at again; the others go on. No text: it may be personal.
            log.error("refused sign-in %s could not be looked at: %s", refusal.pk, type(error).__name__)


def _notify(refusal: FailedSignIn) -> None:
    whose = User.objects.filter(national_id=refusal.national_id, activated_at__isnull=False)
    account = whose.select_for_update().first()
    if account is None:
        FailedSignIn.objects.filter(pk=refusal.pk, lease=refusal.lease).delete()
        return
    if not settle(refusal):
        return
    _keep_the_newest(refusal)
    since = timezone.now() - limits.SIGN_IN_FORGET_AFTER
    if not account.is_active:
        if refusal.right_password:
            notices.record_once_a_day(account=account, kind=EventKind.CLOSED_SIGN_IN)
    elif _wrong_tries(refusal.national_id, since) >= limits.MANY_FAILURES:
        notices.record_once_a_day(account=account, kind=EventKind.MANY_FAILURES)


def _wrong_tries(national_id: str, since: datetime) -> int:
    """Those that were looked at: another one may only be compared at this moment, and be right."""
    wrong = _looked_at(national_id).filter(right_password=False, stopped_at_code=False)
    return wrong.filter(created_at__gt=since).count()


def _keep_the_newest(refusal: FailedSignIn) -> None:
    """More say nothing more, and whoever tries all night at all accounts must not fill the table."""
    alike = _looked_at(refusal.national_id).filter(counts=True, stopped_at_code=refusal.stopped_at_code)
    beyond = alike.order_by("-pk")[limits.FAILED_SIGN_INS_KEPT :]
    pks = list(beyond.values_list("pk", flat=True))
    if pks:
        FailedSignIn.objects.filter(pk__in=pks).delete()


def _looked_at(national_id: str) -> QuerySet[FailedSignIn]:
    return FailedSignIn.objects.filter(national_id=national_id, next_attempt_at__isnull=True)
