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

from accounts.codes import held_turns, places, requesters, sending, sql
from accounts.codes.allowances import NextCode, SentCode, next_code, sent_of
from accounts.codes.requesters import UNCOUNTED, Requester
from accounts.codes.validity import gap_left, is_live, of_asker, oldest
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


@dataclass(frozen=True, slots=True)
class Queued:
    """The session got a place in the number's queue, for which nobody has to pay: its code may be due at once."""

    place: OneTimeCode
    not_before: datetime


Found = Issued | Queued | PortalError


def lock_of(mobile: str) -> str:
    """The name that is locked while it is decided which session gets a number's next code (`common.leases`)."""
    return f"code:{mobile}"


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
    with transaction.atomic():
        lock_name(lock_of(mobile))
        found = issue_within(purpose=purpose, mobile=mobile, asker=asker, operator=operator, allowance=allowance, by=by)
    return settled(found)


def issue_within(
    *,
    purpose: CodePurpose,
    mobile: str,
    asker: str,
    operator: str = "",
    allowance: Allowance = Allowance.ASKED,
    by: Requester = UNCOUNTED,
) -> Found:
    """As `issue`, in the caller's transaction, which has locked `lock_of` the number, and writes nothing after this.
    What comes back is for `settled`, once that transaction is committed: also a refusal, for it was counted."""
    row = _new_row(by, purpose=purpose, mobile=mobile, asker=asker, operator=operator, allowance=allowance)
    try:
        return _issue(row, asker=asker, by=by)
    except PortalError as refusal:
        requesters.count(by)
        return refusal


def settled(found: Found) -> Issued:
    """What came of `issue_within`. Outside its transaction. Raises PortalError as `issue`."""
    if isinstance(found, PortalError):
        raise found
    return _send_or_wait(found.place, found.not_before) if isinstance(found, Queued) else found


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
    return wait_of(of_asker(purpose=purpose, mobile=mobile, asker=asker, now=now), now)


def wait_of(rows: Sequence[OneTimeCode], now: datetime) -> int:
    """As `wait`, of the session's rows."""
    live = [code for code in rows if is_live(code, now)]
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


def _issue(row: OneTimeCode, *, asker: str, by: Requester) -> Issued | Queued:
    """Decide about `row`, which is new. Raises PortalError: code_limit, code_budget."""
    askers, allowance = keyed_hashes("asker", asker), Allowance(row.allowance)
    now = row.created_at = timezone.now()
    number = sql.of_number(mobile=row.mobile, askers=askers, now=now)
    live = _live_of(number.rows, purpose=row.purpose, askers=askers, now=now)
    if just_sent := gap_left(live, now):
        return Issued(sent=False, wait=just_sent)
    not_before = _not_before(row, sent_of(number.rows, allowance=allowance), now)
    waiting = places.any_waiting(number.rows, allowance=allowance, now=now)
    if not_before <= now and not by.is_held and not waiting:
        return _send_at_once(row, now, by, is_proven=number.is_proven)
    place = _take_place(row, live=live, not_before=not_before, by=by)
    requesters.count(by)
    if by.is_held:
        return Issued(sent=False, wait=places.wait(place), comes=True)
    return Queued(place, not_before)


def _live_of(rows: Sequence[OneTimeCode], *, purpose: str, askers: Sequence[str], now: datetime) -> list[OneTimeCode]:
    """Of a number's rows the session's own that are valid, as `validity.live_codes`."""
    young = oldest(now)
    own = [code for code in rows if code.purpose == purpose and code.asker in askers and code.created_at > young]
    return [code for code in own if is_live(code, now)]


def _not_before(row: OneTimeCode, sent: Sequence[SentCode], now: datetime) -> datetime:
    """When the number may get the code of `row`; sets its `is_kept`. Raises PortalError("code_limit")."""
    allowance = Allowance(row.allowance)
    found = next_code(sent, allowance=allowance, address=row.address, network=row.network, now=now)
    if not isinstance(found, NextCode):
        raise PortalError("code_limit", retry_at=found)
    row.is_kept = found.is_kept
    return found.at


def _send_at_once(row: OneTimeCode, now: datetime, by: Requester, *, is_proven: bool) -> Issued:
    """Send `row`, for which nobody waits in front. Raises PortalError("code_budget")."""
    share = sending.share_of(row, is_proven=is_proven)
    if (more_at := budget.next_part(share)) is not None:
        raise PortalError("code_budget", retry_at=more_at)
    sending.send(row, now, share, by)
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
