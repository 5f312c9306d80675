"""Decides what may be done about a message in doubt, one that was perhaps sent. Pure; `sms.sending.drain` acts on it.

A message is in doubt while one of its attempts has no certain end: the worker died during the call, or the gateway's
answer was `Unknown`. Then no other gateway is tried blindly (docs/decisions): the same gateway is asked, or is given
the same key again. If it can do neither, a code is left alone (its owner can press "resend") and a result may be sent
once more, because receiving nothing is worse than receiving it twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from sms.gateways.base import Abilities, Gateway
from sms.models import DOUBTFUL, Message, MessageKind, MessageState


class WayOut(Enum):
    """What to do about a message in doubt."""

    SAME_KEY_AGAIN = auto()  # the gateway knows the key: sending again sends nothing twice
    LOOK_UP = auto()
    ONCE_MORE = auto()  # by the ordinary route; may arrive twice
    LEAVE = auto()


@dataclass(frozen=True, slots=True)
class Tried:
    """The columns of an Attempt that the decision needs."""

    pk: int
    gateway: str
    started_at: datetime


def doubts(message: Message) -> list[Tried]:
    """The attempts of `message` without a certain end, oldest first."""
    if message.state not in (MessageState.SENDING, MessageState.UNKNOWN):
        return []
    doubtful = message.tries.filter(outcome__in=DOUBTFUL).order_by("id")
    return [Tried(*row) for row in doubtful.values_list("pk", "gateway", "started_at")]


def way_out(
    *,
    kind: str,
    doubts: Sequence[Tried],
    gateway: Gateway | None,
    expired: bool,
    now: datetime,
    is_on: bool = True,
) -> WayOut:
    """What to do next. `gateway` is the one of the last doubtful attempt, None if it is no longer configured.

    An expired code is never sent again, not even with its key, but may be looked up. If the gateway is switched off, it
    may still be asked; if it cannot be asked, the message waits until the gateway is on again.
    """
    abilities = gateway.abilities(kind) if gateway else Abilities()
    since = now - doubts[0].started_at
    by_key, by_look_up = _covers(abilities.client_key, since) and not expired, _covers(abilities.look_up_by_key, since)
    if by_key and (is_on or not by_look_up):
        return WayOut.SAME_KEY_AGAIN
    if by_look_up:
        return WayOut.LOOK_UP
    if kind != MessageKind.CODE and len(doubts) == 1 and not expired:
        return WayOut.ONCE_MORE
    return WayOut.LEAVE


def _covers(how_long: timedelta | None, since: timedelta) -> bool:
    return how_long is not None and since < how_long
