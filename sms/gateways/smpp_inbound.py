"""Passes on what an SMPP gateway delivers, in a thread of its own, because that uses the database and must not delay
answers."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence

from django.db import InterfaceError, OperationalError
from smpplib import consts

from sms.gateways.smpp_wire import Delivery

log = logging.getLogger(__name__)

MOST = 1_000  # deliveries that wait to be stored; further ones are refused, and the gateway delivers them again
TOGETHER = 100  # of them, stored in one statement
_LATE_PAUSES = (0.0, 1.0, 2.0, 5.0)  # seconds before each try to store a late answer, which nobody says again

_Work = Callable[[], None]


class Inbound:
    """Deliveries of one connection. `deliver` stores all that it is given, or raises and has stored none; `respond`
    sends the response with this status, or raises OSError."""

    def __init__(self, deliver: Callable[[Sequence[Delivery]], None], respond: Callable[[Delivery, int], None]) -> None:
        self._deliver, self._respond = deliver, respond
        self._waiting: queue.SimpleQueue[Delivery | _Work | None] = queue.SimpleQueue()
        threading.Thread(target=self._pass_on, name="smpp", daemon=True).start()

    def put(self, delivery: Delivery) -> None:
        """Raises OSError if too many wait and the gateway cannot be told so."""
        if self._waiting.qsize() >= MOST:
            self._respond(delivery, consts.SMPP_ESME_RX_T_APPN)
        else:
            self._waiting.put(delivery)

    def put_late(self, work: _Work) -> None:
        """Add what stores a late answer."""
        self._waiting.put(work)

    def end(self) -> None:
        """Stop after what waits already."""
        self._waiting.put(None)

    def _pass_on(self) -> None:
        over = False
        while not over:
            items = self._next()
            over = None in items
            if together := [item for item in items if isinstance(item, Delivery)]:
                self._store(together)
            for item in items:
                if item is not None and not isinstance(item, Delivery):
                    _pass_on_late(item)

    def _next(self) -> list[Delivery | _Work | None]:
        """What has waited longest, up to TOGETHER of it. Only one thread takes, so what is there stays there."""
        items = [self._waiting.get()]
        while len(items) < TOGETHER and not self._waiting.empty():
            items.append(self._waiting.get())
        return items

    def _store(self, together: Sequence[Delivery]) -> None:
        """A delivery is acknowledged only when it has been stored. Otherwise the gateway keeps it and delivers it
        again."""
        try:
            self._deliver(together)
            status = consts.SMPP_ESME_ROK
        except Exception as error:  # the database may be away; the text of its errors may hold anything
            if len(together) > 1 and not isinstance(error, OperationalError | InterfaceError):
                for each in together:  # one of them cannot be stored
                    self._store([each])
                return
            log.error("smpp: a delivery was not kept (%s)", type(error).__name__)
            status = consts.SMPP_ESME_RX_T_APPN
        for each in together:
            try:
                self._respond(each, status)
            except OSError:  # the connection is over: the reader notices it
                log.warning("smpp: a delivery could not be acknowledged")


def _pass_on_late(work: _Work) -> None:
    for pause in _LATE_PAUSES:
        time.sleep(pause)
        try:
            return work()
        except Exception as error:  # as above
            log.error("smpp: a late answer was not kept (%s)", type(error).__name__)
