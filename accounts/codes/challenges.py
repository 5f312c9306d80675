"""Lets a browser that is not signed in prove the mobile on record by a code, without telling whether there is an
account.

`begin` and `ask_again` write the same row for every national ID; a worker finds the account and sends the code
(`send_due`). Without an account, or with a closed one, the tries are counted on a decoy, as for a code.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from accounts.codes import held_turns, issuing, requesters, trying, validity
from accounts.codes.requesters import Requester
from accounts.life import notices
from accounts.life.locking import open_account
from accounts.models import (
    Allowance,
    Challenge,
    ChallengeStage,
    CodePurpose,
    EventKind,
    OneTimeCode,
    TrustedDevice,
    User,
)
from common import limits
from common.abuse.origins import Origin
from common.errors import PortalError
from common.hints import hint
from common.leases import drain, settle
from common.secrets import keyed_hash

log = logging.getLogger(__name__)

_WAITS_FOR_CODE = (ChallengeStage.ASKED, ChallengeStage.CODE_SENT)
_TAKES_CODES = (*_WAITS_FOR_CODE, ChallengeStage.PROVEN)  # PROVEN: the answer to the first code was lost


def begin(
    *,
    purpose: CodePurpose,
    national_id: str,
    origin: Origin,
    page: str = "",
    trusted: TrustedDevice | None = None,
    paid: bool = False,
) -> Challenge:
    """Ask for a code to the mobile of this ID's account, if there is one. Outside any transaction.

    `origin`: where it was asked for; `paid`: a proof of work came with the request; `trusted`: the trusted device of
    the account's owner, if this browser is one: nobody else can use up its codes.

    `page`: a secret of this browser's page. The same page sent twice (a double click, each before the other was
    answered) is one challenge: the browser keeps one of two sessions, and the code must fit either.
    """
    now = timezone.now()
    token = uuid.UUID(keyed_hash("challenge", f"{purpose}:{national_id}:{page}")[:32]) if page else uuid.uuid4()
    by = requesters.weigh(origin=origin, paid=paid or trusted is not None)
    facts = {"purpose": purpose, "national_id": national_id} | _requester_fields(by, trusted)
    with transaction.atomic():
        challenge, is_new = Challenge.objects.get_or_create(token=token, defaults=facts)
        if not is_new and not (challenge.stage in _WAITS_FOR_CODE and _is_younger(challenge, limits.CODE_GAP, now)):
            challenge = Challenge.objects.create(**facts)  # the page again, much later
        if challenge.is_held:
            held_turns.take(challenge, origin=origin, rank=by.rank)
        hint("accounts.send_codes")
    return challenge


def ask_again(*, challenge: Challenge, origin: Origin, trusted: TrustedDevice | None = None, paid: bool = False) -> int:
    """Ask for another code, unless the last was asked for less than a minute ago; returns the seconds left of that
    minute (0: asked). Outside any transaction; parameters as for `begin`.

    A challenge that was ended before its code was right is asked for anew: its page looks as for every other ID and
    goes on promising codes, and nobody may wait there for one that never comes.
    """
    left = wait(challenge=challenge)
    if left:
        return left
    by, now = requesters.weigh(origin=origin, paid=paid or trusted is not None), timezone.now()
    ended = Q(stage=ChallengeStage.ENDED, proven_at__isnull=True)
    stage = Case(When(stage=ChallengeStage.ENDED, then=Value(ChallengeStage.ASKED)), default=F("stage"))
    with transaction.atomic():
        waiting = Challenge.objects.filter(Q(stage__in=_TAKES_CODES) | ended, pk=challenge.pk)
        if waiting.update(stage=stage, asked_at=now, lease=None, **_requester_fields(by, trusted)):
            if by.is_held:
                held_turns.take(challenge, origin=origin, rank=by.rank)
            hint("accounts.send_codes")
    return 0


def wait(*, challenge: Challenge) -> int:
    """Seconds until this browser may ask for another code; the same for every ID."""
    left = validity.seconds_left(challenge.asked_at + limits.CODE_GAP)
    return left if left <= limits.CODE_GAP.total_seconds() else 0  # the clock was put back


def is_too_old(*, challenge: Challenge) -> bool:
    """Whether the time is over for the code, and for what a recovery asks after it. The same for every ID."""
    return not _is_younger(challenge, limits.RECOVERY_LIFE, timezone.now())


def prove(*, challenge: Challenge, typed_code: str) -> Challenge:
    """Check the typed code; returns the proven challenge: this browser holds the number on record. Outside any
    transaction.

    Raises PortalError: account_closed (closed since the code was sent), or code_elsewhere, whatever is wrong and also
    where there is no account (`wait`: seconds until this page may ask for another code, or, if it `comes`, until it is
    sent by itself; the same for every ID).
    """
    asker = str(challenge.token)
    refusal = PortalError("code_elsewhere", wait=wait(challenge=challenge), comes=challenge.is_held)
    try:
        code = trying.try_code(
            purpose=CodePurpose(challenge.purpose),
            mobile=challenge.mobile or _decoy_number(challenge),
            asker=asker,
            typed=typed_code,
        )
        return _proven(challenge, code, asker)
    except PortalError as error:
        raise (error if error.code == "account_closed" else refusal) from None


def _proven(challenge: Challenge, code: OneTimeCode, asker: str) -> Challenge:
    with transaction.atomic():
        if challenge.account is None:
            raise PortalError("code_wrong")
        account = open_account(account=challenge.account)
        row = Challenge.objects.select_for_update().get(pk=challenge.pk)
        if account.mobile != row.mobile or row.stage not in _TAKES_CODES:
            raise PortalError("code_wrong")
        trying.consume(code, used_for=asker)
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
        order=("asked_at", "id"),  # of two that wait for a number's next code, the one asked for first
        seconds=seconds,
    )


def _send(challenges: list[Challenge]) -> None:
    for challenge in challenges:
        try:
            with transaction.atomic():
                _work_on(challenge)
        except (
            Exception
        ) as error:  # it is looked at again after its lease; the others go on. The text may hold a number
            log.error("challenge %s could not be worked on: %s", challenge.pk, type(error).__name__)


def _work_on(challenge: Challenge) -> None:
    """Find the account and send the code, if the challenge is still this worker's."""
    with_id = User.objects.select_for_update().filter(national_id=challenge.national_id, activated_at__isnull=False)
    account = with_id.first()
    row = Challenge.objects.select_for_update().filter(pk=challenge.pk, lease=challenge.lease).first()
    if row is None:
        return
    if row.stage not in _TAKES_CODES or is_too_old(challenge=row):
        settle(challenge)
    elif row.stage == ChallengeStage.PROVEN and (account is None or account.mobile != row.mobile):
        settle(challenge, stage=ChallengeStage.ENDED)  # another number is on record than the proven one
    elif account is None or not account.is_active:
        _send_nothing(challenge, account)
    else:
        _settle(challenge, _send_code(challenge, account.mobile), account_id=account.pk)


def _send_code(challenge: Challenge, mobile: str) -> str:
    """Send a code, or give it a place in the number's queue, from where it is sent by itself. Returns the number it
    goes to. Where the number's hour or day, or the budget, is used up: a decoy number, unless an earlier code can still
    be typed."""
    purpose, asker = CodePurpose(challenge.purpose), str(challenge.token)
    session: dict[str, Any] = {"purpose": purpose, "mobile": mobile, "asker": asker}
    try:
        issuing.issue(
            **session,
            allowance=Allowance.TRUSTED if challenge.is_trusted else Allowance.ASKED,
            by=requesters.of_challenge(challenge),
        )
    except PortalError:
        goes_on = challenge.stage == ChallengeStage.PROVEN or validity.was_sent(**session)
        return mobile if goes_on else _write_decoy(challenge)
    return mobile


def _send_nothing(challenge: Challenge, account: User | None) -> None:
    _settle(challenge, _write_decoy(challenge))
    if account:  # only the owner is told that it is closed
        notices.record_once_a_day(account=account, kind=EventKind.CLOSED_SIGN_IN)


def _write_decoy(challenge: Challenge) -> str:
    """Write a decoy, on which tries are counted as on a code; returns its number."""
    mobile = _decoy_number(challenge)
    issuing.create_decoy(purpose=CodePurpose(challenge.purpose), mobile=mobile, asker=str(challenge.token))
    return mobile


def _settle(challenge: Challenge, mobile: str, **changes: int) -> None:
    stage = ChallengeStage.CODE_SENT
    if challenge.stage == ChallengeStage.PROVEN:
        stage = ChallengeStage.PROVEN
    settle(challenge, next_attempt_at=None, mobile=mobile, stage=stage, **changes)


def _requester_fields(by: Requester, trusted: TrustedDevice | None) -> dict[str, Any]:
    """The columns that keep who asked, as weighed."""
    return {
        "address": by.origin.address,
        "network": by.origin.network,
        "is_good": by.is_good,
        "is_held": by.is_held,
        "is_trusted": trusted is not None,
        "next_attempt_at": None if by.is_held else timezone.now(),
    }


def release(*, challenge: Challenge) -> bool:
    """Send a held code: a proof of work came, or its turn. True: it was held."""
    held = Challenge.objects.filter(pk=challenge.pk, is_held=True)
    released = bool(held.update(is_held=False, next_attempt_at=timezone.now()))
    if released:
        held_turns.leave(challenge)
        hint("accounts.send_codes")
    return released


def release_called() -> int:
    """Release the held challenges whose turn has come; returns how many. For a worker."""
    called = Challenge.objects.filter(pk__in=held_turns.call(Challenge), is_held=True)
    return called.update(is_held=False, next_attempt_at=timezone.now())


def _decoy_number(challenge: Challenge) -> str:
    """A number that belongs to nobody, always the same for an ID."""
    return f"-{keyed_hash('decoy', challenge.national_id)[:12]}"


def _is_younger(challenge: Challenge, age: timedelta, now: datetime) -> bool:
    return challenge.created_at > now - age
