"""The turns that messages of one iteration of a drain get at the lines of their gateways (`sms.lines`)."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence

from sms import lines
from sms.gateways import base
from sms.models import MessageKind
from sms.pace import Wish
from sms.sending.doubt import WayOut
from sms.sending.job import Job


class Turns:
    """`waiting`: the jobs of the iteration in their order. Turns are taken for several together: for the job that asks
    and for those behind it that will ask for the same gateway. `pause`: seconds until the first of the refused ones may
    ask again; None: none was refused."""

    def __init__(self, waiting: Sequence[Job]) -> None:
        self.pause: float | None = None
        self._places = {job: place for place, job in enumerate(waiting)}
        self._waiting = waiting
        self._granted: dict[str, dict[Job, float]] = defaultdict(dict)  # with when they may go (time.monotonic())
        self._full: set[tuple[str, bool]] = set()  # gateways that take no further codes, or no other messages
        self._limited: dict[str, bool] = {}

    def are_taken(self, gateway: base.Gateway) -> bool:
        """Whether anybody limits the line of `gateway`; asked once."""
        if gateway.name not in self._limited:
            self._limited[gateway.name] = lines.rate(gateway.name) is not None
        return self._limited[gateway.name]

    def may_go(self, gateway: base.Gateway, job: Job, room: int) -> bool:
        """Whether it is the turn of `job` at `gateway`, which has places for `room` messages. A look-up needs none."""
        name = gateway.name
        if job.way is WayOut.LOOK_UP or not self.are_taken(gateway):
            return True
        if job not in self._granted[name] and not self._is_full(name, job):
            self._ask(gateway, job, room)
        if job in self._granted[name]:
            return True
        wait = lines.wait(name, is_code=_is_code(job))
        self.pause = wait if self.pause is None else min(self.pause, wait)
        return False

    def goes(self, gateway: base.Gateway, job: Job) -> float:
        """`job` uses its turn; returns when (`time.monotonic()`), perhaps in a moment."""
        return self._granted[gateway.name].pop(job, 0.0)

    def give_back(self) -> None:
        """Give back the turns that were not used. If the database fails on the way, it may be repeated: what was given
        back is not given back twice."""
        for name, jobs in list(self._granted.items()):
            if jobs:
                lines.give_back(name, sum(job.message.parts for job in jobs))
            del self._granted[name]

    def _is_full(self, name: str, job: Job) -> bool:
        return (name, _is_code(job)) in self._full

    def _ask(self, gateway: base.Gateway, job: Job, room: int) -> None:
        behind = self._waiting[self._places[job] + 1 :]
        asking = [job, *(each for each in behind if each.gateways and each.gateways[0] is gateway)][:room]
        wishes = [Wish(parts=max(each.message.parts, 1), is_code=_is_code(each)) for each in asking]
        waits, now = lines.take(gateway.name, wishes), time.monotonic()
        self._granted[gateway.name] |= {each: now + wait for each, wait in zip(asking, waits, strict=False)}
        if len(waits) < len(asking):
            self._full.add((gateway.name, _is_code(asking[len(waits)])))
            self._full.add((gateway.name, False))


def _is_code(job: Job) -> bool:
    return job.message.kind == MessageKind.CODE
