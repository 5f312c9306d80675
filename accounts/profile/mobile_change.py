"""Changes the mobile number: the password, a code to the new number, its owner asked from the registry, the old number
told."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.codes import issuing, trying
from accounts.life import notices, owner_check_queue
from accounts.life.locking import OPEN_CHANGES, end_mobile_changes, open_account, open_with_password
from accounts.models import (
    Allowance,
    CodePurpose,
    EventKind,
    MobileChange,
    MobileChangeStage,
    OneTimeCode,
    OwnerCheck,
    User,
)
from common import limits
from common.errors import PortalError
from common.persian import mask_mobile


@transaction.atomic
def begin(*, account: User, checked: str, mobile: str, operator: str, browser: str = "") -> MobileChange:
    """Begin a change and send a code to the new number. An open change of another number ends.

    Raises PortalError: account_closed, changed_meanwhile, same_number, mobile_limit (`retry_at`: the account has given
    too many numbers within a day), and those of `issuing.issue`; then nothing was begun, and what was open before stays
    open.
    """
    row = open_with_password(account=account, checked=checked)
    if mobile == row.mobile:
        raise PortalError("same_number")
    change = MobileChange.objects.filter(account=row, mobile=mobile, stage__in=OPEN_CHANGES).first()
    if change is None:
        _refuse_too_many(row)
        end_mobile_changes(account=row)
        change = MobileChange.objects.create(account=row, mobile=mobile, operator=operator)
        notices.record(account=row, kind=EventKind.MOBILE_ASKED, browser=browser, mobile=mask_mobile(mobile))
    if change.stage == MobileChangeStage.CODE_SENT:
        change.operator, change.created_at = operator, timezone.now()
        change.save(update_fields=["operator", "created_at"])
        _issue(change)
    return change


def _refuse_too_many(account: User) -> None:
    """Raise mobile_limit after too many changes within a day. Each number has limits of its own only: without this one
    account could send SMS to any number of numbers."""
    day, now = timedelta(days=1), timezone.now()
    begun = MobileChange.objects.filter(account=account, created_at__gt=now - day).order_by("-created_at")
    times = begun.values_list("created_at", flat=True)[: limits.MOBILE_CHANGES_PER_DAY]
    if len(times) == limits.MOBILE_CHANGES_PER_DAY:
        raise PortalError("mobile_limit", retry_at=times[limits.MOBILE_CHANGES_PER_DAY - 1] + day)


def newest(*, account: User) -> MobileChange | None:
    """The last change of this account that was begun, whatever became of it."""
    return MobileChange.objects.filter(account=account).order_by("-pk").first()


def waits_for_code(change: MobileChange) -> bool:
    """Whether its code can still be typed."""
    in_time = change.created_at > timezone.now() - limits.MOBILE_CHANGE_LIFE
    return change.stage == MobileChangeStage.CODE_SENT and in_time


def owner_check(change: MobileChange) -> OwnerCheck | None:
    """The question to the registry of mobile owners, once the code was right."""
    return OwnerCheck.objects.filter(change=change).first()


def resend(*, change: MobileChange) -> issuing.Issued:
    """Send another code to the new number. Raises PortalError: change_over, and those of `issuing.issue`."""
    if not waits_for_code(change):
        raise PortalError("change_over")
    return _issue(change)


def confirm(*, change: MobileChange, typed_code: str) -> MobileChange:
    """Check the typed code, and ask the registry who owns the new number. Outside any transaction.

    Raises PortalError: account_closed, change_over (ended, or too late), and those of `trying.try_code`.
    """
    code = trying.try_code(
        purpose=CodePurpose.NEW_MOBILE, mobile=change.mobile, asker=str(change.token), typed=typed_code
    )
    return _ask_owner(change, code)


@transaction.atomic
def _ask_owner(change: MobileChange, code: OneTimeCode) -> MobileChange:
    account = open_account(account=change.account)
    row = MobileChange.objects.select_for_update().get(pk=change.pk)
    trying.consume(code, used_for=str(row.token))
    if row.stage == MobileChangeStage.OWNER_ASKED:
        return row  # the same right code again, after a lost answer
    if not waits_for_code(row):
        raise PortalError("change_over")
    row.stage = MobileChangeStage.OWNER_ASKED
    row.save(update_fields=["stage"])
    owner_check_queue.enqueue(account=account, mobile=row.mobile, change=row)
    return row


def _issue(change: MobileChange) -> issuing.Issued:
    return issuing.issue(
        purpose=CodePurpose.NEW_MOBILE,
        mobile=change.mobile,
        asker=str(change.token),
        operator=change.operator,
        allowance=Allowance.SIGNED_IN,
    )


def owner_answered(*, account: User, change: MobileChange, matched: bool) -> None:
    """Finish the change by the registry's answer. In the caller's transaction, which has locked the account.

    A change that was ended meanwhile (a freeze, a new password) stays ended.
    """
    stage = MobileChangeStage.DONE if matched else MobileChangeStage.MISMATCHED
    if not account.is_active or not _move(change, stage):
        return
    new = mask_mobile(change.mobile)
    if not matched:
        notices.record(account=account, kind=EventKind.MOBILE_REFUSED, actor=notices.PORTAL, mobile=new)
        return
    old, account.mobile = account.mobile, change.mobile
    account.save(update_fields=["mobile"])
    notices.record(account=account, kind=EventKind.MOBILE_CHANGED, sms_to=(old, change.mobile), mobile=new)


def owner_unknown(*, account: User, change: MobileChange) -> None:
    """End the change: no registry answered in its life. It may be begun again."""
    if account.is_active and _move(change, MobileChangeStage.LATE):
        notices.record(account=account, kind=EventKind.MOBILE_LATE, actor=notices.PORTAL)


def _move(change: MobileChange, stage: MobileChangeStage) -> bool:
    return bool(MobileChange.objects.filter(pk=change.pk, stage=MobileChangeStage.OWNER_ASKED).update(stage=stage))
