"""Issues one-time codes: a session asks for one, and is sent it or gets a place in the number's queue.

Which session gets a number's next code is decided in `accounts.codes.places`, how many codes a number gets in
`accounts.codes.allowances`. The limits are in `common.limits`; all are counted in the database.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.codes import held_turns, places, sending
from accounts.codes.allowances import NextCode, next_code, sent_within_a_day
from accounts.codes.requesters import UNCOUNTED, Requester
from accounts.codes.validity import gap_left, live_codes
from accounts.models import Allowance, CodePurpose, OneTimeCode
from common import limits
from common.abuse.origins import NOWHERE, Origin
from common.errors import PortalError
from common.leases import lock_name
from common.secrets import keyed_hash, keyed_hashes
from sms import budget


@dataclass(frozen=True)
class Issued:
    """What came of asking. `sent`: an SMS is on its way. Else `wait`: the seconds until this session may ask again, or,
    where it has a place in the number's queue (`comes`), until its code is sent by itself."""

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
    by: Requester = UNCOUNTED,
) -> Issued:
    """Send a code for `purpose` to `mobile`, for the session that holds the secret `asker`; or give that session a
    place in the number's queue, if another session was sent one less than a minute ago.

    `by`: who asks, as weighed before; a place that is held waits for `release`. Raises PortalError: code_limit
    (`retry_at`) when the codes of this number are used up (`accounts.codes.allowances`), code_budget (`retry_at`) when
    its share of the day's budget has no more in this hour.
    """
    row = _new_row(by, purpose=purpose, mobile=mobile, asker=asker, operator=operator, allowance=allowance)
    with transaction.atomic():
        lock_name(f"code:{mobile}")
        now = row.created_at = timezone.now()
        live = live_codes(purpose=purpose, mobile=mobile, asker=asker, now=now)
        if just_sent := gap_left(live, now):
            return Issued(sent=False, wait=just_sent)
        not_before = _not_before(row, now)
        if not_before <= now and not by.is_held and not places.any_waiting(mobile=mobile, allowance=allowance):
            return _send_at_once(row, now)
        place = _take_place(row, live=live, not_before=not_before, by=by)
    if by.is_held:
        return Issued(sent=False, wait=places.wait(place), comes=True)
    return _send_or_wait(place, not_before)


def create_decoy(*, purpose: CodePurpose, mobile: str, asker: str) -> None:
    """Write a row that counts tries as a code does, where none may be sent. `mobile`: a number that is nobody's."""
    OneTimeCode.objects.create(purpose=purpose, mobile=mobile, asker=keyed_hash("asker", asker))


def origin_of_held(*, purpose: CodePurpose, mobile: str, asker: str) -> Origin:
    """Where this session asked for the code that is held; NOWHERE when none is."""
    place = _held(purpose=purpose, mobile=mobile, asker=asker).order_by("-created_at").first()
    return Origin(address=place.address, network=place.network) if place else NOWHERE


def release(*, purpose: CodePurpose, mobile: str, asker: str) -> bool:
    """Release the held place of this session, which has paid by a proof of work. True: it had one."""
    held = list(_held(purpose=purpose, mobile=mobile, asker=asker))
    return bool(sum(_release(place) for place in held))


def release_called() -> int:
    """Release the held places whose turn has come; returns how many. For a worker."""
    called = OneTimeCode.objects.filter(pk__in=held_turns.call(OneTimeCode), is_held=True)
    return sum(_release(place) for place in called.filter(next_attempt_at__isnull=False))


def wait(*, purpose: CodePurpose, mobile: str, asker: str) -> int:
    """Seconds until the session of `asker` may ask for another code; 0: now. Only what it asked for itself counts."""
    now = timezone.now()
    live = live_codes(purpose=purpose, mobile=mobile, asker=asker, now=now)
    until_sent = [places.wait(code) for code in live if code.next_attempt_at]
    return max([gap_left(live, now), *until_sent])


def _new_row(by: Requester, *, asker: str, **asked: Any) -> OneTimeCode:
    """A row of what is asked for, and by whom; not stored yet."""
    return OneTimeCode(
        asker=keyed_hash("asker", asker),
        address=by.origin.address,
        network=by.origin.network,
        is_good=by.is_good,
        is_held=by.is_held,
        **asked,
    )


def _not_before(row: OneTimeCode, now: datetime) -> datetime:
    """When the number may get the code of `row`; sets its `is_kept`. Raises PortalError("code_limit")."""
    allowance = Allowance(row.allowance)
    sent = sent_within_a_day(mobile=row.mobile, allowance=allowance, now=now)
    found = next_code(sent, allowance=allowance, address=row.address, network=row.network, now=now)
    if not isinstance(found, NextCode):
        raise PortalError("code_limit", retry_at=found)
    row.is_kept = found.is_kept
    return found.at


def _send_at_once(row: OneTimeCode, now: datetime) -> Issued:
    """Send `row`, for which nobody waits in front. Raises PortalError("code_budget")."""
    share = sending.share_of(row)
    if (more_at := budget.next_part(share)) is not None:
        raise PortalError("code_budget", retry_at=more_at)
    sending.send(row, now, share)
    return _sent()


def _take_place(row: OneTimeCode, *, live: Sequence[OneTimeCode], not_before: datetime, by: Requester) -> OneTimeCode:
    """Give the session a place in the number's queue; a held one also waits for its turn."""
    place = places.take(row, live=live, not_before=not_before)
    if place.is_held:
        held_turns.take(place, origin=by.origin, rank=by.rank)
    return place


def _send_or_wait(place: OneTimeCode, not_before: datetime) -> Issued:
    """Send the number its next code, if it is time; `place` may be the first. Raises PortalError("code_budget")."""
    sending.send_places(mobile=place.mobile)
    place.refresh_from_db()
    if place.code_hash:
        return _sent()
    if not place.next_attempt_at:  # given up: its share of the budget is used up
        more_at = budget.next_part(sending.share_of(place))
        raise PortalError("code_budget", retry_at=more_at or not_before + limits.CODE_GAP)
    return Issued(sent=False, wait=places.wait(place), comes=True)


def _sent() -> Issued:
    return Issued(sent=True, wait=math.ceil(limits.CODE_GAP.total_seconds()))


def _held(*, purpose: CodePurpose, mobile: str, asker: str) -> QuerySet[OneTimeCode]:
    rows = OneTimeCode.objects.filter(purpose=purpose, mobile=mobile, asker__in=keyed_hashes("asker", asker))
    return rows.filter(is_held=True, next_attempt_at__isnull=False)


def _release(place: OneTimeCode) -> bool:
    held = OneTimeCode.objects.filter(pk=place.pk, is_held=True)
    if not held.update(is_held=False, next_attempt_at=timezone.now()):
        return False
    held_turns.leave(place)
    sending.send_places(mobile=place.mobile)
    return True
