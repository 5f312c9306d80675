"""A browser that is not signed in proves that it holds the mobile on record. Nothing tells whether there is an account.

`begin` and `again` write the same row for every national ID; whether somebody is there a worker finds out
(`send_due`). Without an account, or with a closed one, the same tries are counted on a decoy.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts import codes, notices
from accounts.models import Challenge, ChallengeStage, CodePurpose, EventKind, User
from accounts.services.rows import open_account
from tamin_portal import limits
from tamin_portal.errors import PortalError
from tamin_portal.hints import hint
from tamin_portal.leases import drain, settle
from tamin_portal.secrets import keyed_hash

_WAITS_FOR_CODE = (ChallengeStage.ASKED, ChallengeStage.CODE_SENT)


@transaction.atomic
def begin(*, purpose: CodePurpose, national_id: str) -> Challenge:
    """A code for whoever holds the number of this ID's account, if there is one. One INSERT."""
    challenge = Challenge.objects.create(purpose=purpose, national_id=national_id, next_attempt_at=timezone.now())
    hint("accounts.send_codes")
    return challenge


@transaction.atomic
def again(*, challenge: Challenge) -> int:
    """Another code, unless the last was asked for less than a minute ago; returns the seconds left of it (0: asked)."""
    left = wait(challenge=challenge)
    if left:
        return left
    now = timezone.now()
    waiting = Challenge.objects.filter(pk=challenge.pk, stage__in=_WAITS_FOR_CODE)
    if waiting.update(stage=ChallengeStage.ASKED, asked_at=now, next_attempt_at=now, lease=None):
        hint("accounts.send_codes")
    return 0


def wait(*, challenge: Challenge) -> int:
    """Seconds until this browser may ask for another code; counted alike for every ID."""
    left = (challenge.asked_at + limits.CODE_GAP - timezone.now()).total_seconds()
    return max(0, -int(-left // 1))


def prove(*, challenge: Challenge, typed_code: str) -> Challenge:
    """The code was right: this browser holds the number on record. Outside any transaction.

    Raises PortalError: code_wrong (whatever is wrong with it, or nobody is there), code_other_device (right, but
    asked for by another browser), account_closed (closed since the code was sent).
    """
    asker = str(challenge.token)
    try:
        code = codes.try_code(
            purpose=CodePurpose(challenge.purpose),
            mobile=challenge.mobile or _decoy(challenge),
            asker=asker,
            typed=typed_code,
        )
    except PortalError as error:
        if error.code == "code_other_device":
            raise
        raise PortalError("code_wrong") from None
    with transaction.atomic():
        if challenge.account is None:
            raise PortalError("code_wrong")
        account = open_account(account=challenge.account)
        row = Challenge.objects.select_for_update().get(pk=challenge.pk)
        if account.mobile != row.mobile or row.stage not in (*_WAITS_FOR_CODE, ChallengeStage.PROVEN):
            raise PortalError("code_wrong")
        codes.consume(code, used_for=asker)
        if row.stage != ChallengeStage.PROVEN:  # the same right code again, after a lost answer
            row.stage, row.proven_at, row.next_attempt_at = ChallengeStage.PROVEN, timezone.now(), None
            row.save(update_fields=["stage", "proven_at", "next_attempt_at"])
    return row


def send_due(*, seconds: float = 50) -> int:
    """Send the codes that were asked for; returns how many challenges were looked at. For a worker."""
    return drain(
        Challenge, _send, limit=limits.ACCOUNT_WORK_BATCH, lease_for=limits.ACCOUNT_WORK_LEASE, seconds=seconds
    )


def _send(challenges: list[Challenge]) -> None:
    for challenge in challenges:
        with transaction.atomic():
            account = User.objects.filter(national_id=challenge.national_id, activated_at__isnull=False).first()
            if account is None or not account.is_active:
                _send_nothing(challenge, account)
                continue
            due = _send_code(challenge, account.mobile)
            settle(
                challenge,
                next_attempt_at=due,
                account_id=account.pk,
                mobile=account.mobile,
                stage=ChallengeStage.ASKED if due else ChallengeStage.CODE_SENT,
            )


def _send_code(challenge: Challenge, mobile: str):  # type: ignore[no-untyped-def]
    """Send it, or say when to: somebody else has just had a code sent to this number."""
    try:
        issued = codes.issue(purpose=CodePurpose(challenge.purpose), mobile=mobile, asker=str(challenge.token))
    except PortalError:  # the number's hour or day, or the budget, is used up: the page has said so for everybody
        return None
    too_old = challenge.created_at < timezone.now() - limits.RECOVERY_LIFE
    return None if issued.sent or too_old else timezone.now() + timedelta(seconds=issued.wait)


def _send_nothing(challenge: Challenge, account: User | None) -> None:
    mobile = _decoy(challenge)
    codes.count_on_nothing(purpose=CodePurpose(challenge.purpose), mobile=mobile, asker=str(challenge.token))
    settle(challenge, mobile=mobile, stage=ChallengeStage.CODE_SENT)
    if account:  # only its owner hears that it is closed
        notices.record(account=account, kind=EventKind.CLOSED_SIGN_IN, actor=notices.PORTAL)


def _decoy(challenge: Challenge) -> str:
    """A number that is nobody's, always the same for an ID."""
    return f"-{keyed_hash('decoy', challenge.national_id)[:12]}"
