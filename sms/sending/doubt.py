"""What may be done about a message that was perhaps sent. Pure decisions; `sms.sending.drain` acts.

A message is in doubt while an attempt of it has no certain end: the worker died over it, or the
gateway's answer was `Unknown`. Then no other gateway is tried blindly (docs/decisions): the same
one is asked, or given the same key again; without either, a code is left alone (its owner presses
"resend") and a result may be sent once more, because not hearing at all is worse than hearing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from sms.gateways.base import Abilities, Gateway
from sms.models import DOUBTFUL, Message, MessageKind, MessageState


class WayOut(Enum):
    SAME_KEY_AGAIN = auto()  # the gateway knows the key: sending again sends nothing twice
    LOOK_UP = auto()
    ONCE_MORE = auto()  # by the ordinary route; may arrive twice
    LEAVE = auto()


@dataclass(frozen=True, slots=True)
class Tried:
    """What counts of an Attempt here."""

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
    """What to do next. `gateway` is the one the last doubt went through, None if it is gone.

    An expired code is never sent again, even by its key; it may still be looked up. So may what went by a
    gateway that is switched off; where it cannot be asked, the message waits until it is on again.
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
