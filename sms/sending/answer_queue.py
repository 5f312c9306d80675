"""The queue of answers of calls under way: gateway threads put answers in, the drain that made the calls takes them."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter

from sms.gateways import base
from sms.sending.calls import Answer
from sms.sending.job import Call
from sms.sending.packets import release

GATHER = 0.003  # seconds: answers that come close together are written together
LOOK_EVERY = 0.2  # seconds between looks for new messages while calls are under way

Ended = list[tuple[Call, Answer]]


class AnswerQueue:
    """Belongs to one drain. `flying`: the number of calls under way; the drain adds those it starts. `places`: the
    places of calls whose answers were taken; the drain uses them again or gives them back."""

    def __init__(self) -> None:
        self.flying = 0
        self.places: Counter[base.Gateway] = Counter()
        self._there: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._closed, self._lock = False, threading.Lock()

    def put(self, ended: Ended) -> None:
        """Add the answers of one packet. May be called from any thread."""
        with self._lock:
            self._there.put(ended)
            if self._closed:
                self._give_up()

    def take(self, longest: float = LOOK_EVERY) -> Ended:
        """The answers that have arrived. Waits for the first one, `longest` seconds at most, and shortly for others
        close behind it."""
        try:
            ended = self._taken(self._there.get(timeout=max(longest, GATHER)))
        except queue.Empty:
            return []
        if self.flying:
            time.sleep(GATHER)
        while not self._there.empty():
            ended += self._taken(self._there.get())
        return ended

    def close(self) -> None:
        """Stop waiting for answers. Some may still come if the drain ended because the database was away for
        too long."""
        with self._lock:
            self._closed = True
            self._give_up()

    def _taken(self, ended: Ended) -> Ended:
        self.flying -= len(ended)
        self.places[ended[0][0].gateway] += 1
        return ended

    def _give_up(self) -> None:
        while not self._there.empty():
            self._taken(self._there.get())
        release(self.places)
