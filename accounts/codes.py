"""One-time codes: ask, try, consume.

A code is bound to purpose, mobile and the session that asked (`asker`, a secret of that session),
so that a stranger's guesses never burn the owner's code. Only a keyed hash is stored. Limits are
in `tamin_portal.limits`; all are counted in the database.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import CodePurpose, OneTimeCode, User
from sms import budget, outbox, texts
from sms.models import MessageKind, MessageState, Share
from tamin_portal import limits
from tamin_portal.errors import PortalError
from tamin_portal.leases import lock_name
from tamin_portal.persian import fold_number
from tamin_portal.secrets import keyed_hash, keyed_hash_matches, keyed_hashes

# A message in one of these never reached a phone: its code does not count towards the limits.
_NEVER_SENT = (MessageState.EXPIRED, MessageState.FAILED, MessageState.CANCELLED)
# The same session repeating its right code this soon lost our answer on the way; it gets it again.
RETRY_GRACE = timedelta(seconds=60)


@dataclass(frozen=True)
class Issued:
    """`sent`: an SMS is on its way; else the number had one less than a minute ago. `wait`: seconds
    until this number may get another."""

    sent: bool
    wait: int


def issue(*, purpose: CodePurpose, mobile: str, asker: str, operator: str = "") -> Issued:
    """Send a code for `purpose` to `mobile`, for the session that holds the secret `asker`.

    Raises PortalError: "code_limit" (`retry_at`) when the hour's or the day's codes of this number (`_recent`)
    are used up, "code_budget" (`retry_at`) when its share of the day's budget is.
    """
    with transaction.atomic():
        lock_name(f"code:{mobile}")
        now = timezone.now()
        recent = _recent(mobile, now, purpose)
        wait = _gap_left(recent, now)
        if wait:
            _let_asker_try(purpose=purpose, mobile=mobile, asker=asker, now=now)
            return Issued(sent=False, wait=wait)
        retry_at = _limit_hit([at for at, state in recent if state not in _NEVER_SENT], now)
        if retry_at:
            raise PortalError("code_limit", retry_at=retry_at)
        share = _share(mobile)
        retry_at = budget.next_part(share)
        if retry_at:
            raise PortalError("code_budget", retry_at=retry_at)
        _send(purpose=purpose, mobile=mobile, asker=asker, operator=operator, now=now, share=share)
    return Issued(sent=True, wait=int(limits.CODE_GAP.total_seconds()))


def count_on_nothing(*, purpose: CodePurpose, mobile: str, asker: str) -> None:
    """A row that counts tries as for a code, where none may be sent: `mobile` is a decoy that is nobody's."""
    OneTimeCode.objects.create(purpose=purpose, mobile=mobile, asker=keyed_hash("asker", asker))


def wait(*, mobile: str, purpose: CodePurpose | None = None) -> int:
    """Seconds until `mobile` may get another code for `purpose`; 0: now."""
    now = timezone.now()
    return _gap_left(_recent(mobile, now, purpose, since=limits.CODE_GAP), now)


def seconds_left(until: datetime, now: datetime | None = None) -> int:
    """Whole seconds from `now` to `until`, rounded up; 0 when it is past."""
    left = (until - (now or timezone.now())).total_seconds()
    return max(0, -int(-left // 1))


def try_code(*, purpose: CodePurpose, mobile: str, asker: str, typed: str) -> OneTimeCode:
    """The code that `typed` is. Counts one try first, in a committed step of its own.

    Call it outside any transaction, then `consume` the answer inside the one that decides. Raises
    PortalError: code_wrong, code_expired (nothing of this session is alive), code_tries (all tries
    used), code_other_device (right, but asked for elsewhere; `wait` seconds to one of one's own).
    """
    mine = _count_try(purpose=purpose, mobile=mobile, asker=asker)
    typed = fold_number(typed)
    for code in mine:
        if keyed_hash_matches(_binding(code), typed, code.code_hash):
            return code
    if any(keyed_hash_matches(_binding(code), typed, code.code_hash) for code in _others(purpose, mobile, asker)):
        raise PortalError("code_other_device", wait=wait(mobile=mobile, purpose=purpose))
    raise PortalError("code_wrong")


def consume(code: OneTimeCode, *, used_for: str) -> None:
    """Use up `code` and the asker's other live ones. Raises PortalError("code_wrong") if it was used.

    The same session repeating it for the same thing (`used_for`) within RETRY_GRACE is answered as
    the first time: on a slow network the first answer may never have arrived.
    """
    now = timezone.now()
    askers = code.askers or [code.asker]
    fresh = OneTimeCode.objects.filter(purpose=code.purpose, mobile=code.mobile, asker__in=askers, used_at__isnull=True)
    if fresh.update(used_at=now, used_for=used_for) == 0:
        again = OneTimeCode.objects.filter(pk=code.pk, used_for=used_for, used_at__gte=now - RETRY_GRACE)
        if not again.exists():
            raise PortalError("code_wrong")


def purge(*, before: datetime, dry_run: bool = False) -> int:
    """Delete codes asked for before `before`; returns how many."""
    old = OneTimeCode.objects.filter(created_at__lt=before)
    return old.count() if dry_run else old.delete()[0]


def _share(mobile: str) -> Share:
    """Which share of the day's budget a code for `mobile` costs: that of numbers that somebody has proven, or not."""
    used = OneTimeCode.objects.filter(mobile=mobile, used_at__isnull=False)
    proven = used.exists() or User.objects.filter(mobile=mobile).exists()
    return Share.PROVEN if proven else Share.NEW


def _send(*, purpose: CodePurpose, mobile: str, asker: str, operator: str, now: datetime, share: Share) -> None:
    code = "".join(secrets.choice("0123456789") for _ in range(limits.CODE_DIGITS))
    row = OneTimeCode(purpose=purpose, mobile=mobile, asker=keyed_hash("asker", asker), created_at=now)
    row.code_hash = keyed_hash(_binding(row), code)
    row.message = outbox.enqueue(
        to=mobile,
        kind=MessageKind.CODE,
        text=texts.code(code=code, purpose_label=str(CodePurpose(purpose).label), host=settings.PUBLIC_HOST),
        dedupe_key=f"code:{uuid.uuid4()}",
        operator=operator,
        expires_at=now + limits.CODE_TO_BE_ACCEPTED_WITHIN,
        share=share,
    )
    row.save(force_insert=True)
    budget.code_was_queued(share, row.message.parts)


def _binding(code: OneTimeCode) -> str:
    return f"code:{code.purpose}:{code.mobile}:{code.asker}"


def _recent(
    mobile: str, now: datetime, purpose: CodePurpose | None, since: timedelta = timedelta(days=1)
) -> list[tuple[datetime, str]]:
    """When `mobile` got the codes that count for `purpose`, and what became of each.

    Those after a right password are counted by themselves: no stranger can cause one, so no stranger can use up or
    hold back the owner's.
    """
    rows = OneTimeCode.objects.filter(mobile=mobile, created_at__gt=now - since).exclude(code_hash="")
    alike = Q(purpose=CodePurpose.SECOND_STEP)
    rows = rows.filter(alike if purpose == CodePurpose.SECOND_STEP else ~alike)
    return list(rows.order_by("created_at").values_list("created_at", "message__state"))


def _gap_left(recent: list[tuple[datetime, str]], now: datetime) -> int:
    """Nothing after a code of the future: the clock was put back, and nobody waits until it has caught up."""
    left = seconds_left(recent[-1][0] + limits.CODE_GAP, now) if recent else 0
    return left if left <= limits.CODE_GAP.total_seconds() else 0


def _limit_hit(sent: list[datetime], now: datetime) -> datetime | None:
    """When the number may get its next code, if the hour or the day is used up."""
    for most, span in ((limits.CODES_PER_DAY, timedelta(days=1)), (limits.CODES_PER_HOUR, timedelta(hours=1))):
        within = [at for at in sent if at > now - span]
        if len(within) >= most:
            return within[-most] + span
    return None


def _let_asker_try(*, purpose: CodePurpose, mobile: str, asker: str, now: datetime) -> None:
    """A session that asked inside the gap counts its tries on a row without a code. In a crowd the newest takes
    the row of the oldest, which asks again like everybody else when the gap is over."""
    if any(_is_live(code, now) for code in _of_asker(purpose, mobile, asker, now)):
        return
    fresh = {"asker": keyed_hash("asker", asker), "created_at": now, "tries": 0, "used_at": None, "used_for": ""}
    codeless = OneTimeCode.objects.filter(purpose=purpose, mobile=mobile, code_hash="")
    crowd = list(codeless.filter(created_at__gt=now - limits.CODE_LIFE).order_by("created_at", "pk"))
    if len(crowd) < limits.CODE_ASKERS_IN_GAP:
        OneTimeCode.objects.create(purpose=purpose, mobile=mobile, **fresh)
    else:
        codeless.filter(pk=crowd[0].pk).update(**fresh)


def _of_asker(purpose: str, mobile: str, asker: str, now: datetime):  # type: ignore[no-untyped-def]
    oldest = now - limits.CODE_TO_BE_ACCEPTED_WITHIN - limits.CODE_LIFE
    return OneTimeCode.objects.filter(
        purpose=purpose, mobile=mobile, asker__in=keyed_hashes("asker", asker), created_at__gt=oldest
    ).select_related("message")


def _is_live(code: OneTimeCode, now: datetime) -> bool:
    """Unused (or used just now), and within its life: from acceptance, or from asking until then."""
    if code.used_at and code.used_at < now - RETRY_GRACE:
        return False
    if code.message and code.message.state in _NEVER_SENT:
        return False
    begins = code.message.sent_at if code.message and code.message.sent_at else code.created_at
    return begins + limits.CODE_LIFE > now


def _count_try(*, purpose: CodePurpose, mobile: str, asker: str) -> list[OneTimeCode]:
    now = timezone.now()
    with transaction.atomic():
        rows = _of_asker(purpose, mobile, asker, now).select_for_update(of=("self",))
        live = [code for code in rows if _is_live(code, now)]
        if not live:
            raise PortalError("code_expired")
        counted = [code for code in live if code.tries < limits.CODE_TRIES]
        if not counted:
            raise PortalError("code_tries")
        OneTimeCode.objects.filter(pk__in=[code.pk for code in counted]).update(tries=F("tries") + 1)
    for code in counted:
        code.askers = keyed_hashes("asker", asker)
    return counted


def _others(purpose: str, mobile: str, asker: str) -> list[OneTimeCode]:
    now = timezone.now()
    oldest = now - limits.CODE_TO_BE_ACCEPTED_WITHIN - limits.CODE_LIFE
    rows = OneTimeCode.objects.filter(
        purpose=purpose, mobile=mobile, created_at__gt=oldest, used_at__isnull=True, message__isnull=False
    ).exclude(asker__in=keyed_hashes("asker", asker))
    return [code for code in rows.select_related("message") if _is_live(code, now)]
