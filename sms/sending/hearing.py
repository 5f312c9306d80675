"""Tells the breakers and the lines what the answers of gateways mean."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import groupby

from django.utils import timezone

from sms import lines, routing
from sms.gateways import base
from sms.sending.calls import Answer
from sms.sending.job import Call
from sms.sending.patience import Patience

log = logging.getLogger(__name__)

TOO_LATE = base.TryAgain("expired")  # the outcome of calls that were not made
NOT_BEGUN = base.TryAgain("the worker stops")  # the same
_WAITS = (base.Because.BUSY, base.Because.LINE, base.Because.FULL)  # the message was not tried: it waits for its turn


def report(ended: Sequence[tuple[Call, Answer]], patience: Patience) -> None:
    """Tell the answers, before gateways are chosen again. An error here must not lose answers that are not written."""
    taken: Counter[base.Gateway] = Counter()
    for call, said in ended:
        if isinstance(said, base.Accepted):
            taken[call.gateway] += call.job.message.parts
        else:
            _keep_for_its_turn(call, said)
    for _group, several in groupby(ended, _group_of):
        same = list(several)
        call, said = same[0]
        try:
            patience.run(partial(_heard, call, said, taken[call.gateway], len(same)))
        except Exception as error:
            log.error("what gateway %s did was not noted (%s)", call.gateway.name, type(error).__name__)


def _group_of(each: tuple[Call, Answer]) -> tuple[object, ...]:
    """Acceptances that mean the same, one after the other, are told together; every other answer by itself."""
    call, said = each
    if not isinstance(said, base.Accepted) or said.slowed is not None:
        return (id(call),)
    return call.gateway.name, call.job.message.operator, call.job.message.kind


def _keep_for_its_turn(call: Call, said: Answer) -> None:
    if not isinstance(said, base.TryAgain):
        return
    if said.because is base.Because.MESSAGE and said.after:
        call.job.after = said.after
    if said is NOT_BEGUN or said.because in _WAITS:
        call.job.gateways.append(call.gateway)  # it was not tried


def _heard(call: Call, said: Answer, parts: int, times: int) -> None:
    """`parts`: what the gateway accepted together with this answer, which came so many `times`."""
    message = call.job.message
    name, began = call.gateway.name, call.attempt.started_at if call.attempt else timezone.now()
    if isinstance(said, base.TryAgain) and said.because in (base.Because.BUSY, base.Because.LINE):
        lines.busy(name, began=began, after=said.after, parts=parts)
    if isinstance(said, base.Accepted) and said.slowed is not None:
        lines.slowed(name, began=began, parts=message.parts, every=said.slowed)
    if said is TOO_LATE or said is NOT_BEGUN:
        routing.not_sent(name, message.operator)
    elif isinstance(said, base.Outcome):
        routing.heard(name, message.operator, said, message.kind, times=times)
