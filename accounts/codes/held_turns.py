"""The queue of held codes: of held places in a number's queue, and of held challenges (`common.abuse.turns`)."""

from __future__ import annotations

from accounts.models import Challenge, OneTimeCode
from common.abuse import turns
from common.abuse.origins import Origin

_QUEUES = {OneTimeCode: "code", Challenge: "challenge"}


def take(waits: OneTimeCode | Challenge, *, origin: Origin, rank: int) -> None:
    """Put a held place or challenge into the queue. `rank`: as weighed (`accounts.codes.requesters`)."""
    turns.take(queue=_QUEUES[type(waits)], name=_name(waits), origin=origin, rank=rank, reference=str(waits.pk))


def wait(waits: OneTimeCode | Challenge) -> int:
    """Seconds until its turn."""
    return turns.wait(queue=_QUEUES[type(waits)], name=_name(waits))


def leave(waits: OneTimeCode | Challenge) -> None:
    """Remove it from the queue: it is held no longer."""
    turns.leave(queue=_QUEUES[type(waits)], name=_name(waits))


def call(kind: type[OneTimeCode] | type[Challenge]) -> list[int]:
    """The primary keys of the rows whose turn has come."""
    return [int(reference) for reference in turns.call(_QUEUES[kind])]


def _name(waits: OneTimeCode | Challenge) -> str:
    if isinstance(waits, Challenge):
        return str(waits.token)
    return f"{waits.purpose}:{waits.mobile}:{waits.asker}"
