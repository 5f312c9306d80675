"""Claims due messages and plans their calls: what to do about each, by which gateways, and what the gateway
is given."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import cache

from django.utils import timezone

from common import leases, limits
from sms import budget, configuration, lines, routing, seen, switches, texts
from sms.gateways import base
from sms.models import Message, MessageKind
from sms.sending import calls, sql
from sms.sending.calls import Item, LookUpRequest
from sms.sending.doubt import WayOut, doubts, way_out
from sms.sending.job import Call, Job

_ORDER = ("priority", "next_attempt_at")  # as the index has it: what is due need not be sorted


def claim(room: int, full_lanes: Collection[tuple[str, str]], *, only_codes: bool = False) -> list[Message]:
    """Up to `room` due messages, codes before results and older before newer, without the lanes in `full_lanes`."""
    skip: list[leases.Skip] = [(("kind", "operator"), full_lanes)]
    if only_codes:
        skip.append((("kind",), [(kind,) for kind in MessageKind.values if kind != MessageKind.CODE]))
    return leases.claim(Message, limit=room, lease_for=limits.SMS_LEASE, order=_ORDER, skip=skip)


def is_any_due() -> bool:
    """Whether any message is due. With nothing due, that is all that a drain asks."""
    return Message.objects.filter(next_attempt_at__lte=timezone.now()).order_by("priority", "next_attempt_at").exists()


def lock_due(room: int, now: datetime) -> list[Message]:
    """Up to `room` messages that are due at `now`, in the order of `claim`, locked: as they will be once they are
    claimed."""
    return sql.lock_due(room, now, lease=uuid.uuid4(), until=now + limits.SMS_LEASE)


def is_paced() -> bool:
    """Whether the line of any gateway is limited."""
    return any(lines.rate(name) is not None for name in configuration.names())


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
    now, tiers = time.monotonic(), cache(routing.open_tiers)
    return [_job(message, now, tiers) for message in messages]


def _job(message: Message, now: float, tiers: Callable[[str, str], tuple[routing.OpenTier, ...]]) -> Job:
    job = Job(message, now, doubts(message), message.lease)
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


def may_begin(job: Job, now: datetime) -> bool:
    """Whether the call may be made: a message that has expired or is given up is not sent any more, but may be looked
    up."""
    message = job.message
    expired = message.expires_at is not None and now >= message.expires_at
    return job.way is WayOut.LOOK_UP or not (expired or now >= message.created_at + limits.SMS_RESULT_GIVE_UP)


def is_paid_for(job: Job) -> bool:
    """Whether the daily budget has room for `job`; it is asked once for each job. A message that was perhaps sent has
    been counted."""
    if job.way not in (None, WayOut.ONCE_MORE):
        return True
    job.paid = job.paid or budget.begin(job.message)
    return job.paid


def items_of(packet: Sequence[Call]) -> list[Item]:
    """What the gateway is given for the calls of one packet."""
    every = lines.step(packet[0].gateway.name)
    return [_item(call, every) for call in packet]


def _item(call: Call, every: float) -> Item:
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
        every=every,
    )
