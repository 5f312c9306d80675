"""Works the queue of sign-outs off: one thread claims and writes, others call the services.

A notice is claimed with a lease and told outside any transaction. A worker that is killed in the middle loses nothing:
the lease lapses, and the service is told again, by a token with another `jti`. So a service may hear of one sign-out
twice; it never misses one that it could have heard within `limits.LOGOUT_GIVE_UP`.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

from django.utils import timezone

from common import alarms, backoff, leases, limits
from common.models import AlarmCode
from common.process_state import register_reset
from openid import usage
from openid.logout import calling
from openid.logout.calling import Heard, Result
from openid.logout.turns import Turns
from openid.models import ConnectedService, LogoutNotice, LogoutState

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds, while calls are under way
_NO_ANSWER = "no answer: "  # before the word in `last_error`

_Answered = tuple[LogoutNotice, Heard]
_one = threading.Lock()
_again, _over = threading.Event(), threading.Event()
_running: Drain | None = None


def run() -> None:
    """Tell what is due. One drain in a process: it looks again when this is called meanwhile. Must not run inside a
    transaction."""
    _again.set()
    if (running := _running) is not None:
        running.wake()
    while _again.is_set() and _one.acquire(blocking=False):
        try:
            _again.clear()
            drain()
        finally:
            _one.release()


def drain() -> int:
    """Tell what is due until nothing is; returns how many calls were made."""
    global _running
    leases.refuse_inside_transaction()
    _running = Drain()
    try:
        return _running.run()
    finally:
        _running = None


def stop() -> None:
    """This process ends: claim nothing any more."""
    _over.set()


@register_reset
def forget() -> None:
    """Claim again."""
    _over.clear()
    _again.clear()


class Drain:
    """`well`: services that have answered, and whose alarm is over."""

    def __init__(self) -> None:
        self.turns, self.calls = Turns(), 0
        self.well: set[int] = set()
        self._answers: SimpleQueue[_Answered | None] = SimpleQueue()

    def wake(self) -> None:
        """Look into the queue now."""
        self._answers.put(None)

    def run(self) -> int:
        with ThreadPoolExecutor(limits.LOGOUT_PLACES, thread_name_prefix="openid-logout") as pool:
            while self._begin(pool) or self.turns.all_under_way:
                self._hear()
        _end_alarms_without_a_cause()
        return self.calls

    def _begin(self, pool: ThreadPoolExecutor) -> int:
        notices = [] if _over.is_set() else self.turns.claim()
        for notice in notices:
            pool.submit(lambda each: self._answers.put((each, calling.tell(each))), notice)
        self.calls += len(notices)
        return len(notices)

    def _hear(self) -> None:
        """Write what services have answered; waits for the first of them."""
        try:
            answered = self._answers.get(timeout=LOOK_EVERY)
            while True:
                if answered is not None:
                    self._write(*answered)
                answered = self._answers.get_nowait()
        except Empty:
            return

    def _write(self, notice: LogoutNotice, heard: Heard) -> None:
        self.turns.ended(notice, answers=heard.result is not Result.NO_ANSWER)
        service = notice.service_id
        if heard.result is Result.TOLD:
            if _finish(notice, LogoutState.TOLD):
                usage.count(notice.service, "logout")
            if service not in self.well:
                self.well.add(service)
                _is_back(notice.service)
            return
        if heard.result is Result.NO_ANSWER:
            self.well.discard(service)
        _put_off(notice, heard)


def _finish(notice: LogoutNotice, state: LogoutState, error: str = "") -> bool:
    return leases.settle(notice, state=state, final_at=timezone.now(), last_error=error)


def _is_back(service: ConnectedService) -> None:
    alarms.clear(AlarmCode.LOGOUT, service.client_id)
    waiting = LogoutNotice.objects.filter(service=service, last_error__startswith=_NO_ANSWER)
    leases.bring_forward(waiting)


def _put_off(notice: LogoutNotice, heard: Heard) -> None:
    """Plan the next try after a pause that grows, or give up."""
    refused, now = heard.result is Result.REFUSED, timezone.now()
    error = heard.word if refused else _NO_ANSWER + heard.word
    if not notice.service.backchannel_logout_uri:
        _finish(notice, LogoutState.GIVEN_UP, "no address any more")
        return
    spent = refused and notice.attempts >= limits.LOGOUT_REFUSALS
    if spent or now >= notice.created_at + limits.LOGOUT_GIVE_UP:
        if _finish(notice, LogoutState.GIVEN_UP, error):
            usage.count(notice.service, "error:logout_failed")
            log.error("sign-out %s given up after %s attempts (%s)", notice.pk, notice.attempts, error)
    else:
        again = now + backoff.listed(notice.attempts, limits.LOGOUT_RETRIES)
        leases.settle(notice, last_error=error, next_attempt_at=again)
    if notice.attempts >= limits.LOGOUT_ALARM_AFTER and _is_the_services_fault(notice, refused=refused):
        alarms.sound(AlarmCode.LOGOUT, notice.service.client_id, f"{notice.service.name}: {error}")


def _is_the_services_fault(notice: LogoutNotice, *, refused: bool) -> bool:
    """Not of one that is suspended, from which nothing is expected; nor if it has taken another sign-out since and only
    refuses this one: it may have ended that session itself."""
    if ConnectedService.objects.filter(pk=notice.service_id, suspended_at__isnull=False).exists():
        return False
    taken = LogoutNotice.objects.filter(service=notice.service, state=LogoutState.TOLD, final_at__gt=notice.created_at)
    return not (refused and taken.exists())


def _end_alarms_without_a_cause() -> None:
    """Of services that are not told any more: suspended, or without an address."""
    for alarm in alarms.standing("openid"):
        told = ConnectedService.objects.filter(client_id=alarm.subject, suspended_at__isnull=True)
        if not told.exclude(backchannel_logout_uri="").exists():
            alarms.clear(AlarmCode.LOGOUT, alarm.subject)
