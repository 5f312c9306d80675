"""Recovers a lost password in steps: the code to the mobile, the security answer, the owner of the mobile, the new
password. No step alone is enough.

`accounts.codes.challenges` proves the number; `standing` says which step comes next for a browser that has proven it.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.utils import timezone

from accounts.codes import challenges
from accounts.life import notices, owner_check_queue
from accounts.life.locking import end_pending, open_account
from accounts.models import AccountEvent, Challenge, ChallengeStage, CodePurpose, EventKind, TrustedDevice, User
from accounts.passwords.answers import answer_matches, hash_answer, is_current, is_slow
from accounts.passwords.rules import hash_password
from accounts.sessions.ending import end_sessions
from accounts.sessions.listeners import Reason
from accounts.sign_in import risk
from common import limits
from common.abuse import hashing_places
from common.errors import PortalError


class Step(StrEnum):
    """The steps of a recovery, and its ends."""

    CODE = "code"
    ANSWER = "answer"
    WAIT = "wait"  # until the registry of owners answers
    PASSWORD = "password"  # noqa: S105 - the name of a step
    BRANCH = "branch"  # only a branch can help
    DONE = "done"
    OVER = "over"  # it has to be begun again


@dataclass(frozen=True, slots=True)
class Standing:
    """Which step a recovery stands at. `why`, of BRANCH: closed, owner, no_answer, answers (`until`: when an answer may
    be tried again); of OVER: overtaken, mobile_changed, late."""

    step: Step
    why: str = ""
    until: datetime | None = None


def find(*, token: str) -> Challenge | None:
    """The recovery with this token, with its account and its owner check in one statement."""
    rows = Challenge.objects.select_related("account", "owner_check")
    return rows.filter(token=token, purpose=CodePurpose.RECOVERY).first()


def standing(*, challenge: Challenge) -> Standing:
    """Which step follows in a recovery whose number was proven, by what is in the database now."""
    account = challenge.account
    if account is None:
        return Standing(Step.CODE)
    if not account.is_active:
        return Standing(Step.BRANCH, "closed")
    match challenge.stage:
        case ChallengeStage.DONE:
            return Standing(Step.DONE)
        case ChallengeStage.OWNER_MISMATCHED:
            return Standing(Step.BRANCH, "owner")
    over = _why_over(challenge, account)
    if over:
        return Standing(Step.OVER, over)
    match challenge.stage:
        case ChallengeStage.PROVEN:
            return _answer_step(account)
        case ChallengeStage.OWNER_ASKED:
            return Standing(Step.WAIT)
        case ChallengeStage.OWNER_MATCHED:
            return Standing(Step.PASSWORD)
    return Standing(Step.CODE)


def needs_no_answer(*, account: User) -> bool:
    """Whether recovery needs no security answer: its owner forgot it, and a branch has seen the papers."""
    until = account.recovery_without_answer_until
    return until is not None and until > timezone.now()


def needs_question(*, challenge: Challenge) -> bool:
    """Whether a new question is chosen together with the new password: this recovery asked for no answer."""
    check, account = _owner_asked_at(challenge), challenge.account
    until = account.recovery_without_answer_until if account else None
    return until is not None and check is not None and until > check


def answer(*, challenge: Challenge, typed: str, browser: str = "") -> None:
    """Check the security answer, where one is needed, and ask the registry for the owner of the number. Outside any
    transaction.

    A try is counted in a committed step before it is compared: several browsers have no more tries than one. Raises
    PortalError: answer_wrong (`left` tries), answer_too_long, account_closed, moved_on (see `standing`), hashing_busy
    (`seconds`; nothing was compared or counted).
    """
    if len(typed) > limits.PASSWORD_LONGEST:
        raise PortalError("answer_too_long")
    account = challenge.account
    hashes = account is not None and is_slow(account.security_answer) and not needs_no_answer(account=account)
    with hashing_places.place(hashing_places.Whose.INSIDE) if hashes else nullcontext():
        stored, event, left = _count_answer(challenge, browser)
        if event and not answer_matches(typed, stored):
            raise PortalError("answer_wrong", left=left)
    with transaction.atomic():
        account, row = _locked(challenge)
        if event:  # the answer was right, even where another press of the same button was quicker
            AccountEvent.objects.filter(pk=event.pk).update(kind=EventKind.ANSWER_RIGHT)
        waits = row.stage == ChallengeStage.PROVEN and not _why_over(row, account)
        goes_on = waits and account.security_answer == stored
        if goes_on:
            if event and not is_current(stored):  # made by Argon2id or an earlier key
                account.security_answer = hash_answer(typed)
                account.save(update_fields=["security_answer"])
            Challenge.objects.filter(pk=row.pk).update(stage=ChallengeStage.OWNER_ASKED)
            owner_check_queue.enqueue(account=account, mobile=account.mobile, challenge=row)
    if not goes_on:
        raise PortalError("moved_on")


def owner_answered(*, account: User, challenge: Challenge, matched: bool, since: datetime) -> None:
    """Continue the recovery by the registry's answer. In the caller's transaction, which has locked the account.

    A recovery that was ended meanwhile stays ended; one that proved another number than the account's present one ends.
    """
    stage = ChallengeStage.OWNER_MATCHED if matched else ChallengeStage.OWNER_MISMATCHED
    if account.mobile != challenge.mobile:
        stage = ChallengeStage.ENDED
    waiting = Challenge.objects.filter(pk=challenge.pk, stage=ChallengeStage.OWNER_ASKED)
    if not account.is_active or not waiting.update(stage=stage):
        return
    if stage == ChallengeStage.OWNER_MISMATCHED:
        notices.record(account=account, kind=EventKind.RECOVERY_REFUSED, actor=notices.PORTAL)
    elif stage == ChallengeStage.OWNER_MATCHED and timezone.now() - since > limits.OWNER_CHECK_TELL_AFTER:
        notices.record(account=account, kind=EventKind.RECOVERY_READY, actor=notices.PORTAL)


def set_password(
    *, challenge: Challenge, password: str, question: str = "", answer: str = "", browser: str = ""
) -> None:
    """Set the new password, whose rules the form has checked; `question` and `answer` where a new one is chosen. Ends
    all sessions, devices and pending changes.

    Outside any transaction. The same password again, after a lost answer, changes nothing. Raises PortalError:
    same_password, account_closed, moved_on (see `standing`), hashing_busy (`seconds`).
    """
    account = challenge.account
    if account is None:
        raise PortalError("moved_on")
    with hashing_places.place(hashing_places.Whose.INSIDE):
        if check_password(password, account.password):
            if challenge.stage == ChallengeStage.DONE:
                return
            raise PortalError("same_password")
        hashed = {"password": hash_password(password)}
        if question:
            hashed |= {"security_question": question, "security_answer": hash_answer(answer)}
    if not _write_password(challenge, hashed, browser):
        account.refresh_from_db(fields=["password"])
        with hashing_places.place(hashing_places.Whose.INSIDE):
            if not check_password(password, account.password):
                raise PortalError("moved_on")


@transaction.atomic
def _write_password(challenge: Challenge, hashed: dict[str, str], browser: str) -> bool:
    """Write everything that a new password changes. False: this recovery has done it already."""
    account, row = _locked(challenge)
    step = standing(challenge=row).step
    if step == Step.DONE:
        return False
    if step != Step.PASSWORD or (needs_question(challenge=row) and "security_answer" not in hashed):
        raise PortalError("moved_on")
    now = timezone.now()
    fresh = {**hashed, "password_changed_at": now, "recovery_without_answer_until": None}
    if account.email_confirmed_at and account.email_confirmed_at > now - limits.FREEZE_LINK_LIFE:
        fresh["email_confirmed_at"] = None  # a person who was robbed recovers: the address may be the thief's
    for name, value in fresh.items():
        setattr(account, name, value)
    account.save(update_fields=list(fresh))
    Challenge.objects.filter(pk=row.pk).update(stage=ChallengeStage.DONE)
    end_pending(account=account, but=row)
    risk.clear_stopped_tries(account=account)
    end_sessions(account=account, reason=Reason.PASSWORD_CHANGED)
    TrustedDevice.objects.filter(account=account).delete()
    notices.record(account=account, kind=EventKind.RECOVERED, browser=browser)
    if "security_answer" in hashed:
        notices.record(account=account, kind=EventKind.QUESTION_CHANGED, browser=browser)
    return True


@transaction.atomic
def _count_answer(challenge: Challenge, browser: str) -> tuple[str, AccountEvent | None, int]:
    """Count a try. Returns the stored answer, the event that counts the try (None: no answer is needed), and how many
    are left."""
    account, row = _locked(challenge)
    if standing(challenge=row).step != Step.ANSWER:
        raise PortalError("moved_on")
    if needs_no_answer(account=account):
        return account.security_answer, None, 0
    event = notices.record(account=account, kind=EventKind.ANSWER_TRIED, browser=browser)
    return account.security_answer, event, limits.ANSWER_TRIES - len(_wrong_answers(account))


def _locked(challenge: Challenge) -> tuple[User, Challenge]:
    """The account and its recovery as they are now, locked to the transaction's end."""
    if challenge.account is None:
        raise PortalError("moved_on")
    account = open_account(account=challenge.account)
    row = Challenge.objects.select_for_update().get(pk=challenge.pk)
    row.account = account
    return account, row


def _answer_step(account: User) -> Standing:
    if needs_no_answer(account=account):
        return Standing(Step.ANSWER)
    if not account.security_answer:
        return Standing(Step.BRANCH, "no_answer")
    tried = _wrong_answers(account)
    if len(tried) >= limits.ANSWER_TRIES:
        return Standing(Step.BRANCH, "answers", tried[-1] + limits.ANSWER_TRIES_WITHIN)
    return Standing(Step.ANSWER)


def _wrong_answers(account: User) -> list[datetime]:
    """When wrong answers were given, the newest first; at most as many as count."""
    since = timezone.now() - limits.ANSWER_TRIES_WITHIN
    wrong = AccountEvent.objects.filter(account=account, kind=EventKind.ANSWER_TRIED, at__gt=since)
    return list(wrong.order_by("-at").values_list("at", flat=True)[: limits.ANSWER_TRIES])


def _why_over(challenge: Challenge, account: User) -> str:
    if account.mobile != challenge.mobile:
        return "mobile_changed"
    changed = account.password_changed_at
    if challenge.stage == ChallengeStage.ENDED or (changed and changed > challenge.created_at):
        return "overtaken"
    asked = _owner_asked_at(challenge)
    if asked:
        return "late" if asked < timezone.now() - limits.RECOVERY_LEFT_ALONE else ""
    return "late" if challenges.is_too_old(challenge=challenge) else ""


def _owner_asked_at(challenge: Challenge) -> datetime | None:
    """When the registry was asked for the owner of the number; None: not yet."""
    check = getattr(challenge, "owner_check", None)
    return check.created_at if check else None
