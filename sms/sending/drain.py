"""Send what is queued: claim → send → record, until nothing is due.

An Attempt is committed before a gateway is called and the answer is written with compare-and-set on
the lease, so that whenever a worker dies, the rows say what may have happened. A message that was
perhaps sent is handled by the rules of `sms.sending.doubt`. Nothing here logs a number or a text.

A drain is a pipeline: it holds a few claimed messages, calls the gateways as many times at once as
they stand (`sms.sending.calls`), and writes the answers that came in meanwhile together with the next
beginnings (`sms.sending.records`). Only this thread touches the database.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Q

from common import leases, limits
from sms import routing
from sms.gateways import base
from sms.models import Message, MessageState
from sms.sending import calls, planning
from sms.sending.answer_queue import GATHER, LOOK_EVERY, AnswerQueue
from sms.sending.calls import Said
from sms.sending.doubt import WayOut
from sms.sending.job import Call, Job
from sms.sending.packets import Packets
from sms.sending.records import Iteration, give_back

log = logging.getLogger(__name__)
Result = TypeVar("Result")

_CROWD = limits.SMS_BATCH // 2  # so many of a kind to an operator wait here for a place: no more are claimed
_PATIENCE = 30.0  # seconds that answers wait for a database that is away, or for a row that somebody else has locked
_TOO_LATE = base.TryAgain("expired")  # for calls that were not made

_claiming: set[_Drain] = set()  # of this process
_shift = threading.Lock()


def drain(*, seconds: float = 50) -> int:
    """Send until nothing is due or `seconds` have passed; returns how many messages were claimed.

    While a call of it hangs and no other drain of this process claims, it goes on for at most
    `limits.SMS_SUCCESSOR_WITHIN` longer: the queue does not wait for the last answers.
    Codes go before results, older before newer. With nothing due it costs one statement. Raises
    ImproperlyConfigured, before anything is claimed, when SMS_GATEWAYS names no gateway.
    """
    routing.check()
    leases.refuse_inside_transaction()
    gateways = routing.configured()
    for gateway in gateways:
        gateway.stay_connected()
    batch = max((gateway.batch for gateway in gateways), default=0)
    return _Drain(seconds, min(max(batch, limits.SMS_BATCH), limits.SMS_LARGEST_BATCH)).run()


def scrub(*, before: datetime, dry_run: bool = False) -> int:
    """Blank the text of messages that were final before `before`; returns how many."""
    over = Q(final_at__lt=before) | Q(state=MessageState.ACCEPTED, sent_at__lt=before)
    final = Message.objects.filter(over, next_attempt_at__isnull=True).exclude(text="")
    return final.count() if dry_run else final.update(text="")


class _Drain:
    """One run. `waiting`: claimed and not under way, at most `batch` and the crowds."""

    def __init__(self, seconds: float, batch: int) -> None:
        self.ends, self.batch = time.monotonic() + seconds, batch
        self.waiting: list[Job] = []
        self.answers = AnswerQueue()
        self.unwritten: list[tuple[Call, Said]] = []
        self.held: list[tuple[Call, Said]] = []  # answers about messages that somebody else has locked
        self.held_since: dict[Job, float] = {}
        self.away_since: float | None = None  # the database
        self.claimed = 0
        self.look_again_at = 0.0
        self.crowds: set[tuple[str, str]] = set()  # kind and operator, at the last look

    def run(self) -> int:
        with _shift:
            _claiming.add(self)
        try:
            return self._run()
        finally:
            with _shift:
                _claiming.discard(self)
            self.answers.close()

    def _run(self) -> int:
        while True:
            self.away_since = None  # all steps of a iteration wait for it together
            self.unwritten = self._gather()
            claims = self._claims()
            self._give_back_the_late(timedelta(0) if not claims else limits.SMS_BATCH_TIME)
            busy = (claims and self._claim()) or self.unwritten
            self._iterate()
            if not (busy or self.waiting or self.answers.flying or self.held):
                return self.claimed

    # ── what comes in

    def _gather(self) -> list[tuple[Call, Said]]:
        """The answers that are there; waits a little where there are none."""
        if not self.answers.flying:
            if self.waiting or self.held:  # other drains have all the calls that the gateways stand, or the rows
                time.sleep(GATHER * 5)
            return []
        return self.answers.take()

    def _claims(self) -> bool:
        """Whether its time is not over, or its last calls may hang and nobody else would claim meanwhile."""
        late = time.monotonic() - self.ends
        with _shift:
            needed = self.answers.flying and _claiming == {self} and late < limits.SMS_SUCCESSOR_WITHIN.total_seconds()
            if late >= 0 and not needed:
                _claiming.discard(self)
            return self in _claiming

    def _claim(self) -> bool:
        """Whether there was more to send."""
        now, room = time.monotonic(), self._room()
        idle = not (self.answers.flying or self.waiting)
        if room * 2 < self.batch or not (idle or now >= self.look_again_at):
            return False
        rows = self._patiently(partial(planning.claim, room, self.crowds))
        if len(rows) < room:
            self.look_again_at = now + LOOK_EVERY
        self.claimed += len(rows)
        self.waiting += self._patiently(partial(planning.jobs_of, rows))
        return bool(rows)

    def _room(self) -> int:
        """How many messages may be claimed. Those that wait for a full gateway take no room from the others,
        and no more like them are claimed until most of them have gone."""
        waiting = Counter(map(planning.lane, self.waiting))
        crowds = {lane for lane, count in waiting.items() if count > _CROWD}
        if self.crowds - crowds:
            self.look_again_at = 0.0
        self.crowds = crowds
        return self.batch - sum(count for lane, count in waiting.items() if lane not in crowds)

    def _give_back_the_late(self, held: timedelta) -> None:
        """A slow gateway: codes that were queued meanwhile go before what waits here."""
        now = time.monotonic()
        late = [job for job in self.waiting if now - job.claimed >= held.total_seconds() and job not in self.held_since]
        if late:
            self._patiently(lambda: give_back(late))
            self.waiting = [job for job in self.waiting if job not in late]

    # ── what goes out

    def _iterate(self) -> None:
        """Write the answers and the next beginnings, then call."""
        again = [call.job for call, said in self.unwritten if isinstance(said, base.TryAgain | base.OutOfOrder)]
        self.waiting = sorted(again + self.waiting, key=lambda job: job.message.priority)
        iteration, packets = Iteration(ended=self.held + self.unwritten), Packets(self.answers.places)
        self._report()
        try:
            self._choose(iteration, packets)
            begun = self._patiently(iteration.write) if iteration.ended or iteration.over or iteration.begun else []
            self.unwritten = []
            self._keep_the_held(iteration)
            self._not_sent(set(iteration.begun).difference(begun))
            self._launch(packets.take(begun))
        finally:
            packets.release()

    def _keep_the_held(self, iteration: Iteration) -> None:
        """Keep what concerns locked messages for a later iteration, for `_PATIENCE` at most. After that a message is
        left to its lease; if a call for it was made, the message is in doubt."""
        now = time.monotonic()
        self.held_since = {job: self.held_since.get(job, now) for job in iteration.held}
        left = {job for job, since in self.held_since.items() if now - since > _PATIENCE}
        for job in left:
            log.warning("message %s stays locked: what is to be written about it is given up", job.message.pk)
        for call in iteration.begun:
            if call.job in iteration.held:
                call.job.gateways.insert(0, call.gateway)
        self.held = [(call, said) for call, said in iteration.ended if call.job in iteration.held - left]
        again = [job for job in (*iteration.over, *(call.job for call in iteration.begun)) if job in iteration.held]
        self.waiting = [job for job in self.waiting + again if job not in left]

    def _choose(self, iteration: Iteration, packets: Packets) -> None:
        """Give each waiting message to one of its gateways, as far as they stand another call."""
        waiting, self.waiting = self.waiting, []
        for job in waiting:
            if not planning.may_begin(job):
                job.gateways = []
            if call := self._call(job, packets):
                iteration.begun.append(call)
            elif job.gateways:
                self.waiting.append(job)
            else:
                iteration.over.append(job)

    def _call(self, job: Job, packets: Packets) -> Call | None:
        """The next call for `job`, in its packet; None: it waits for a place, or no gateway is left to it."""
        asks = job.way is WayOut.LOOK_UP
        for gateway in tuple(job.gateways):
            packet = packets.place(gateway, alone=asks)
            if packet is None:
                if planning.waits_for(gateway, job):
                    break
                continue
            job.gateways.remove(gateway)
            call = Call(job, gateway)
            if asks or self._may_send(call):
                packet.append(call)
                return call
        return None

    def _not_sent(self, calls: Collection[Call]) -> None:
        for call in calls:
            routing.not_sent(call.gateway.name, call.job.message.operator)

    def _may_send(self, call: Call) -> bool:
        job, name = call.job, call.gateway.name
        return self._patiently(lambda: planning.is_paid_for(job) and routing.may_send(name, job.message.operator))

    def _report(self) -> None:
        """Tell the breakers, before the next choice. No fault of theirs may cost an answer that is not written yet."""
        for call, said in self.unwritten:
            try:
                self._patiently(partial(_heard, call, said))
            except Exception as error:
                log.error("what gateway %s did was not noted (%s)", call.gateway.name, type(error).__name__)

    def _launch(self, packets: Sequence[list[Call]]) -> None:
        """Call; those in this thread last, for it can do nothing else meanwhile."""
        for packet in sorted(packets, key=lambda packet: calls.pool_of(packet[0].gateway) is None):
            self.answers.flying += len(packet)
            live = [call for call in packet if planning.may_begin(call.job)]  # the database may have been slow
            hear = partial(self._hear, live, [call for call in packet if call not in live])
            if live:
                calls.start(live[0].gateway, [planning.item_of(call) for call in live], hear)
            else:
                hear([])

    def _hear(self, live: list[Call], late: list[Call], said: list[Said]) -> None:
        self.answers.put([*zip(live, said, strict=True), *((call, _TOO_LATE) for call in late)])

    def _patiently(self, step: Callable[[], Result]) -> Result:
        """`step`, again and again while the database is away and there are answers that it must not miss."""
        while True:
            try:
                return step()
            except (OperationalError, InterfaceError) as error:
                connection.close()
                now = time.monotonic()
                self.away_since = self.away_since or now
                if not (self.answers.flying or self.unwritten or self.held) or now - self.away_since > _PATIENCE:
                    raise
                log.warning("the database is away (%s); answers of gateways wait", type(error).__name__)
                time.sleep(0.5)


def _heard(call: Call, said: Said) -> None:
    message = call.job.message
    if said is _TOO_LATE:
        routing.not_sent(call.gateway.name, message.operator)
    elif isinstance(said, base.Outcome):
        routing.heard(call.gateway.name, message.operator, said, message.kind)
