"""Tells a line that is busy from a message that alone is refused.

A gateway answers "busy" about its line (throttled), or about one number whose phone is off; some say the
same for both. So what is refused several times in a row, while others that were sent after it are accepted, is
refused by itself: it goes by its next gateway or is put off, and the line is told nothing.

How long a gateway asks us to wait is believed of the line only when a message to a second number is refused too and
none was accepted in between: a citizen who presses "resend" must not stop everybody's codes for minutes. The first one
waits by itself. Each process knows what it
has seen itself; the table is small, and what drops out of it is learned again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.utils import timezone

from common.process_state import register_reset
from sms.gateways import base
from sms.sending.calls import Answer
from sms.sending.job import Call

# Refusals in a row, since others were accepted, that make it the message's own; the first one does not count.
_TIMES = {base.Because.BUSY: 2, base.Because.FULL: 1}
_EVIDENCE = timedelta(minutes=1)  # that a refused message is, at least
_TOGETHER = 2  # others that are refused and none is accepted: it is the line
_MOST = 200  # messages remembered for each gateway


@dataclass(frozen=True, slots=True)
class _Refused:
    """A message that was refused `times` in a row, `alone` of them since others were accepted instead. `began`: when
    the newest of these calls began. `until`: how long it is evidence against the line."""

    began: datetime
    times: int
    alone: int
    to: str
    until: datetime


@dataclass(slots=True)
class _AtGateway:
    """`accepted`: when the newest call that was accepted began. `refused`: by message."""

    accepted: datetime | None = None
    refused: OrderedDict[int, _Refused] = field(default_factory=OrderedDict)


_gateways: defaultdict[str, _AtGateway] = defaultdict(_AtGateway)
_lock = threading.Lock()


def judged(ended: Sequence[tuple[Call, Answer]]) -> list[tuple[Call, Answer]]:
    """The answers, with "busy" and "full" said for what they mean: `BUSY`, the line; `FULL`, not known yet, the message
    waits behind its kind; `MESSAGE`, this message alone."""
    with _lock:
        for call, said in ended:
            if isinstance(said, base.Accepted):
                _accepted(_gateways[call.gateway.name], call)
        return [(call, _judged(call, said)) for call, said in ended]


def behind() -> set[int]:
    """The messages that were refused more than once: others of their kind go before them."""
    with _lock:
        return {pk for at in _gateways.values() for pk, each in at.refused.items() if each.times > 1}


@register_reset
def forget() -> None:
    with _lock:
        _gateways.clear()


def _began(call: Call) -> datetime:
    return call.attempt.started_at if call.attempt else timezone.now()


def _accepted(at: _AtGateway, call: Call) -> None:
    began = _began(call)
    if at.accepted is None or began > at.accepted:
        at.accepted = began
    if at.refused:
        at.refused.pop(call.job.message.pk, None)


def _judged(call: Call, said: Answer) -> Answer:
    if not (isinstance(said, base.TryAgain) and said.because in _TIMES):
        return said
    at, pk, began = _gateways[call.gateway.name], call.job.message.pk, _began(call)
    before = at.refused.pop(pk, None)
    others = [each.began for each in at.refused.values()]
    others_go = before is not None and at.accepted is not None and at.accepted > before.began
    others_are_refused = before is not None and any(when > before.began for when in others)
    line = sum(at.accepted is None or when >= at.accepted for when in others) >= _TOGETHER
    to, until = call.job.message.to, began + max(said.after or _EVIDENCE, _EVIDENCE)
    now = _Refused(began, times=1, alone=0, to=to, until=until)
    if before:
        again = others_go or (before.alone > 0 and not others_are_refused)
        now = replace(now, times=before.times + 1, alone=before.alone + 1 if again else 0)
    is_the_lines = any(
        each.to != to and each.until > began and (at.accepted is None or each.began >= at.accepted)
        for each in at.refused.values()
    )
    at.refused[pk] = now
    if len(at.refused) > _MOST:
        at.refused.popitem(last=False)
    if now.alone >= _TIMES[said.because] and not line:
        return replace(said, because=base.Because.MESSAGE)
    if said.after and at.accepted is not None and not is_the_lines:
        return replace(said, because=base.Because.MESSAGE)
    if others_go and not others_are_refused:
        return replace(said, because=base.Because.FULL)
    if said.because is base.Because.FULL and before is None and not line:
        return said
    return replace(said, because=base.Because.BUSY)
