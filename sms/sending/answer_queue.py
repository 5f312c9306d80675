"""The answers of calls that are under way: threads of the gateways put them in, their drain takes them out."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter

from sms.gateways import base
from sms.sending.calls import Said
from sms.sending.job import Call
from sms.sending.packets import release

GATHER = 0.003  # seconds: answers that come close together are written together
LOOK_EVERY = 0.2  # seconds between looks for new messages while calls are under way

Ended = list[tuple[Call, Said]]


class AnswerQueue:
    """Of one drain. `flying`: how many calls are under way; the drain adds those it starts. `places`: those of the
    calls whose answers were taken; the drain uses them again, or gives them back."""

    def __init__(self) -> None:
        self.flying = 0
        self.places: Counter[base.Gateway] = Counter()
        self._there: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._closed, self._lock = False, threading.Lock()

    def put(self, ended: Ended) -> None:
        """The calls of one packet have ended. From any thread."""
        with self._lock:
            self._there.put(ended)
            if self._closed:
                self._give_up()

    def take(self) -> Ended:
        """Those that are there; waits a little for the first, and for others close behind it."""
        try:
            ended = self._taken(self._there.get(timeout=LOOK_EVERY))
        except queue.Empty:
            return []
        if self.flying:
            time.sleep(GATHER)
        while not self._there.empty():
            ended += self._taken(self._there.get())
        return ended

    def close(self) -> None:
        """No answer is waited for any more: if the database has been away for too long, some are still to come."""
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
