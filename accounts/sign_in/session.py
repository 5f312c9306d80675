"""Keeps a sign-in that is under way in the session: a second step, a challenge or a proof. Never a password, a code or
a number.

At most one thing waits for a code: a *second step* (the password was right) or a *challenge* (a browser has to prove
the mobile on record, and is told nothing). A *proof* is a challenge that was passed: for a while it gives the browser
tries of its own, and replaces the second step.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Challenge, ChallengeStage, CodePurpose, User
from accounts.sessions.keys import change_key
from accounts.sign_in import stages
from accounts.sign_in.stages import Stage
from common import limits
from common.secrets import keyed_hash

_CHALLENGE, _PROOF = "sign_in_challenge", "sign_in_proof"


def _open_citizen(pk: int) -> User | None:
    return User.objects.filter(pk=pk, is_active=True, activated_at__isnull=False).first()


_SECOND_STEP = Stage(key="sign_in_second", hash_name="password", account_of=_open_citizen, keeps_session=True)


@dataclass(frozen=True, kw_only=True)
class PendingSecondStep:
    """What the session keeps of a second step. `asker`: the secret to which its codes are bound; `remember`: whether
    the person ticked "remember me"; `next`: where to go after the sign-in; `password_at`: when the password was right.
    """

    password_at: datetime
    asker: str
    remember: bool
    next: str


@dataclass(frozen=True, kw_only=True)
class PendingChallenge:
    """A challenge that this browser has to pass. `next`: where to go after the sign-in."""

    challenge: Challenge
    next: str


def page_of(secret: str) -> str:
    """Which page was opened for `secret`, so that two tabs are told apart. It does not reveal the secret."""
    return keyed_hash("page of a sign-in", secret)[:16]


# The second step.


def asker_of(request: HttpRequest, user: User) -> str:
    """The secret to which the codes of this sign-in are bound. It is made from the browser's CSRF secret, which is all
    that both requests of a double click share: they come before either answer and must get the same. Another person at
    this browser gets another one."""
    tied = str(request.META.get("CSRF_COOKIE") or "") or secrets.token_urlsafe(32)
    return keyed_hash("asker of a sign-in", f"{tied}:{user.pk}")


def asker_again(portal_sid: str) -> str:
    """The secret to which the codes are bound that a signed-in session asks for to prove itself again. The same for
    both presses of a double click, of which the first gives the session another key."""
    return keyed_hash("asker of a sign-in again", portal_sid)


def begin_second_step(request: HttpRequest, user: User, *, asker: str, remember: bool, next_page: str) -> None:
    """The password of `user` was right: this session waits for the code from now on, and nobody is signed in."""
    _drop(request)
    stages.begin(request, _SECOND_STEP, user, asker=asker, remember=remember, next=next_page)


def pending_second_step(request: HttpRequest) -> tuple[User, PendingSecondStep] | None:
    """Who waits for the code of the second step; None when nobody does, or no longer (too late, another password, a
    closed account)."""
    within = limits.SIGN_IN_CODE_WITHIN
    found = stages.pending(request, _SECOND_STEP, within=within, ahead=within)
    return (found.user, PendingSecondStep(password_at=found.since, **found.remembered)) if found else None


# A challenge.


def wait_for_code(request: HttpRequest, challenge: Challenge, *, next_page: str) -> None:
    """This session waits for the code of `challenge` from now on."""
    _drop(request)
    request.session[_CHALLENGE] = [str(challenge.token), next_page]


def pending_challenge(request: HttpRequest) -> PendingChallenge | None:
    """The challenge that this browser has to pass; None when there is none, or it was begun too long ago."""
    token, next_page = request.session.get(_CHALLENGE) or ("", "")
    challenge = _challenges(limits.RECOVERY_LIFE, "created_at").filter(token=token).first() if token else None
    return PendingChallenge(challenge=challenge, next=next_page) if challenge else None


def keep_proof(request: HttpRequest, challenge: Challenge) -> None:
    """The code of `challenge` was right: keep the proof in this session under a new key. The old key keeps only the
    challenge, from which a person whose answer was lost can send the same code again."""
    change_key(request.session)
    del request.session[_CHALLENGE]
    request.session[_PROOF] = str(challenge.token)


def proven_challenge(request: HttpRequest) -> Challenge | None:
    """The proof that this browser holds, for whichever account. None when there is none, its time is over, the number
    on record is another one by now, or the account's pending challenges were ended."""
    token = request.session.get(_PROOF)
    if not token:
        return None
    passed = _challenges(limits.PASSED_BY_CODE, "proven_at").filter(token=token, stage=ChallengeStage.PROVEN)
    return passed.filter(account__mobile=F("mobile")).first()


def proof_token(request: HttpRequest, national_id: str) -> str:
    """The token of the proof that this browser holds for the account with this ID; empty when there is none."""
    held = proven_challenge(request)
    return str(held.token) if held and held.national_id == national_id else ""


# The end.


def clear(request: HttpRequest) -> None:
    """The sign-in succeeded: remove everything of it from the session, and use up the proof."""
    token = request.session.pop(_PROOF, None)
    if token:
        Challenge.objects.filter(token=token, stage=ChallengeStage.PROVEN).update(stage=ChallengeStage.DONE)
    _drop(request)


def _drop(request: HttpRequest) -> None:
    """Neither a second step nor a challenge waits in this session any more."""
    stages.end(request, _SECOND_STEP)
    request.session.pop(_CHALLENGE, None)


def _challenges(within: timedelta, since: str) -> Any:
    """The challenges of sign-ins whose time in the column `since` lies less than `within` ago. A time further in the
    future does not count either: a clock was changed."""
    now = timezone.now()
    return Challenge.objects.filter(purpose=CodePurpose.SIGN_IN, **{f"{since}__range": (now - within, now + within)})
