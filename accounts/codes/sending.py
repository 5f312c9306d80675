"""Sends one-time codes: writes a code's hash and its message, and gives a number's next code to the first in its queue.
Decides which share of the SMS budget pays.

Only a keyed hash of the code is stored.
"""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.codes import places, requesters, sql, validity
from accounts.codes.allowances import NextCode, gap_ends, next_code, sent_within_a_day
from accounts.codes.requesters import UNCOUNTED, Requester
from accounts.models import Allowance, CodePurpose, OneTimeCode, User
from common import limits
from common.languages import in_the_portals_language
from common.leases import lock_name
from common.secrets import keyed_hash
from sms import budget, outbox, texts
from sms.models import MessageKind, Share


def send_due(*, seconds: float = 50) -> int:
    """Send the next code of every number in whose queue a session waits; returns how many numbers were looked at. Any
    number of workers may run, and may be killed at any moment."""
    return places.for_each_due(send_places, seconds=seconds)


def send_places(*, mobile: str) -> None:
    """Send `mobile` its next code, for the first in its queue, if it is time."""
    with transaction.atomic():
        lock_name(f"code:{mobile}")
        now = timezone.now()
        for allowance in places.allowances_of(mobile=mobile):
            _send_first(mobile, allowance, now)


def send(row: OneTimeCode, now: datetime, share: Share, by: Requester = UNCOUNTED) -> None:
    """Write the code and its message into `row`, which is new, or a place in the queue. The caller has locked the
    number's name, and has asked the budget. The request of `by` is counted, if it still has to be."""
    code = "".join(secrets.choice("0123456789") for _ in range(limits.CODE_DIGITS))
    row.created_at, row.next_attempt_at, row.is_held, row.tries = now, None, False, 0
    row.code_hash = keyed_hash(validity.hash_purpose(row), code)
    row.message = outbox.enqueue(
        to=row.mobile,
        kind=MessageKind.CODE,
        text=_text(code, row.purpose),
        dedupe_key=f"code:{uuid.uuid4()}",
        operator=row.operator,
        expires_at=now + limits.CODE_TO_BE_ACCEPTED_WITHIN,
        share=share,
    )
    if row.pk is None:
        sql.insert(row)
    else:
        row.save()
    requesters.count_sent(row, by)
    budget.code_was_queued(share, row.message.parts)


@in_the_portals_language
def _text(code: str, purpose: str) -> str:
    return texts.code(code=code, purpose_label=str(CodePurpose(purpose).label), host=settings.PUBLIC_HOST)


def share_of(row: OneTimeCode, *, is_proven: bool | None = None) -> Share:
    """Which share of the day's budget pays. A signed-in citizen chooses the new number, and pays like any other
    requester. `is_proven`: as `sql.OfNumber` says; None: it is asked, if that decides."""
    if row.allowance in (Allowance.TRUSTED, Allowance.PASSWORD, Allowance.DESK):
        return Share.OWN
    if not row.is_good:
        return Share.REST
    if is_proven is None:
        used = OneTimeCode.objects.filter(mobile=row.mobile, used_at__isnull=False)
        is_proven = used.exists() or User.objects.filter(mobile=row.mobile).exists()
    return Share.PROVEN if is_proven else Share.NEW


def _send_first(mobile: str, allowance: Allowance, now: datetime) -> None:
    """Send a code to the first of the queue that may have one. The others wait a gap, or lose their place."""
    sent = sent_within_a_day(mobile=mobile, allowance=allowance, now=now)
    if gap_ends(sent, now) > now:
        places.put_off(mobile=mobile, allowance=allowance, until=gap_ends(sent, now))
        return
    for place in places.in_queue(mobile=mobile, allowance=allowance, sent=sent):
        found = next_code(sent, allowance=allowance, address=place.address, network=place.network, now=now)
        if not isinstance(found, NextCode):
            places.give_up(place)
            continue
        place.is_kept, share = found.is_kept, share_of(place)
        if not budget.allows(share):
            places.give_up(place)
            continue
        send(place, now, share)
        break
    places.put_off(mobile=mobile, allowance=allowance, until=now + limits.CODE_GAP)
