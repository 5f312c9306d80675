"""Another mobile number: password, code to the new number, its owner asked from the registry, the old one told."""

from __future__ import annotations

from accounts import notices
from accounts.models import EventKind, MobileChange, MobileChangeStage, User
from tamin_portal.persian import mask_mobile


def owner_answered(*, account: User, change: MobileChange, matched: bool) -> None:
    """The registry said whose the new number is. In the caller's transaction, which has locked the account.

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
    """No registry answered in the life of this change: it is over, and may be begun again."""
    if account.is_active and _move(change, MobileChangeStage.LATE):
        notices.record(account=account, kind=EventKind.MOBILE_LATE, actor=notices.PORTAL)


def _move(change: MobileChange, stage: MobileChangeStage) -> bool:
    return bool(MobileChange.objects.filter(pk=change.pk, stage=MobileChangeStage.OWNER_ASKED).update(stage=stage))
