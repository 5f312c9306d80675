"""What a session remembers of a sign-in that is under way. Never a password, a code or a number.

At most one thing waits for a code: a *second step* (the password was right) or a *challenge* (somebody wants to prove
the mobile on record, and is told nothing). A *proof* is a challenge that was passed: for a while it gives the browser
tries of its own, and stands for the second step.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
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
    """What the second step remembers: `asker` is the secret that its codes are bound to, `remember` what the person
    said of the device, `next` where to go afterwards."""

    asker: str
    remember: bool
    next: str


@dataclass(frozen=True, kw_only=True)
class PendingChallenge:
    """A challenge of this browser, and where to go after the sign-in."""

    challenge: Challenge
    next: str


def page_of(secret: str) -> str:
    """Which of two tabs a page was opened for; says nothing of the secret."""
    return keyed_hash("page of a sign-in", secret)[:16]


# The second step.


def asker_of(request: HttpRequest, user: User) -> str:
    """The same for both requests of a double click, which come before either answer: the browser's CSRF secret is all
    that they share. Another person at this browser has another one."""
    tied = str(request.META.get("CSRF_COOKIE") or "") or secrets.token_urlsafe(32)
    return keyed_hash("asker of a sign-in", f"{tied}:{user.pk}")


def begin_second_step(request: HttpRequest, user: User, *, asker: str, remember: bool, next_page: str) -> None:
    """The password of `user` was right: from now on this session waits for the code, and nobody is signed in."""
    _drop(request)
    stages.begin(request, _SECOND_STEP, user, asker=asker, remember=remember, next=next_page)


def pending_second_step(request: HttpRequest) -> tuple[User, PendingSecondStep] | None:
    """Who waits for the code of the second step; None: nobody, or not any more (time, another password, closed)."""
    within = limits.SIGN_IN_CODE_WITHIN
    found = stages.pending(request, _SECOND_STEP, within=within, ahead=within)
    return (found.user, PendingSecondStep(**found.remembered)) if found else None


# A challenge.


def wait_for_code(request: HttpRequest, challenge: Challenge, *, next_page: str) -> None:
    """This browser waits for the code of `challenge`."""
    _drop(request)
    request.session[_CHALLENGE] = [str(challenge.token), next_page]


def pending_challenge(request: HttpRequest) -> PendingChallenge | None:
    """The challenge that this browser has to pass; None: none, or it was begun too long ago."""
    token, next_page = request.session.get(_CHALLENGE) or ("", "")
    challenge = _challenges(limits.RECOVERY_LIFE, "created_at").filter(token=token).first() if token else None
    return PendingChallenge(challenge=challenge, next=next_page) if challenge else None


def keep_proof(request: HttpRequest, challenge: Challenge) -> None:
    """The code was right: the proof goes into a session with a new key. The old one keeps nothing but the challenge,
    from which a person whose answer was lost can send the same code again."""
    change_key(request.session)
    del request.session[_CHALLENGE]
    request.session[_PROOF] = str(challenge.token)


def proven_challenge(request: HttpRequest) -> Challenge | None:
    """The proof that this browser holds, whoever's. It ends with its time, and with what ends all that is pending."""
    token = request.session.get(_PROOF)
    if not token:
        return None
    passed = _challenges(limits.PASSED_BY_CODE, "proven_at").filter(token=token, stage=ChallengeStage.PROVEN)
    return passed.filter(account__mobile=F("mobile")).first()


def proof_token(request: HttpRequest, national_id: str) -> str:
    """Which proof this browser holds for the account with this ID; "": none."""
    held = proven_challenge(request)
    return str(held.token) if held and held.national_id == national_id else ""


# The end.


def clear(request: HttpRequest) -> None:
    """The sign-in succeeded; nothing of it is left in the session, and a proof serves once."""
    token = request.session.pop(_PROOF, None)
    if token:
        Challenge.objects.filter(token=token, stage=ChallengeStage.PROVEN).update(stage=ChallengeStage.DONE)
    _drop(request)


def _drop(request: HttpRequest) -> None:
    """Neither a second step nor a challenge waits any more."""
    stages.end(request, _SECOND_STEP)
    request.session.pop(_CHALLENGE, None)


def _challenges(within: timedelta, since: str) -> Any:
    """A moment in the future is no better than one too long ago: a clock was moved."""
    now = timezone.now()
    return Challenge.objects.filter(purpose=CodePurpose.SIGN_IN, **{f"{since}__range": (now - within, now + within)})
