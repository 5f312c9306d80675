"""The data that a drain works with: `Job`, a claimed message, and `Call`, one call of a gateway for it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone

from sms.gateways import base
from sms.models import Message
from sms.sending.doubt import Tried, WayOut


@dataclass(slots=True, eq=False)
class Job:
    """A claimed message; `gateways` are those still to be tried. `paced`: it waits for its turn at a line.
    `elsewhere`: another process has to send it (`sms.sending.reach`). `after`: how long a gateway asked this message
    alone to wait."""

    message: Message
    claimed: float  # time.monotonic()
    doubts: list[Tried]
    lease: uuid.UUID | None  # a copy: settling removes it from the message, and may be rolled back
    way: WayOut | None = None  # what may be done about the doubts; None: there are none
    gateways: list[base.Gateway] = field(default_factory=list)
    paid: bool = False  # it is counted in the daily budget
    paced: bool = False
    elsewhere: bool = False
    after: timedelta = timedelta(0)

    @property
    def expired(self) -> bool:
        return self.message.expires_at is not None and timezone.now() >= self.message.expires_at


@dataclass(slots=True, eq=False)
class Call:
    """One call for one message. `attempt` is its record; a look-up has none. `at`: when its turn is
    (`time.monotonic()`)."""

    job: Job
    gateway: base.Gateway
    attempt: Tried | None = None
    at: float = 0.0
