"""Polls the gateways that push no receipts for what became of accepted messages.

Each gateway is asked in a thread of its own, one call at a time, so that a gateway that hangs does not delay the
others. Only the polling thread uses the database. An answer that arrives after a poll has ended is used by the next
poll.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError
from django.db.models import F, Q
from django.utils import timezone

from common import limits
from common.process_state import register_reset
from sms import configuration, routing
from sms.gateways import base
from sms.models import Message
from sms.reports import applying

log = logging.getLogger(__name__)

_Answers = queue.SimpleQueue[tuple[str, Sequence[base.Receipt]]]

_one_at_a_time = threading.Lock()  # of this process
_asking: set[str] = set()  # gateways whose answer is still to come
_answers: _Answers = queue.SimpleQueue()


def poll(*, seconds: float = limits.POLL_TIME) -> int:
    """Ask until no message is due or `seconds` have passed; returns how many messages were asked about.

    Does nothing while another thread of this process polls.
    """
    if not _one_at_a_time.acquire(blocking=False):
        return 0
    try:
        return _poll(time.monotonic() + seconds)
    finally:
        _one_at_a_time.release()


@register_reset
def forget() -> None:
    """Forget the calls that are under way; their answers will not be used."""
    global _answers
    _asking.clear()
    _answers = queue.SimpleQueue()


def _poll(ends: float) -> int:
    asked = sum(_ask(name) for name in configuration.names() if name not in _asking)
    while _asking:
        try:
            name, answer = _answers.get(timeout=max(ends - time.monotonic(), 0))
        except queue.Empty:
            log.warning("no answer yet to a poll of %s", ", ".join(sorted(_asking)))
            break
        _asking.discard(name)
        _use(name, answer)
        if time.monotonic() < ends:
            asked += _ask(name)
    return asked


def _ask(name: str) -> int:
    """Start asking `name` about the messages that are due there; returns their number."""
    gateway = routing.by_name(name)
    if gateway is None or type(gateway).poll is base.Gateway.poll:
        return 0
    messages = _due(name, gateway.poll_after)
    if messages:
        _asking.add(name)
        ids = [each for message in messages for each in message.provider_id.split()]
        threading.Thread(target=_call, args=(gateway, ids, _answers), daemon=True).start()
    return len(messages)


def _due(name: str, after: timedelta) -> list[Message]:
    """Messages to ask about, sent longer than `after` ago: those never asked about first, then those that have been due
    longest. Sets their next poll."""
    now = timezone.now()
    waiting = applying.waiting().filter(gateway=name, sent_at__gt=now - limits.POLL_WITHIN).exclude(provider_id="")
    due = waiting.filter(sent_at__lte=now - after).filter(Q(poll_at__isnull=True) | Q(poll_at__lte=now))
    order = F("poll_at").asc(nulls_first=True)
    messages = list(due.order_by(order, "sent_at", "id").only("pk", "sent_at", "provider_id")[: limits.POLL_BATCH])
    for message in messages:
        message.poll_at = _next_poll(message, now)
    Message.objects.bulk_update(messages, ["poll_at"])
    return messages


def _next_poll(message: Message, now: datetime) -> datetime:
    """The next poll follows after half the message's age, within limits: older messages are polled less often."""
    age = now - (message.sent_at or now)
    return now + min(max(age / 2, limits.POLL_FIRST_PAUSE), limits.POLL_LONGEST_PAUSE)


def _call(gateway: base.Gateway, provider_ids: list[str], answers: _Answers) -> None:
    """Call the adapter. Its exceptions are logged by type only: their text may contain a number."""
    answer: Sequence[base.Receipt] = ()
    try:
        answer = list(gateway.poll(provider_ids))
    except Exception as error:
        log.error("polling %s raised %s", gateway.name, type(error).__name__)
    answers.put((gateway.name, answer))


def _use(name: str, answer: Sequence[base.Receipt]) -> None:
    for report in answer:
        if report.delivery is base.Delivery.ON_ITS_WAY:  # nothing new about a message that is accepted
            continue
        try:
            applying.apply(name, report)
        except (OperationalError, InterfaceError):
            raise  # the database failed: unused reports are asked for again
        except Exception as error:
            log.error("a report of %s could not be used (%s)", name, type(error).__name__)
