"""Calls gateways in threads, up to as many at the same time as each gateway takes (`connections`).

A call uses no database and never raises. A gateway on the network is called in a pool of threads that all drains of
this process share. A gateway that is not on the network and takes one call at a time is called in the drain's thread.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from sms.gateways import base

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LookUpRequest:
    """A look-up instead of a send: does the gateway have this message?"""

    key: uuid.UUID
    provider_id: str


Answer = base.Outcome | base.LookUp
Item = base.Sms | LookUpRequest


class CallPool:
    """The threads that call one gateway in this process, and its places: one for each call it takes at the
    same time."""

    def __init__(self, gateway: base.Gateway) -> None:
        self._free = threading.BoundedSemaphore(gateway.connections)
        self.free = gateway.connections  # about so many
        self._pool = ThreadPoolExecutor(gateway.connections, thread_name_prefix=f"sms-{gateway.name}")

    def reserve(self) -> bool:
        """Take a place for a call. False: none is free."""
        taken = self._free.acquire(blocking=False)
        self.free -= taken
        return taken

    def release(self) -> None:
        """Give a place back. Only after the answer is written: so when a worker dies, no more messages are in doubt
        than the gateway has places."""
        self._free.release()
        self.free += 1

    def start(
        self, gateway: base.Gateway, items: Sequence[Item], then: Callable[[list[Answer]], None], at: float
    ) -> bool:
        """Make the reserved call in another thread, at `at` (`time.monotonic()`), and pass the answers to `then`. The
        place stays taken. False: the process ends and takes no further call, so certainly nothing was sent."""
        try:
            self._pool.submit(lambda: then(call(gateway, items, at)))
        except RuntimeError as error:  # Python ends these pools before `atexit` begins
            log.warning("gateway %s is not called: the process ends (%s)", gateway.name, type(error).__name__)
            return False
        return True


_pools: WeakKeyDictionary[base.Gateway, CallPool] = WeakKeyDictionary()
_lock = threading.Lock()


def pool_of(gateway: base.Gateway) -> CallPool | None:
    """The shared pool of `gateway`; None: it is called in the caller's own thread."""
    if gateway.connections == 1 and not gateway.on_network:
        return None
    with _lock:
        if gateway not in _pools:
            _pools[gateway] = CallPool(gateway)
        return _pools[gateway]


def start(gateway: base.Gateway, items: Sequence[Item], then: Callable[[list[Answer]], None], at: float = 0.0) -> bool:
    """Make a call whose place is reserved, at `at`, and pass the answers to `then`, perhaps in another thread. The
    place stays taken. False: as in `CallPool.start`."""
    pool = pool_of(gateway)
    if pool is not None:
        return pool.start(gateway, items, then, at)
    then(call(gateway, items, at))
    return True


def call(gateway: base.Gateway, items: Sequence[Item], at: float = 0.0) -> list[Answer]:
    """The answer of `gateway` to each of `items`, asked at `at`. If the adapter raises or answers wrongly, the outcome
    is unknown: no message may be lost by it. The error's text is not logged, because it may contain a number."""
    if (early := at - time.monotonic()) > 0:
        time.sleep(early)
    try:
        said = _call(gateway, items)
    except Exception as error:
        log.error("gateway %s raised %s", gateway.name, type(error).__name__)
        said = [_no_word(item, type(error).__name__) for item in items]
    if len(said) != len(items):
        log.error("gateway %s answered %s of %s messages", gateway.name, len(said), len(items))
        return [_no_word(item, "answers are missing") for item in items]
    return [_of_its_kind(item, one) for item, one in zip(items, said, strict=True)]


def _call(gateway: base.Gateway, items: Sequence[Item]) -> list[Answer]:
    first = items[0]
    if isinstance(first, LookUpRequest):
        return [gateway.look_up(key=first.key, provider_id=first.provider_id)]
    if gateway.batch == 1:
        return [gateway.send(first)]
    return list(gateway.send_many([item for item in items if isinstance(item, base.Sms)]))


def _of_its_kind(item: Item, said: Answer) -> Answer:
    good = isinstance(said, base.LookUp if isinstance(item, LookUpRequest) else base.Outcome)
    return said if good else _no_word(item, "no outcome")


def _no_word(item: Item, detail: str) -> Answer:
    return base.NoAnswer(detail) if isinstance(item, LookUpRequest) else base.Unknown(detail)
