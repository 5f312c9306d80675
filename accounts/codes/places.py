"""The queue of a number: sessions that asked for a code within a minute of another session's code, and are sent the
next ones by themselves. A stranger who asks every minute takes no code from the owner, who has a place like everybody
else."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from accounts.codes import held_turns
from accounts.codes.allowances import SentCode, sent_within_a_day, serving_order
from accounts.models import Allowance, OneTimeCode
from common import limits

log = logging.getLogger(__name__)


def any_waiting(rows: Iterable[OneTimeCode], *, allowance: Allowance, now: datetime) -> bool:
    """Whether one of `rows`, which are a number's (`sql.of_number`), waits for its next code."""
    oldest = now - limits.CODE_PLACE_LIFE
    return any(
        row.next_attempt_at and not row.used_at and row.allowance == allowance and row.created_at > oldest
        for row in rows
    )


def take(row: OneTimeCode, *, live: Sequence[OneTimeCode], not_before: datetime) -> OneTimeCode:
    """Give the session of `row` a place in its number's queue, or the one that it has already. In a full queue the
    newest takes the place of the oldest of its own address, or of the fullest network. The caller has locked the
    number's name."""
    own = [code for code in live if not code.code_hash and not code.used_at]
    places = [code for code in own if code.next_attempt_at]
    if places:
        if places[0].is_held and not row.is_held:  # it is paid for now, or no payment is required any more
            places[0].is_held, places[0].next_attempt_at = False, not_before
            places[0].save(update_fields=["is_held", "next_attempt_at"])
        return places[0]
    if own:  # a row that only counted tries, or whose place was given up
        row.pk, row.tries = own[0].pk, own[0].tries
    else:
        _make_room(row)
    row.next_attempt_at = not_before
    row.save()
    return row


def wait(place: OneTimeCode) -> int:
    """Seconds until the code of this place is sent, if nothing comes between; a whole gap more for each place before
    it."""
    if place.is_held:
        return held_turns.wait(place)
    now = timezone.now()
    allowance = Allowance(place.allowance)
    sent = sent_within_a_day(mobile=place.mobile, allowance=allowance, now=now)
    queue = serving_order(_waiting(place.mobile, allowance, now).filter(is_held=False), sent)
    before = [other.pk for other in queue].index(place.pk) if place in queue else 0
    due = max(place.next_attempt_at or now, now) + before * limits.CODE_GAP
    return max(1, -int(-(due - now).total_seconds() // 1))


def in_queue(*, mobile: str, allowance: Allowance, sent: Sequence[SentCode]) -> list[OneTimeCode]:
    """The places that wait for this number's next code and are not held, the first one first."""
    return serving_order(_waiting(mobile, allowance, timezone.now()).filter(is_held=False), sent)


def allowances_of(*, mobile: str) -> list[Allowance]:
    """The allowances in whose queues of this number a session waits."""
    rows = OneTimeCode.objects.filter(mobile=mobile, next_attempt_at__isnull=False)
    return [Allowance(name) for name in rows.values_list("allowance", flat=True).distinct()]


def put_off(*, mobile: str, allowance: Allowance, until: datetime) -> None:
    """Move the number's next code to `until`, if it is due earlier."""
    rows = OneTimeCode.objects.filter(mobile=mobile, allowance=allowance, next_attempt_at__lt=until, is_held=False)
    rows.update(next_attempt_at=until)


def give_up(place: OneTimeCode) -> None:
    """End the place: its number has no code left for it. A session that is still there asks again, and reads when."""
    OneTimeCode.objects.filter(pk=place.pk).update(next_attempt_at=None, is_held=False)


def for_each_due(work: Callable[..., None], *, seconds: float) -> int:
    """Call `work(mobile=…)` for each number with a place that is due; returns how many. Places that are too old are
    ended before."""
    ends, done = time.monotonic() + seconds, 0
    now = timezone.now()
    OneTimeCode.objects.filter(next_attempt_at__isnull=False, created_at__lte=now - limits.CODE_PLACE_LIFE).update(
        next_attempt_at=None, is_held=False
    )
    due = OneTimeCode.objects.filter(next_attempt_at__lte=now, is_held=False)
    for mobile in due.order_by().values_list("mobile", flat=True).distinct():
        try:
            work(mobile=mobile)
        except Exception as error:  # it is due again at the next look; the others go on. The text may hold a number
            log.error("the next code of a number could not be sent: %s", type(error).__name__)
        done += 1
        if time.monotonic() > ends:
            break
    return done


def _make_room(row: OneTimeCode) -> None:
    codeless = OneTimeCode.objects.filter(mobile=row.mobile, allowance=row.allowance, code_hash="")
    crowd = list(codeless.filter(created_at__gt=row.created_at - limits.CODE_PLACE_LIFE).order_by("created_at", "pk"))
    here = [code for code in crowd if code.address == row.address]
    if len(here) >= limits.CODE_ASKERS_IN_GAP:
        row.pk = here[0].pk
    elif len(crowd) >= limits.CODE_PLACES:
        row.pk = _oldest_of_fullest(crowd).pk


def _oldest_of_fullest(crowd: Sequence[OneTimeCode]) -> OneTimeCode:
    """The oldest place of the fullest address in the fullest network. Of equally full networks the one that came last:
    a requester with one address must not lose the place to one with many."""
    networks, addresses = (Counter(getattr(code, name) for code in crowd) for name in ("network", "address"))
    network = max(reversed(crowd), key=lambda code: networks[code.network]).network
    return max((code for code in crowd if code.network == network), key=lambda code: addresses[code.address])


def _waiting(mobile: str, allowance: Allowance, now: datetime) -> QuerySet[OneTimeCode]:
    alive = OneTimeCode.objects.filter(created_at__gt=now - limits.CODE_PLACE_LIFE, used_at__isnull=True)
    return alive.filter(mobile=mobile, allowance=allowance, next_attempt_at__isnull=False)
