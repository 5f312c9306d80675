"""Send what is queued: claim → send → record, until nothing is due.

An Attempt is committed before a gateway is called and the answer is written with compare-and-set on
the lease, so that whenever a worker dies, the rows say what may have happened. A message that was
perhaps sent is handled by the rules of `sms.doubt`. Nothing here logs a number or a text.

A drain is a pipeline: it holds a few claimed messages, calls the gateways as many times at once as
they stand (`sms.calls`), and writes the answers that came in meanwhile together with the next
beginnings (`sms.records`). Only this thread touches the database.
"""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Q
from django.utils import timezone

from sms import calls, routing, texts
from sms.calls import Item, Question, Said
from sms.doubt import WayOut, doubts, way_out
from sms.gateways import base
from sms.models import Message, MessageKind, MessageState
from sms.packets import Packets
from sms.records import Call, Job, Turn, give_back
from tamin_portal import leases, limits

log = logging.getLogger(__name__)
Result = TypeVar("Result")

_ORDER = ("priority", "next_attempt_at", "id")
_GATHER = 0.003  # seconds: answers that come close together are written together
_LOOK_EVERY = 0.2  # seconds between looks for new messages while calls are under way
_PATIENCE = 30.0  # seconds that answers wait for a database that is away


def drain(*, seconds: float = 50) -> int:
    """Send until nothing is due or `seconds` have passed; returns how many messages were claimed.

    Codes go before results, older before newer. With nothing due it costs one statement. Raises
    ImproperlyConfigured, before anything is claimed, when SMS_GATEWAYS names no gateway.
    """
    routing.check()
    leases.refuse_inside_transaction()
    for gateway in routing.configured():
        gateway.stay_connected()
    return _Drain(seconds).run()


def scrub(*, before: datetime, dry_run: bool = False) -> int:
    """Blank the text of messages that were final before `before`; returns how many."""
    over = Q(final_at__lt=before) | Q(state=MessageState.ACCEPTED, sent_at__lt=before)
    final = Message.objects.filter(over, next_attempt_at__isnull=True).exclude(text="")
    return final.count() if dry_run else final.update(text="")


class _Drain:
    """One run. `waiting`: claimed and not under way; `flying`: how many calls are under way."""

    def __init__(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds
        self.waiting: list[Job] = []
        self.flying = 0
        self.answers: queue.SimpleQueue[list[tuple[Call, Said]]] = queue.SimpleQueue()
        self.unwritten: list[tuple[Call, Said]] = []
        self.claimed = 0
        self.look_again_at = 0.0

    def run(self) -> int:
        while True:
            self.unwritten = self._gather()
            self._give_back_the_late()
            busy = self._claim() or self.unwritten
            self._turn()
            if not (busy or self.waiting or self.flying):
                return self.claimed

    # ── what comes in

    def _gather(self) -> list[tuple[Call, Said]]:
        """The answers that are there; waits a little for the first, and for others close behind it."""
        if not self.flying:
            if self.waiting:  # other drains have all the calls that the gateways stand
                time.sleep(_GATHER * 5)
            return []
        try:
            ended = self.answers.get(timeout=_LOOK_EVERY)
        except queue.Empty:
            return []
        if self.flying > len(ended):
            time.sleep(_GATHER)
        while not self.answers.empty():
            ended += self.answers.get()
        self.flying -= len(ended)
        return ended

    def _claim(self) -> bool:
        """Whether there was more to send."""
        now, room = time.monotonic(), limits.SMS_BATCH - len(self.waiting)
        idle = not (self.flying or self.waiting)
        if now >= self.ends or room * 2 < limits.SMS_BATCH or not (idle or now >= self.look_again_at):
            return False
        rows = self._patiently(lambda: leases.claim(Message, limit=room, lease_for=limits.SMS_LEASE, order=_ORDER))
        if len(rows) < room:
            self.look_again_at = now + _LOOK_EVERY
        self.claimed += len(rows)
        self.waiting += self._patiently(lambda: [_job(message) for message in rows])
        return bool(rows)

    def _give_back_the_late(self) -> None:
        """A slow gateway: codes that were queued meanwhile go before what waits here."""
        now = time.monotonic()
        held = limits.SMS_BATCH_TIME.total_seconds() if now < self.ends else 0
        late = [job for job in self.waiting if now - job.claimed >= held]
        if late:
            self._patiently(lambda: give_back(late))
            self.waiting = [job for job in self.waiting if job not in late]

    # ── what goes out

    def _turn(self) -> None:
        """Write the answers and the next beginnings, then call."""
        again = [call.job for call, said in self.unwritten if isinstance(said, base.TryAgain | base.OutOfOrder)]
        self.waiting = sorted(again + self.waiting, key=lambda job: job.message.priority)
        turn, packets = Turn(ended=self.unwritten), Packets()
        self._report()
        try:
            self._choose(turn, packets)
            begun = self._patiently(turn.write) if turn.ended or turn.over or turn.begun else []
            self.unwritten = []
            self._launch(packets.take(begun))
        finally:
            packets.release()

    def _choose(self, turn: Turn, packets: Packets) -> None:
        """Give each waiting message to the first of its gateways that stands another call."""
        waiting, self.waiting = self.waiting, []
        for job in waiting:
            if job.expired and job.way is not WayOut.LOOK_UP:
                job.gateways = []
            while job.gateways:
                packet = packets.place(job.gateways[0], alone=job.way is WayOut.LOOK_UP)
                if packet is None:
                    self.waiting.append(job)
                    break
                call = Call(job, job.gateways.pop(0))
                if job.way is WayOut.LOOK_UP or self._may_send(call):
                    packet.append(call)
                    turn.begun.append(call)
                    break
            else:
                turn.over.append(job)

    def _may_send(self, call: Call) -> bool:
        return self._patiently(lambda: routing.may_send(call.gateway.name, call.job.message.operator))

    def _report(self) -> None:
        """Tell the breakers, before the next choice. No fault of theirs may cost an answer that is not written yet."""
        for call, said in self.unwritten:
            if isinstance(said, base.Outcome):
                try:
                    self._patiently(partial(routing.heard, call.gateway.name, call.job.message.operator, said))
                except Exception as error:
                    log.error("what gateway %s did was not noted (%s)", call.gateway.name, type(error).__name__)

    def _launch(self, packets: Sequence[list[Call]]) -> None:
        """Call; those in this thread last, for it can do nothing else meanwhile."""
        for packet in sorted(packets, key=lambda packet: packet[0].gateway.connections == 1):
            gateway, items = packet[0].gateway, [_item(call) for call in packet]
            self.flying += len(packet)
            calls.start(gateway, items, partial(self._hear, packet))

    def _hear(self, packet: list[Call], said: list[Said]) -> None:
        self.answers.put(list(zip(packet, said, strict=True)))

    def _patiently(self, step: Callable[[], Result]) -> Result:
        """`step`, again and again while the database is away and there are answers that it must not miss."""
        ends = time.monotonic() + _PATIENCE
        while True:
            try:
                return step()
            except (OperationalError, InterfaceError) as error:
                connection.close()
                if not (self.flying or self.unwritten) or time.monotonic() > ends:
                    raise
                log.warning("the database is away (%s); answers of gateways wait", type(error).__name__)
                time.sleep(0.5)


def _job(message: Message) -> Job:
    """What is to be done about a claimed message."""
    job = Job(message, time.monotonic(), doubts(message), message.lease)
    if job.doubts:
        gateway = routing.by_name(job.doubts[-1].gateway)
        job.way = way_out(
            kind=message.kind, doubts=job.doubts, gateway=gateway, expired=job.expired, now=timezone.now()
        )
        if gateway and job.way in (WayOut.SAME_KEY_AGAIN, WayOut.LOOK_UP):
            job.gateways = [gateway]
    if job.way in (None, WayOut.ONCE_MORE):
        job.gateways = list(routing.route(message.operator, message.kind))
    return job


def _item(call: Call) -> Item:
    message = call.job.message
    if call.job.way is WayOut.LOOK_UP:
        return Question(key=message.key, provider_id=message.provider_id)
    is_code = message.kind == MessageKind.CODE
    return base.Sms(
        key=message.key,
        to=message.to,
        text=message.text,
        kind=message.kind,
        operator=message.operator,
        code=texts.code_in(message.text) if is_code else "",
        label=texts.label_in(message.text) if is_code else "",
    )
