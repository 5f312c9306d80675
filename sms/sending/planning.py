"""From a row to a call: what is to be done about a claimed message, and what its gateway is given."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from functools import cache

from django.utils import timezone

from common import leases, limits
from sms import budget, routing, switches, texts
from sms.gateways import base
from sms.models import Message, MessageKind
from sms.sending import calls
from sms.sending.calls import Item, Question
from sms.sending.doubt import WayOut, doubts, way_out
from sms.sending.job import Call, Job

_ORDER = ("priority", "next_attempt_at", "id")


def claim(room: int, crowds: Collection[tuple[str, str]]) -> list[Message]:
    """Up to `room` due messages, codes before results and older before newer, but none of `crowds`."""
    skip = (("kind", "operator"), crowds)
    return leases.claim(Message, limit=room, lease_for=limits.SMS_LEASE, order=_ORDER, skip=skip)


def lane(job: Job) -> tuple[str, str]:
    """What a crowd is made of: messages that go by the same gateways."""
    return job.message.kind, job.message.operator


def waits_for(gateway: base.Gateway, job: Job) -> bool:
    """Whether `job` waits for a place at `gateway`, which has none now, rather than go by the next one: a code
    never, a result for a little. One that is called in this thread has a place at the next turn."""
    if calls.pool_of(gateway) is None:
        return True
    little = limits.SMS_RESULT_WAITS_FOR_PLACE.total_seconds()
    return job.message.kind != MessageKind.CODE and time.monotonic() - job.claimed < little


def jobs_of(messages: Sequence[Message]) -> list[Job]:
    """What is to be done about claimed messages."""
    tiers = cache(routing.open_tiers)
    return [_job(message, tiers) for message in messages]


def _job(message: Message, tiers: Callable[[str, str], tuple[routing.OpenTier, ...]]) -> Job:
    job = Job(message, time.monotonic(), doubts(message), message.lease)
    if job.doubts:
        gateway = routing.by_name(job.doubts[-1].gateway)
        job.way = way_out(
            kind=message.kind,
            doubts=job.doubts,
            gateway=gateway,
            expired=job.expired,
            now=timezone.now(),
            is_on=switches.is_on(job.doubts[-1].gateway, message.operator),
        )
        if gateway and job.way in (WayOut.SAME_KEY_AGAIN, WayOut.LOOK_UP):
            job.gateways = [gateway]
    if job.way in (None, WayOut.ONCE_MORE):
        job.gateways = list(routing.in_order(tiers(message.operator, message.kind)))
    return job


def may_begin(job: Job) -> bool:
    """What is over its time is not sent any more; it may be asked about."""
    return job.way is WayOut.LOOK_UP or not job.expired


def is_paid_for(job: Job) -> bool:
    """Whether the day's budget has room for `job`, for the whole of its way. What was perhaps sent has been paid."""
    if job.way not in (None, WayOut.ONCE_MORE):
        return True
    job.paid = job.paid or budget.begin(job.message)
    return job.paid


def item_of(call: Call) -> Item:
    """What the gateway is given."""
    message = call.job.message
    if call.job.way is WayOut.LOOK_UP:
        return Question(key=message.key, provider_id=message.provider_id)
    is_code = message.kind == MessageKind.CODE
    return base.Sms(
        key=message.key,
        to=message.to,
        text=message.text,
        kind=message.kind,
        operator=message.operator,
        code=texts.code_in(message.text) if is_code else "",
        label=texts.label_in(message.text) if is_code else "",
    )
