"""Decides when a number may get its next code, and which address gets it: pure rules over the codes of the last day.

A number has limits for each `Allowance` separately: a code a minute, `limits.CODES_PER_HOUR` and `CODES_PER_DAY`. Of
the codes that anybody can ask for, some more are kept for addresses that have had none for this number within the day,
one for each: a stranger cannot ask so often that the owner, who has another address, gets none (docs/decisions/0021).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import Allowance, OneTimeCode
from common import limits
from sms.models import MessageState

# A message in one of these states never reached a phone: its code does not count, unless somebody tried to guess it.
NEVER_SENT = (MessageState.EXPIRED, MessageState.FAILED, MessageState.CANCELLED)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SentCode:
    """A code that the number was sent within the last day. `counts`: it reached a phone, or a try was spent on it."""

    at: datetime
    counts: bool
    address: str = ""
    network: str = ""
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class NextCode:
    """The next code of an address: not before `at`. `is_kept`: it is one of those kept for addresses that have had
    none."""

    at: datetime
    is_kept: bool = False


def sent_within_a_day(*, mobile: str, allowance: Allowance, now: datetime) -> list[SentCode]:
    """The codes that `mobile` was sent, or is being sent, the oldest first."""
    rows = OneTimeCode.objects.filter(mobile=mobile, allowance=allowance, created_at__gt=now - DAY)
    found = rows.exclude(code_hash="").order_by("created_at", "pk")
    return [
        SentCode(at, state not in NEVER_SENT or tries > 0, address, network, is_kept)
        for at, state, tries, address, network, is_kept in found.values_list(
            "created_at", "message__state", "tries", "address", "network", "is_kept"
        )
    ]


def sent_of(rows: Iterable[OneTimeCode], *, allowance: Allowance) -> list[SentCode]:
    """As `sent_within_a_day`, of rows that were read (`sql.of_number`)."""
    return [
        SentCode(
            row.created_at,
            row.tries > 0 or row.message is None or row.message.state not in NEVER_SENT,
            row.address,
            row.network,
            row.is_kept,
        )
        for row in rows
        if row.allowance == allowance and row.code_hash
    ]


def gap_ends(sent: Sequence[SentCode], now: datetime) -> datetime:
    """When the number may get another code: a gap after the last one; `now`, if at once.

    Also at once after a code of the future: the clock was put back, and nobody waits until it has caught up.
    """
    ends = sent[-1].at + limits.CODE_GAP if sent else now
    return ends if now < ends <= now + limits.CODE_GAP else now


def next_code(
    sent: Sequence[SentCode], *, allowance: Allowance, address: str, network: str, now: datetime
) -> NextCode | datetime:
    """The next code of `address`, by the limits of the hour and the day; else when the number has a code again for
    everybody."""
    counting = [code for code in sent if code.counts]
    common = [code.at for code in counting if not code.is_kept]
    again_at = _free_again_at(common, now)
    if again_at is None:
        return NextCode(gap_ends(sent, now))
    is_fresh = allowance == Allowance.ASKED and address not in {code.address for code in counting}
    of_fresh_network = network not in {code.network for code in counting}
    most = limits.CODES_KEPT_PER_DAY if of_fresh_network else limits.CODES_KEPT_FOR_ADDRESSES
    if is_fresh and len(counting) - len(common) < most:
        return NextCode(gap_ends(sent, now), is_kept=True)
    return again_at


def serving_order(places: Iterable[OneTimeCode], sent: Sequence[SentCode]) -> list[OneTimeCode]:
    """The places of one number's queue in the order in which they are served: round robin over the networks, the
    network with the fewest codes of the day first; within a network likewise over its addresses, and for each address
    the oldest first."""
    by_age = sorted(places, key=lambda place: (place.created_at, place.pk))
    by_address = _round_robin(by_age, [place.address for place in by_age], Counter(code.address for code in sent))
    return _round_robin(by_address, [place.network for place in by_address], Counter(code.network for code in sent))


def _round_robin(places: list[OneTimeCode], whose: list[str], had: Counter[str]) -> list[OneTimeCode]:
    """The n-th place of each name goes before the (n+1)-th of any, where n counts on from what the name `had`; equal
    ones by age."""
    turns = had.copy()
    ranked = []
    for place, name in zip(places, whose, strict=True):
        ranked.append((turns[name], place.created_at, place.pk, place))
        turns[name] += 1
    return [place for *_rank, place in sorted(ranked, key=lambda ranks: ranks[:3])]


def _free_again_at(sent: list[datetime], now: datetime) -> datetime | None:
    """When the number may get its next code, if the hour or the day is used up; else None."""
    for most, span in ((limits.CODES_PER_DAY, DAY), (limits.CODES_PER_HOUR, HOUR)):
        within = [at for at in sent if at > now - span]
        if len(within) >= most:
            return within[-most] + span
    return None
