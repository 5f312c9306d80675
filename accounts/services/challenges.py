"""A browser that is not signed in proves that it holds the mobile on record. Nothing tells whether there is an account.

`begin` and `again` write the same row for every national ID; whether somebody is there a worker finds out
(`send_due`). Without an account, or with a closed one, the same tries are counted on a decoy.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from accounts import codes, notices
from accounts.models import Challenge, ChallengeStage, CodePurpose, EventKind, User
from accounts.services.rows import open_account
from tamin_portal import limits
from tamin_portal.errors import PortalError
from tamin_portal.hints import hint
from tamin_portal.leases import drain, settle
from tamin_portal.secrets import keyed_hash

log = logging.getLogger(__name__)

_WAITS_FOR_CODE = (ChallengeStage.ASKED, ChallengeStage.CODE_SENT)
_TAKES_CODES = (*_WAITS_FOR_CODE, ChallengeStage.PROVEN)  # the last: where our answer to the first code was lost


@transaction.atomic
def begin(*, purpose: CodePurpose, national_id: str, page: str = "") -> Challenge:
    """A code for whoever holds the number of this ID's account, if there is one.

    `page`: a secret of this browser's page. The same page sent twice (a double click, each before the other was
    answered) is one challenge: the browser keeps one of two sessions, and the code must fit either.
    """
    now = timezone.now()
    token = uuid.UUID(keyed_hash("challenge", f"{purpose}:{national_id}:{page}")[:32]) if page else uuid.uuid4()
    facts = {"purpose": purpose, "national_id": national_id, "next_attempt_at": now}
    challenge, is_new = Challenge.objects.get_or_create(token=token, defaults=facts)
    if not is_new and not (challenge.stage in _WAITS_FOR_CODE and _is_younger(challenge, limits.CODE_GAP, now)):
        challenge = Challenge.objects.create(**facts)  # the page again, much later
    hint("accounts.send_codes")
    return challenge


@transaction.atomic
def again(*, challenge: Challenge) -> int:
    """Another code, unless the last was asked for less than a minute ago; returns the seconds left of it (0: asked).

    One that was ended before its code was right is asked for anew: its page looks as for every other ID and goes on
    promising codes, and nobody may wait there for one that never comes.
    """
    left = wait(challenge=challenge)
    if left:
        return left
    now = timezone.now()
    ended = Q(stage=ChallengeStage.ENDED, proven_at__isnull=True)
    waiting = Challenge.objects.filter(Q(stage__in=_TAKES_CODES) | ended, pk=challenge.pk)
    stage = Case(When(stage=ChallengeStage.ENDED, then=Value(ChallengeStage.ASKED)), default=F("stage"))
    if waiting.update(stage=stage, asked_at=now, next_attempt_at=now, lease=None):
        hint("accounts.send_codes")
    return 0


def wait(*, challenge: Challenge) -> int:
    """Seconds until this browser may ask for another code; counted alike for every ID."""
    left = codes.seconds_left(challenge.asked_at + limits.CODE_GAP)
    return left if left <= limits.CODE_GAP.total_seconds() else 0  # the clock was put back


def is_too_old(*, challenge: Challenge) -> bool:
    """Whether the time for the code, and what a recovery asks after it, is over. The same for every ID."""
    return not _is_younger(challenge, limits.RECOVERY_LIFE, timezone.now())


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
        if account.mobile != row.mobile or row.stage not in _TAKES_CODES:
            raise PortalError("code_wrong")
        codes.consume(code, used_for=asker)
        if row.stage != ChallengeStage.PROVEN:  # the same right code again, after a lost answer
            row.stage, row.proven_at, row.next_attempt_at = ChallengeStage.PROVEN, timezone.now(), None
            row.save(update_fields=["stage", "proven_at", "next_attempt_at"])
    return row


def send_due(*, seconds: float = 50) -> int:
    """Send the codes that were asked for; returns how many challenges were looked at. For a worker."""
    return drain(
        Challenge,
        _send,
        limit=limits.ACCOUNT_WORK_BATCH,
        lease_for=limits.ACCOUNT_WORK_LEASE,
        order=("asked_at", "id"),  # of two that wait for a number's next code, who asked first
        seconds=seconds,
    )


def _send(challenges: list[Challenge]) -> None:
    for challenge in challenges:
        try:
            with transaction.atomic():
                _look(challenge)
        except Exception as error:  # its lease lapses and it is looked at again; the others go on. No text: a number
            log.error("challenge %s could not be worked on: %s", challenge.pk, type(error).__name__)


def _look(challenge: Challenge) -> None:
    """Whether somebody is there, and send the code, if the challenge is still this worker's."""
    with_id = User.objects.select_for_update().filter(national_id=challenge.national_id, activated_at__isnull=False)
    account = with_id.first()
    row = Challenge.objects.select_for_update().filter(pk=challenge.pk, lease=challenge.lease).first()
    if row is None:
        return
    if row.stage not in _TAKES_CODES or is_too_old(challenge=row):
        settle(challenge)
    elif row.stage == ChallengeStage.PROVEN and (account is None or account.mobile != row.mobile):
        settle(challenge, stage=ChallengeStage.ENDED)  # what this browser has proven is not the number any more
    elif account is None or not account.is_active:
        _send_nothing(challenge, account)
    else:
        _settle(challenge, account.mobile, _send_code(challenge, account.mobile), account_id=account.pk)


def _send_code(challenge: Challenge, mobile: str) -> datetime | None:
    """Send it, or say when to: somebody else has just had a code sent to this number."""
    purpose, asker = CodePurpose(challenge.purpose), str(challenge.token)
    try:
        issued = codes.issue(purpose=purpose, mobile=mobile, asker=asker)
    except PortalError:  # the number's hour or day, or the budget, is used up: the page has said so for everybody
        codes.count_on_nothing(purpose=purpose, mobile=mobile, asker=asker)
        return None
    return None if issued.sent else timezone.now() + timedelta(seconds=issued.wait)


def _send_nothing(challenge: Challenge, account: User | None) -> None:
    mobile = _decoy(challenge)
    codes.count_on_nothing(purpose=CodePurpose(challenge.purpose), mobile=mobile, asker=str(challenge.token))
    _settle(challenge, mobile, None)
    if account:  # only its owner hears that it is closed
        notices.record_once_a_day(account=account, kind=EventKind.CLOSED_SIGN_IN)


def _settle(challenge: Challenge, mobile: str, due: datetime | None, **changes: int) -> None:
    """`due`: when the code that is owed can be sent; None: it was, or there is none."""
    stage = ChallengeStage.ASKED if due else ChallengeStage.CODE_SENT
    if challenge.stage == ChallengeStage.PROVEN:
        stage = ChallengeStage.PROVEN
    settle(challenge, next_attempt_at=due, mobile=mobile, stage=stage, **changes)


def _decoy(challenge: Challenge) -> str:
    """A number that is nobody's, always the same for an ID."""
    return f"-{keyed_hash('decoy', challenge.national_id)[:12]}"


def _is_younger(challenge: Challenge, age: timedelta, now: datetime) -> bool:
    return challenge.created_at > now - age
