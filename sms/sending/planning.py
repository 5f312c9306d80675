"""Claims due messages and plans their calls: what to do about each, by which gateways, and what the gateway
is given."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from functools import cache

from django.utils import timezone

from common import leases, limits
from sms import budget, lines, routing, seen, switches, texts
from sms.gateways import base
from sms.models import Message, MessageKind
from sms.sending import calls
from sms.sending.calls import Item, LookUpRequest
from sms.sending.doubt import WayOut, doubts, way_out
from sms.sending.job import Call, Job

_ORDER = ("priority", "next_attempt_at", "id")


def claim(room: int, full_lanes: Collection[tuple[str, str]], *, only_codes: bool = False) -> list[Message]:
    """Up to `room` due messages, codes before results and older before newer, without the lanes in `full_lanes`."""
    skip: list[leases.Skip] = [(("kind", "operator"), full_lanes)]
    if only_codes:
        skip.append((("kind",), [(kind,) for kind in MessageKind.values if kind != MessageKind.CODE]))
    return leases.claim(Message, limit=room, lease_for=limits.SMS_LEASE, order=_ORDER, skip=skip)


def lane(job: Job) -> tuple[str, str]:
    """The lane of `job`: messages of one kind to one operator, which go by the same gateways."""
    return job.message.kind, job.message.operator


def waits_for(gateway: base.Gateway, job: Job) -> bool:
    """Whether `job` waits for a place at `gateway`, which has none free, or else goes to the next gateway at once. A
    code never waits, a result for a short time. A gateway that is called in this thread has a place in the next
    iteration."""
    return calls.pool_of(gateway) is None or waits_a_little(job)


def waits_a_little(job: Job) -> bool:
    """Whether `job` waits for a gateway that takes nothing more now, or else goes to the next gateway at once."""
    little = limits.SMS_RESULT_WAITS_FOR_PLACE.total_seconds()
    return job.message.kind != MessageKind.CODE and time.monotonic() - job.claimed < little


def jobs_of(messages: Sequence[Message]) -> list[Job]:
    """A job for each claimed message."""
    tiers = cache(routing.open_tiers)
    return [_job(message, tiers) for message in messages]


def _job(message: Message, tiers: Callable[[str, str], tuple[routing.OpenTier, ...]]) -> Job:
    job = Job(message, time.monotonic(), doubts(message), message.lease)
    if job.doubts:
        name = job.doubts[-1].gateway
        gateway = routing.by_name(name)
        job.way = way_out(
            kind=message.kind,
            doubts=job.doubts,
            gateway=gateway,
            expired=job.expired,
            now=timezone.now(),
            is_on=switches.is_on(name, message.operator) and seen.may_carry(name),
        )
        if gateway and job.way in (WayOut.SAME_KEY_AGAIN, WayOut.LOOK_UP):
            job.gateways = [gateway]
    if job.way in (None, WayOut.ONCE_MORE):
        job.gateways = list(routing.in_order(tiers(message.operator, message.kind)))
    return job


def may_begin(job: Job) -> bool:
    """Whether the call may be made: a message that has expired or is given up is not sent any more, but may be looked
    up."""
    given_up = timezone.now() >= job.message.created_at + limits.SMS_RESULT_GIVE_UP
    return job.way is WayOut.LOOK_UP or not (job.expired or given_up)


def is_paid_for(job: Job) -> bool:
    """Whether the daily budget has room for `job`; it is asked once for each job. A message that was perhaps sent has
    been counted."""
    if job.way not in (None, WayOut.ONCE_MORE):
        return True
    job.paid = job.paid or budget.begin(job.message)
    return job.paid


def item_of(call: Call) -> Item:
    """What the gateway is given for `call`."""
    message = call.job.message
    if call.job.way is WayOut.LOOK_UP:
        return LookUpRequest(key=message.key, provider_id=message.provider_id)
    is_code = message.kind == MessageKind.CODE
    return base.Sms(
        key=message.key,
        to=message.to,
        text=message.text,
        kind=message.kind,
        operator=message.operator,
        code=texts.code_in(message.text) if is_code else "",
        label=texts.label_in(message.text) if is_code else "",
        valid_until=message.expires_at or message.created_at + limits.SMS_RESULT_GIVE_UP,
        every=lines.step(call.gateway.name),
    )
