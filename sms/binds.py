"""The binds that this process holds: a gateway that counts connections (SMPP) takes `Gateway.binds` of them, from all
processes together.

A bind is a lease in a row. Whoever holds one renews it, and works for all processes (`sms.sending.resident`); who gets
none leaves the messages of that gateway to who has one. When a holder dies, its lease lapses and another takes it.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, connections
from django.db.models import QuerySet
from django.utils import timezone

from common import limits
from common.process_state import register_reset
from sms.gateways import base
from sms.models import Bind

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds between two tries to get a bind
RENEW_EVERY = limits.SMS_BIND_LEASE.total_seconds() / 4


@dataclass(frozen=True, slots=True)
class _Held:
    gateway: base.Gateway
    number: int
    taken_over_at: float  # time.monotonic(), when it was taken from a holder that had died; else minus infinity


class Holder:
    """One process. `holder` is its name in the rows."""

    def __init__(self) -> None:
        self.holder = uuid.uuid4()
        self._held: dict[str, _Held] = {}
        self._next_try: dict[str, float] = {}  # time.monotonic(), by gateway
        self._left_until: dict[str, float] = {}  # the same
        self._lock = threading.Lock()

    def has(self, gateway: base.Gateway) -> bool:
        """Whether this process may use `gateway`: that counts no binds, or we hold one, or can get one now. At most a
        few statements a second while we have none."""
        if gateway.binds is None:
            return True
        with self._lock:
            if gateway.name in self._held:
                return True
            if time.monotonic() < self._next_try.get(gateway.name, float("-inf")):
                return False
            self._next_try[gateway.name] = time.monotonic() + LOOK_EVERY
            held = self._take(gateway, gateway.binds)
            if held:
                self._held[gateway.name] = held
        return held is not None

    def held(self) -> list[base.Gateway]:
        """The gateways of which this process holds a bind."""
        with self._lock:
            return [held.gateway for held in self._held.values()]

    def renew(self) -> None:
        """Renew the leases. A connection whose lease another process has taken is closed: the gateway would count
        one too many."""
        with self._lock:
            until = timezone.now() + limits.SMS_BIND_LEASE
            lost = [held for held in self._held.values() if not self._rows(held).update(until=until)]
            for held in lost:
                del self._held[held.gateway.name]
        for held in lost:
            log.warning("gateway %s: the lease of our bind lapsed, and another worker has it", held.gateway.name)
            held.gateway.close()

    def release(self, name: str) -> None:
        """Unbind and let another process have the bind."""
        with self._lock:
            held = self._held.pop(name, None)
            self._next_try[name] = time.monotonic() + LOOK_EVERY
        if held:
            held.gateway.close()
            self._rows(held).update(until=timezone.now())

    def leave_the_unreachable(self) -> None:
        """Release binds whose gateways this process does not reach: the way of another one may be whole."""
        for gateway in self.held():
            if gateway.unreachable_for() >= limits.SMS_BIND_UNREACHABLE.total_seconds():
                log.warning("gateway %s cannot be reached from here: our bind is left to another worker", gateway.name)
                self._leave(gateway.name, limits.SMS_BIND_LEFT.total_seconds())
                self._left_until[gateway.name] = time.monotonic() + limits.SMS_BIND_LEFT.total_seconds()

    def left(self, gateway: base.Gateway) -> bool:
        """Whether we have just left the bind because we do not reach `gateway`."""
        return time.monotonic() < self._left_until.get(gateway.name, float("-inf"))

    def _leave(self, name: str, seconds: float) -> None:
        self.release(name)
        with self._lock:
            self._next_try[name] = time.monotonic() + seconds

    def refused(self, gateway: base.Gateway, said: base.TryAgain) -> base.TryAgain | base.OutOfOrder:
        """What it means that `gateway` took no further bind (`Because.BIND`): while another process has one, that we
        have none, and leave its messages to the other; shortly after the death of a holder, or the end of our own
        connection, that the gateway has not noticed it: its line waits, and it is tried every few seconds. Else our
        account is out of order."""
        others = Bind.objects.filter(gateway=gateway.name, until__gt=timezone.now()).exclude(holder=self.holder)
        if others.exists():
            self._leave(gateway.name, limits.SMS_BIND_REFUSED.total_seconds())
            return said
        with self._lock:
            held = self._held.get(gateway.name)
        ended = max(held.taken_over_at if held else float("-inf"), gateway.left_at())
        if time.monotonic() - ended < limits.SMS_BIND_GHOST.total_seconds():
            return base.TryAgain.line(said.detail, after=limits.SMS_BIND_AGAIN)
        return base.OutOfOrder(said.detail)

    def _take(self, gateway: base.Gateway, binds: int) -> _Held | None:
        now = timezone.now()
        rows = {row.number: row for row in Bind.objects.filter(gateway=gateway.name)}
        values = {"holder": self.holder, "until": now + limits.SMS_BIND_LEASE}
        for number in range(1, binds + 1):
            row = rows.get(number)
            if row is None:
                if Bind.objects.get_or_create(gateway=gateway.name, number=number, defaults=values)[1]:
                    return _Held(gateway, number, float("-inf"))
            elif row.until <= now and Bind.objects.filter(pk=row.pk, until=row.until).update(**values):
                return _Held(gateway, number, time.monotonic())
        return None

    def _rows(self, held: _Held) -> QuerySet[Bind]:
        return Bind.objects.filter(gateway=held.gateway.name, number=held.number, holder=self.holder)


_process: tuple[int, Holder] = (0, Holder())
_keeper: threading.Thread | None = None
_starting = threading.Lock()
on_taken: list[Callable[[], None]] = []  # what begins when this process has a bind


def has(gateway: base.Gateway) -> bool:
    """`Holder.has` of this process, which renews what it holds until it ends."""
    has_one = _own().has(gateway)
    if has_one and gateway.binds is not None:
        _keep()
    return has_one


def held() -> list[base.Gateway]:
    """`Holder.held` of this process."""
    return _own().held()


def left(gateway: base.Gateway) -> bool:
    """`Holder.left` of this process."""
    return _own().left(gateway)


def refused(gateway: base.Gateway, said: base.TryAgain) -> base.TryAgain | base.OutOfOrder:
    """`Holder.refused` of this process."""
    return _own().refused(gateway, said)


@register_reset
def forget() -> None:
    """Reset to the state of a process that has just started."""
    global _process
    _process = (os.getpid(), Holder())


def _own() -> Holder:
    if _process[0] != os.getpid():  # a fork holds nothing of its parent's
        forget()
    return _process[1]


def _keep() -> None:
    global _keeper
    with _starting:
        if _keeper is None or not _keeper.is_alive():
            _keeper = threading.Thread(target=_renew, args=[_own()], name="sms-binds", daemon=True)
            _keeper.start()
            atexit.register(_release)
    for begin in on_taken:
        begin()


def _renew(holder: Holder) -> None:
    while holder is _process[1] and holder.held():
        time.sleep(RENEW_EVERY)
        try:
            if holder is _process[1]:
                holder.renew()
                holder.leave_the_unreachable()
        except (DatabaseError, InterfaceError) as error:  # nobody else can take the lease either
            log.warning("the leases of binds are not renewed: the database is away (%s)", type(error).__name__)
        finally:
            connections.close_all()


def _release() -> None:
    """At the end of the process: others need not wait until the leases lapse."""
    for gateway in held():
        try:
            _own().release(gateway.name)
        except Exception as error:  # then they lapse
            log.warning("gateway %s: our bind is not given back (%s)", gateway.name, type(error).__name__)
