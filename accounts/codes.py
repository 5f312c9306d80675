"""One-time codes: ask, try, consume.

A code is bound to purpose, mobile and the session that asked (`asker`, a secret of that session), and is compared with
what that session types, and with nothing else: no answer depends on another session's secret (docs/decisions/0031).
Only a keyed hash is stored. Limits are in `tamin_portal.limits`; all are counted in the database. Which session gets
a number's next code is in `accounts.code_places`.
"""

from __future__ import annotations

import math
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts import code_places, code_turns
from accounts.asking import NOBODY, Asking
from accounts.code_allowances import NEVER_SENT, Next, gap_ends, next_code, sent_within_a_day
from accounts.models import Allowance, CodePurpose, OneTimeCode, User
from sms import budget, outbox, texts
from sms.models import MessageKind, Share
from tamin_portal import limits
from tamin_portal.abuse import conduct
from tamin_portal.abuse.conduct import Kind
from tamin_portal.abuse.origins import NOWHERE, Origin
from tamin_portal.errors import PortalError
from tamin_portal.leases import lock_name
from tamin_portal.persian import fold_number
from tamin_portal.secrets import keyed_hash, keyed_hash_matches, keyed_hashes

# The same session repeating its right code this soon lost our answer on the way; it gets it again.
RETRY_GRACE = timedelta(seconds=60)


@dataclass(frozen=True)
class Issued:
    """`sent`: an SMS is on its way. Else `wait`: seconds until this session may ask again, or, where it has a place in
    the number's queue (`comes`), until its code is sent by itself."""

    sent: bool
    wait: int
    comes: bool = False


def issue(
    *,
    purpose: CodePurpose,
    mobile: str,
    asker: str,
    operator: str = "",
    allowance: Allowance = Allowance.ASKED,
    by: Asking = NOBODY,
) -> Issued:
    """Send a code for `purpose` to `mobile`, for the session that holds the secret `asker`; or give that session a
    place in the number's queue, if somebody else was sent one less than a minute ago.

    `by`: who asks, as weighed before; a place that is held waits for `release`.
    Raises PortalError: "code_limit" (`retry_at`) when the codes of this number are used up (`code_allowances`),
    "code_budget" (`retry_at`) when its share of the day's budget has no more in this hour.
    """
    with transaction.atomic():
        lock_name(f"code:{mobile}")
        now = timezone.now()
        live = [code for code in _of_asker(purpose, mobile, asker, now) if _is_live(code, now)]
        just_sent = _just_sent(live, now)
        if just_sent:
            return Issued(sent=False, wait=just_sent)
        sent = sent_within_a_day(mobile=mobile, allowance=allowance, now=now)
        found = next_code(sent, allowance=allowance, address=by.origin.address, network=by.origin.network, now=now)
        if not isinstance(found, Next):
            raise PortalError("code_limit", retry_at=found)
        row = OneTimeCode(
            purpose=purpose,
            mobile=mobile,
            asker=keyed_hash("asker", asker),
            created_at=now,
            allowance=allowance,
            address=by.origin.address,
            network=by.origin.network,
            is_good=by.is_good,
            is_kept=found.is_kept,
            operator=operator,
            is_held=by.is_held,
        )
        if found.at <= now and not by.is_held and not code_places.exist(mobile=mobile, allowance=allowance):
            share = _share(row)
            if (more_at := budget.next_part(share)) is not None:
                raise PortalError("code_budget", retry_at=more_at)
            _send(row, now, share)
            return Issued(sent=True, wait=_seconds(limits.CODE_GAP))
        place = code_places.take(row, live=live, not_before=found.at)
        if place.is_held:
            code_turns.take(place, origin=by.origin, rank=by.rank)
    if not by.is_held:
        send_places(mobile=mobile)
        place.refresh_from_db()
        if place.code_hash:
            return Issued(sent=True, wait=_seconds(limits.CODE_GAP))
        if not place.next_attempt_at:  # given up: its share of the budget has no more
            raise PortalError("code_budget", retry_at=budget.next_part(_share(place)) or found.at + limits.CODE_GAP)
    return Issued(sent=False, wait=code_places.wait(place), comes=True)


def count_on_nothing(*, purpose: CodePurpose, mobile: str, asker: str) -> None:
    """A row that counts tries as for a code, where none may be sent: `mobile` is a decoy that is nobody's."""
    OneTimeCode.objects.create(purpose=purpose, mobile=mobile, asker=keyed_hash("asker", asker))


def held_from(*, purpose: CodePurpose, mobile: str, asker: str) -> Origin:
    """Where this session asked for the code that is held; nowhere, if none is."""
    held = OneTimeCode.objects.filter(purpose=purpose, mobile=mobile, asker__in=keyed_hashes("asker", asker))
    place = held.filter(is_held=True, next_attempt_at__isnull=False).order_by("-created_at").first()
    return Origin(address=place.address, network=place.network) if place else NOWHERE


def release(*, purpose: CodePurpose, mobile: str, asker: str) -> bool:
    """This session has paid for what it asked (a proof of work): its place is held no longer. True: it had one that
    was."""
    held = OneTimeCode.objects.filter(purpose=purpose, mobile=mobile, asker__in=keyed_hashes("asker", asker))
    places = list(held.filter(is_held=True, next_attempt_at__isnull=False))
    return bool(sum(_release(place) for place in places))


def release_called() -> int:
    """Let the held places go on whose turn has come; returns how many. For a worker."""
    called = OneTimeCode.objects.filter(pk__in=code_turns.call(OneTimeCode), is_held=True)
    return sum(_release(place) for place in called.filter(next_attempt_at__isnull=False))


def send_due(*, seconds: float = 50) -> int:
    """Send the next code of every number in whose queue somebody waits; returns how many numbers were looked at. For a
    worker; any number of them, killed at any moment."""
    return code_places.for_each_due(send_places, seconds=seconds)


def send_places(*, mobile: str) -> None:
    """Send `mobile` its next code, to whoever is first in its queue, if it is time."""
    with transaction.atomic():
        lock_name(f"code:{mobile}")
        now = timezone.now()
        for allowance in code_places.allowances_of(mobile=mobile):
            _send_first(mobile, allowance, now)


def wait(*, purpose: CodePurpose, mobile: str, asker: str) -> int:
    """Seconds until the session of `asker` may ask for another code; 0: now. By what it has asked for itself."""
    now = timezone.now()
    live = [code for code in _of_asker(purpose, mobile, asker, now) if _is_live(code, now)]
    places = [code_places.wait(code) for code in live if code.next_attempt_at]
    return max([_just_sent(live, now), *places])


def was_sent(*, purpose: CodePurpose, mobile: str, asker: str) -> bool:
    """Whether the session of `asker` has a code of `mobile` that can still be typed."""
    now = timezone.now()
    return any(code.code_hash and _is_live(code, now) for code in _of_asker(purpose, mobile, asker, now))


def seconds_left(until: datetime, now: datetime | None = None) -> int:
    """Whole seconds from `now` to `until`, rounded up; 0 when it is past."""
    left = (until - (now or timezone.now())).total_seconds()
    return max(0, -int(-left // 1))


def try_code(*, purpose: CodePurpose, mobile: str, asker: str, typed: str) -> OneTimeCode:
    """The code that `typed` is. Counts one try first, in a committed step of its own.

    Call it outside any transaction, then `consume` the answer inside the one that decides. Raises
    PortalError: code_wrong, code_expired (nothing of this session is alive), code_tries (all tries used),
    code_elsewhere (this session was sent none, so whatever was typed is wrong here; `wait` seconds to its own, where
    it has a place in the queue: `comes`).
    """
    mine = _count_try(purpose=purpose, mobile=mobile, asker=asker)
    typed = fold_number(typed)
    right = [code for code in mine if keyed_hash_matches(_binding(code), typed, code.code_hash)]
    if right:
        return right[0]
    if not any(code.code_hash for code in mine):
        due = [code.next_attempt_at for code in mine if code.next_attempt_at]
        raise PortalError("code_elsewhere", wait=max(map(seconds_left, due), default=0), comes=bool(due))
    raise PortalError("code_wrong")


def consume(code: OneTimeCode, *, used_for: str) -> None:
    """Use up `code` and the asker's other live ones. Raises PortalError("code_wrong") if it was used.

    The same session repeating it for the same thing (`used_for`) within RETRY_GRACE is answered as
    the first time: on a slow network the first answer may never have arrived.
    """
    now = timezone.now()
    askers = code.askers or [code.asker]
    fresh = OneTimeCode.objects.filter(purpose=code.purpose, mobile=code.mobile, asker__in=askers, used_at__isnull=True)
    asked = list(fresh.filter(allowance=Allowance.ASKED).exclude(code_hash="").exclude(address=""))
    used: dict[str, Any] = {"used_at": now, "used_for": used_for, "next_attempt_at": None}
    if not fresh.filter(pk=code.pk).update(**used):  # whatever else is fresh: it was not typed
        again = OneTimeCode.objects.filter(pk=code.pk, used_for=used_for, used_at__gte=now - RETRY_GRACE)
        if not again.exists():
            raise PortalError("code_wrong")
        return
    fresh.update(**used)
    if asked:
        transaction.on_commit(lambda: _credit(asked))


def purge(*, before: datetime, dry_run: bool = False) -> int:
    """Delete codes asked for before `before`; returns how many."""
    old = OneTimeCode.objects.filter(created_at__lt=before)
    return old.count() if dry_run else old.delete()[0]


def _credit(asked: list[OneTimeCode]) -> None:
    """What was asked for came to something: a code that was sent again counts with the one that was used."""
    for code in asked:
        origin = Origin(address=code.address, network=code.network)
        conduct.credit(kind=Kind.CODE, origin=origin, prefix=_prefix(code), tried_at=code.created_at)


def _prefix(code: OneTimeCode) -> str:
    """The first digits of a number that a stranger chose; "" where that of an account is meant."""
    is_chosen = code.purpose in (CodePurpose.REGISTER, CodePurpose.NEW_MOBILE) and code.address
    return code.mobile[: limits.PREFIX_LENGTH] if is_chosen and code.allowance == Allowance.ASKED else ""


def _send_first(mobile: str, allowance: Allowance, now: datetime) -> None:
    """The first of the queue that may have a code gets it. The others wait for the next gap, or have no place left."""
    sent = sent_within_a_day(mobile=mobile, allowance=allowance, now=now)
    if gap_ends(sent, now) > now:
        code_places.put_off(mobile=mobile, allowance=allowance, until=gap_ends(sent, now))
        return
    for place in code_places.in_queue(mobile=mobile, allowance=allowance, sent=sent):
        found = next_code(sent, allowance=allowance, address=place.address, network=place.network, now=now)
        if not isinstance(found, Next):
            code_places.give_up(place)
            continue
        place.is_kept, share = found.is_kept, _share(place)
        if not budget.allows(share):
            code_places.give_up(place)
            continue
        _send(place, now, share)
        break
    code_places.put_off(mobile=mobile, allowance=allowance, until=now + limits.CODE_GAP)


def _release(place: OneTimeCode) -> bool:
    held = OneTimeCode.objects.filter(pk=place.pk, is_held=True)
    if not held.update(is_held=False, next_attempt_at=timezone.now()):
        return False
    code_turns.leave(place)
    send_places(mobile=place.mobile)
    return True


def _share(row: OneTimeCode) -> Share:
    """Which share of the day's budget pays. Who is signed in chooses the new number, and pays like any other asker."""
    if row.allowance in (Allowance.TRUSTED, Allowance.PASSWORD, Allowance.DESK):
        return Share.OWN
    if not row.is_good:
        return Share.REST
    used = OneTimeCode.objects.filter(mobile=row.mobile, used_at__isnull=False)
    proven = used.exists() or User.objects.filter(mobile=row.mobile).exists()
    return Share.PROVEN if proven else Share.NEW


def _send(row: OneTimeCode, now: datetime, share: Share) -> None:
    """Write the code and its message into `row`, which is new, or a place in the queue."""
    code = "".join(secrets.choice("0123456789") for _ in range(limits.CODE_DIGITS))
    row.created_at, row.next_attempt_at, row.is_held, row.tries = now, None, False, 0
    row.code_hash = keyed_hash(_binding(row), code)
    row.message = outbox.enqueue(
        to=row.mobile,
        kind=MessageKind.CODE,
        text=texts.code(code=code, purpose_label=str(CodePurpose(row.purpose).label), host=settings.PUBLIC_HOST),
        dedupe_key=f"code:{uuid.uuid4()}",
        operator=row.operator,
        expires_at=now + limits.CODE_TO_BE_ACCEPTED_WITHIN,
        share=share,
    )
    row.save()
    if prefix := _prefix(
        row
    ):  # here and not when it was asked for: whoever only waits for one puts nobody under pressure
        conduct.count_sent(kind=Kind.CODE, prefix=prefix)
    budget.code_was_queued(share, row.message.parts)


def _binding(code: OneTimeCode) -> str:
    return f"code:{code.purpose}:{code.mobile}:{code.asker}"


def _just_sent(live: list[OneTimeCode], now: datetime) -> int:
    """Seconds left of the minute since this session was sent its newest code. None after one of the future: the clock
    was put back."""
    ends = [code.created_at + limits.CODE_GAP for code in live if code.code_hash and not code.used_at]
    return max((seconds_left(end, now) for end in ends if end <= now + limits.CODE_GAP), default=0)


def _seconds(span: timedelta) -> int:
    return math.ceil(span.total_seconds())


def _of_asker(purpose: str, mobile: str, asker: str, now: datetime) -> QuerySet[OneTimeCode]:
    oldest = now - max(limits.CODE_TO_BE_ACCEPTED_WITHIN + limits.CODE_LIFE, limits.CODE_PLACE_LIFE)
    return OneTimeCode.objects.filter(
        purpose=purpose, mobile=mobile, asker__in=keyed_hashes("asker", asker), created_at__gt=oldest
    ).select_related("message")


def _is_live(code: OneTimeCode, now: datetime) -> bool:
    """Unused (or used just now), and within its life: from acceptance, or from asking until then; or in the queue."""
    if code.used_at and code.used_at < now - RETRY_GRACE:
        return False
    if code.message and code.message.state in NEVER_SENT:
        return False
    if code.next_attempt_at:
        return code.created_at + limits.CODE_PLACE_LIFE > now
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
