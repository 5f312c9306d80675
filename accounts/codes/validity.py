"""Decides which one-time codes of a session are valid, names the purpose under which a code is hashed, and purges old
codes.

A code is bound to its purpose, its mobile and the session that asked (`asker`, a secret of that session). Every
function here but `purge` reads the rows of one session only: no answer depends on another session's secret
(docs/decisions/0031).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from accounts.codes import sql
from accounts.codes.allowances import NEVER_SENT
from accounts.models import CodePurpose, OneTimeCode
from common import limits
from common.secrets import keyed_hashes


def oldest(now: datetime) -> datetime:
    """Rows that are not younger than this cannot be valid."""
    return now - max(limits.CODE_TO_BE_ACCEPTED_WITHIN + limits.CODE_LIFE, limits.CODE_PLACE_LIFE)


def of_asker(*, purpose: CodePurpose, mobile: str, asker: str, now: datetime) -> list[OneTimeCode]:
    """The session's rows that are young enough to be valid, each with its message. One statement."""
    return sql.of_asker(mobile=mobile, purpose=purpose, askers=keyed_hashes("asker", asker), since=oldest(now))


def live_codes(*, purpose: CodePurpose, mobile: str, asker: str, now: datetime) -> list[OneTimeCode]:
    """The session's valid codes, and its place in the number's queue."""
    rows = of_asker(purpose=purpose, mobile=mobile, asker=asker, now=now)
    return [code for code in rows if is_live(code, now)]


def is_live(code: OneTimeCode, now: datetime) -> bool:
    """Whether the code is unused (or was used within `CODE_RETRY_GRACE`) and within its life, which begins when a
    gateway accepts the message; until then, when the code was asked for. A place in the queue has a life of its own.

    The statement that counts a try says the same (`sql.count_try`)."""
    if code.used_at and code.used_at < now - limits.CODE_RETRY_GRACE:
        return False
    if code.message and code.message.state in NEVER_SENT:
        return False
    if code.next_attempt_at:
        return code.created_at + limits.CODE_PLACE_LIFE > now
    begins = code.message.sent_at if code.message and code.message.sent_at else code.created_at
    return begins + limits.CODE_LIFE > now


def gap_left(live: Sequence[OneTimeCode], now: datetime) -> int:
    """Seconds left of the minute since the session was sent its newest code. 0 after a code of the future: the clock
    was put back."""
    ends = [code.created_at + limits.CODE_GAP for code in live if code.code_hash and not code.used_at]
    return max((seconds_left(end, now) for end in ends if end <= now + limits.CODE_GAP), default=0)


def was_sent(*, purpose: CodePurpose, mobile: str, asker: str) -> bool:
    """Whether the session of `asker` has a code of `mobile` that can still be typed."""
    live = live_codes(purpose=purpose, mobile=mobile, asker=asker, now=timezone.now())
    return any(code.code_hash for code in live)


def seconds_left(until: datetime, now: datetime | None = None) -> int:
    """Whole seconds from `now` to `until`, rounded up; 0 when it is past."""
    left = (until - (now or timezone.now())).total_seconds()
    return max(0, -int(-left // 1))


def hash_purpose(code: OneTimeCode) -> str:
    """The purpose under which the code of this row is hashed (`common.secrets`): the same digits in another row give
    another hash."""
    return f"code:{code.purpose}:{code.mobile}:{code.asker}"


def purge(*, before: datetime, dry_run: bool = False) -> int:
    """Delete codes asked for before `before`; returns how many."""
    old = OneTimeCode.objects.filter(created_at__lt=before)
    return old.count() if dry_run else old.delete()[0]
