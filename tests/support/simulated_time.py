"""A clock that tests turn: sleeping moves it, nothing waits. And an SMSC on that clock that takes so many parts a
second."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from sms import parts
from sms.gateways.base import Accepted, Outcome, Sms, TryAgain
from tests.support.sms_gateways import StubGateway

TICK = 0.0001  # seconds that a look at the clock takes, so that a loop that only looks ends


class Clock:
    """`at`: seconds since its beginning."""

    def __init__(self) -> None:
        self.at = 0.0
        self._began = timezone.now()

    def monotonic(self) -> float:
        self.at += TICK
        return 1_000_000 + self.at

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self.at)

    def sleep(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """The clock of everything that looks at `time.monotonic` and `timezone.now`."""
    simulated = Clock()
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", simulated.monotonic)
        patch.setattr(time, "sleep", simulated.sleep)
        patch.setattr(timezone, "now", simulated.now)
        yield simulated


class ThrottlingGateway(StubGateway):
    """Takes `rate` parts within each second and answers "busy" to what is more; with `by_distance`, to what comes less
    than 1 / `rate` after the last part that was taken. The parts after a message's first one have their steps and are
    said again, as by SMPP. `taken`: at which second of the clock which kind was accepted;
    `refused`: how many calls were not. `before`: called before each call."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        rate: int,
        *,
        before: Callable[[], None] = lambda: None,
        by_distance: bool = False,
    ) -> None:
        super().__init__(name)
        self.by_distance = by_distance
        self.clock, self.rate, self.before = clock, rate, before
        self.taken: list[tuple[float, str]] = []
        self.refused = 0
        self.after: timedelta | None = None
        self.full_until = 0.0  # second of the clock; nothing is taken before it
        self.switched_off: dict[str, TryAgain] = {}  # phones whose own queue is full, and what is said about them
        self._window: deque[float] = deque()

    def send(self, sms: Sms) -> Outcome:
        self.before()
        self.sent.append(sms)
        if alone := self.switched_off.get(sms.to):
            return alone
        slowed = None
        for number in range(parts.count(sms.text)):
            self.clock.sleep(sms.every if number else 0)
            while not self._takes_a_part():
                if number == 0:
                    self.refused += 1
                    return TryAgain.busy("88", after=self.after)
                slowed = sms.every
                self.clock.sleep(sms.every or 0.5)
        self.taken.append((self.clock.at, sms.kind))
        self.accepted.append(sms.key)
        return Accepted(provider_ids=(f"id-{len(self.sent)}",), slowed=slowed)

    def _takes_a_part(self) -> bool:
        while self._window and self._window[0] <= self.clock.at - 1:
            self._window.popleft()
        too_soon = self._window and self.by_distance and self.clock.at - self._window[-1] < 1 / self.rate
        if self.clock.at < self.full_until or too_soon or len(self._window) >= self.rate:
            return False
        self._window.append(self.clock.at)
        return True
