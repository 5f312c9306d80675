"""Records refused sign-ins; a worker notifies the owner. `accounts.sign_in.risk` counts the rows.

A page must not tell whether there is an account: `sql.count_try` writes the same row for every national ID, and a
worker finds the account. The row is written before the password is compared, so that parallel guesses are all counted.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.life import notices
from accounts.models import EventKind, FailedSignIn, User
from common import limits
from common.abuse.conduct import Mark
from common.leases import drain, settle

log = logging.getLogger(__name__)


@dataclass
class Try:
    """One try whose password is being compared, by the primary key of its row."""

    row: int
    is_kept: bool = False
    known: tuple[Mark, Mapping[int, int]] | None = None  # what `risk` has read of the conduct of who is right here

    def refused(self, *, right_password: bool) -> None:
        """Keep the row: the sign-in was refused. `right_password`: the password was right, but the account is closed.
        One UPDATE."""
        kept = FailedSignIn.objects.filter(pk=self.row)
        kept.update(right_password=right_password, next_attempt_at=timezone.now())
        self.is_kept = True

    def stopped_at_code(self) -> None:
        """Keep the row: the password was right, and a code is required that may never be typed. One UPDATE."""
        FailedSignIn.objects.filter(pk=self.row).update(stopped_at_code=True, next_attempt_at=timezone.now())
        self.is_kept = True

    def passes(self) -> None:
        """Keep the row for `sql.admit`, which deletes it: the password was right, and nothing else is required."""
        self.is_kept = True


@contextmanager
def counted_try(row: int) -> Iterator[Try]:
    """A try that was counted (`sql.count_try`) while its password is compared. Its row is deleted at the end unless the
    try was kept.

    If the process dies meanwhile, the row stays a failure, and a worker looks at it later.
    """
    this = Try(row)
    try:
        yield this
    finally:
        if not this.is_kept:
            FailedSignIn.objects.filter(pk=this.row).delete()


def notify_due(*, seconds: float = 50) -> int:
    """Notify the owners of refused sign-ins that are due; returns how many rows were looked at. Any number of workers
    may run, and may be killed at any moment."""
    return drain(
        FailedSignIn, _work_on, limit=limits.ACCOUNT_WORK_BATCH, lease_for=limits.ACCOUNT_WORK_LEASE, seconds=seconds
    )


def _work_on(refusals: Sequence[FailedSignIn]) -> None:
    for refusal in refusals:
        try:
            with transaction.atomic():
                _notify(refusal)
        except Exception as error:  # it is looked at again; the others go on. The error's text may be personal.
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
    """How many wrong passwords there were since `since`. Only rows that a worker has looked at: another one may be
    compared at this moment, and be right."""
    wrong = _looked_at(national_id).filter(right_password=False, stopped_at_code=False)
    return wrong.filter(created_at__gt=since).count()


def _keep_the_newest(refusal: FailedSignIn) -> None:
    """Delete all but the newest rows: more of them say nothing more, and an attacker who tries all accounts all night
    must not fill the table."""
    alike = _looked_at(refusal.national_id).filter(counts=True, stopped_at_code=refusal.stopped_at_code)
    beyond = alike.order_by("-pk")[limits.FAILED_SIGN_INS_KEPT :]
    pks = list(beyond.values_list("pk", flat=True))
    if pks:
        FailedSignIn.objects.filter(pk__in=pks).delete()


def _looked_at(national_id: str) -> QuerySet[FailedSignIn]:
    return FailedSignIn.objects.filter(national_id=national_id, next_attempt_at__isnull=True)
