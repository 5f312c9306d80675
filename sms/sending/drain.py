"""Sends queued messages: claims them, calls gateways, writes the answers, until nothing is due.

An Attempt is committed before its gateway is called, and the answer is written only while the lease is still ours
(compare-and-set). So when a worker dies, the rows tell what may have happened; a message that was perhaps sent is
handled by the rules of `sms.sending.doubt`. Nothing here logs a number or a text.

A drain is a loop. In each iteration it claims a few messages (`planning`), writes the answers that have arrived
together with the new attempts (`records`), and starts as many calls as the gateways take at the same time (`calls`).
Only the drain's own thread uses the database.
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
from django.utils import timezone

from common import leases, limits
from common.hints import hint
from common.process_state import register_reset
from sms import lines, routing
from sms.gateways import base
from sms.models import Message, MessageKind, MessageState
from sms.sending import calls, planning, reach, refusals
from sms.sending.answer_queue import GATHER, LOOK_EVERY, AnswerQueue
from sms.sending.calls import Answer
from sms.sending.doubt import WayOut
from sms.sending.job import Call, Job
from sms.sending.packets import Packets
from sms.sending.records import Iteration, give_back
from sms.sending.turns import Turns

log = logging.getLogger(__name__)
Result = TypeVar("Result")

_FULL_LANE = limits.SMS_BATCH // 2  # jobs of a lane that wait for a place: with more, none of it are claimed
_ELSEWHERE = 5.0  # seconds for which lanes that another process has to send are not claimed
_PATIENCE = 30.0  # seconds that answers wait for the database, or for a row that somebody else has locked
_WAITS = (base.Because.BUSY, base.Because.LINE, base.Because.FULL)  # the message was not tried: it waits for its turn
_TOO_LATE = base.TryAgain("expired")  # the outcome of calls that were not made
_NOT_BEGUN = base.TryAgain("the worker stops")  # the same

_claiming: set[_Drain] = set()  # drains of this process that claim messages
_shift = threading.Lock()
_stopping = threading.Event()


def drain(*, seconds: float = 50) -> int:
    """Send until nothing is due or `seconds` have passed; returns how many messages were claimed.

    Messages wait here for their turns at the lines of their gateways (`sms.lines`), without being put off. If some are
    left at the end, a hint starts a successor.

    If a call hangs then, and no other drain of this process claims messages, it goes on for at most
    `limits.SMS_SUCCESSOR_WITHIN`, so that the queue does not stand still meanwhile. Codes go before results, older
    messages before newer ones. What has to go by a gateway whose binds other processes hold is left to
    them (`sms.binds`). With nothing due it costs one statement. Raises ImproperlyConfigured, before anything is
    claimed, if SMS_GATEWAYS names no gateway.
    """
    if _stopping.is_set():
        return 0
    routing.check()
    leases.refuse_inside_transaction()
    gateways = reach.reached()
    if routing.configured() and not gateways:
        return 0
    routing.probe()
    batch = max((gateway.batch for gateway in gateways), default=0)
    return _Drain(seconds, min(max(batch, limits.SMS_BATCH), limits.SMS_LARGEST_BATCH)).run()


def stop() -> None:
    """Let the drains of this process, which ends, claim nothing more and begin no call: they wait for the answers of
    the calls under way, write them and end. May be called by a signal handler."""
    _stopping.set()


@register_reset
def _go_on() -> None:
    _stopping.clear()


def is_claiming() -> bool:
    """Whether a drain of this process claims messages."""
    with _shift:
        return bool(_claiming)


def scrub(*, before: datetime, dry_run: bool = False) -> int:
    """Blank the texts of messages that were final before `before`; returns how many."""
    over = Q(final_at__lt=before) | Q(state=MessageState.ACCEPTED, sent_at__lt=before)
    final = Message.objects.filter(over, next_attempt_at__isnull=True).exclude(text="")
    return final.count() if dry_run else final.update(text="")


class _Drain:
    """One run. `waiting`: jobs that are claimed and not being sent: at most `batch`, besides full lanes."""

    def __init__(self, seconds: float, batch: int) -> None:
        self.began = time.monotonic()
        self.ends, self.batch = self.began + seconds, batch
        self.waiting: list[Job] = []
        self.answers = AnswerQueue()
        self.unwritten: list[tuple[Call, Answer]] = []
        self.held: list[tuple[Call, Answer]] = []  # answers about messages that somebody else has locked
        self.held_since: dict[Job, float] = {}
        self.away_since: float | None = None  # since when the database is away
        self.claimed = 0
        self.look_again_at, self.look_for_codes_at = 0.0, self.began + LOOK_EVERY
        self.pause: float | None = None  # until the next turn of a waiting job; None: none waits for one
        self.full_lanes: set[tuple[str, str]] = set()  # at the last claim
        self.counts_binds = any(gateway.binds is not None for gateway in routing.configured())
        self.elsewhere: dict[tuple[str, str], float] = {}  # lanes that are another process's, each until when
        self.leaves_some = False  # it has given jobs back at its end

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
            self.away_since = None  # all steps of an iteration wait for it together
            self.unwritten = self._gather()
            claims = self._claims()
            self._give_back_the_late(timedelta(0) if not claims else limits.SMS_BATCH_TIME)
            busy = (claims and self._claim()) or self.unwritten
            self._leave_to_others()
            self._iterate()
            if not (busy or self.waiting or self.answers.flying or self.held):
                if self.leaves_some:
                    hint("sms.drain")
                return self.claimed

    # ── Claims and answers

    def _gather(self) -> list[tuple[Call, Answer]]:
        """The answers that have arrived; waits shortly if there are none."""
        longest = LOOK_EVERY if self.pause is None else min(self.pause, LOOK_EVERY)
        if self.answers.flying:
            return refusals.judged(self._patiently(partial(reach.judged_all, self.answers.take(longest))))
        if self.waiting and all(job.paced for job in self.waiting):
            time.sleep(max(longest, GATHER))
        elif self.waiting or self.held:  # other drains have all places of the gateways, or have locked the rows
            time.sleep(GATHER * 5)
        return []

    def _claims(self) -> bool:
        """Whether this drain still claims: the process does not end, and its time is not over, or its last calls hang
        and no other drain would claim."""
        late = time.monotonic() - self.ends
        with _shift:
            needed = self.answers.flying and _claiming == {self} and late < limits.SMS_SUCCESSOR_WITHIN.total_seconds()
            if _stopping.is_set() or (late >= 0 and not needed) or self._only_waits_like(_claiming):
                _claiming.discard(self)
            return self in _claiming

    def _only_waits_like(self, others: Collection[_Drain]) -> bool:
        """Whether all that this drain does is wait for turns, as an older one of this process does: one is enough, and
        the worker's other threads have other work."""
        only_waits = self.waiting and not (self.answers.flying or self.unwritten or self.held)
        return bool(only_waits and all(job.paced for job in self.waiting)) and any(
            other.began < self.began and other.pause is not None for other in others
        )

    def _claim(self) -> bool:
        """Claim messages if there is room; returns whether any were due."""
        now, room = time.monotonic(), self._room()
        idle = not (self.answers.flying or self.waiting)
        if room * 2 < self.batch:
            return self._claim_codes(now)
        if not (idle or now >= self.look_again_at):
            return False
        rows = self._patiently(partial(planning.claim, room, self._skipped()))
        if len(rows) < room:
            self.look_again_at = now + LOOK_EVERY
        return self._claimed(rows)

    def _claim_codes(self, now: float) -> bool:
        """Claim codes although enough other messages wait: they go before these."""
        room = self.batch - sum(job.message.kind == MessageKind.CODE for job in self.waiting)
        if room <= 0 or now < self.look_for_codes_at:
            return False
        self.look_for_codes_at = now + LOOK_EVERY
        return self._claimed(self._patiently(partial(planning.claim, room, self._skipped(), only_codes=True)))

    def _skipped(self) -> set[tuple[str, str]]:
        """The lanes of which nothing is claimed now."""
        now = time.monotonic()
        return self.full_lanes | {lane for lane, until in self.elsewhere.items() if now < until}

    def _claimed(self, rows: Sequence[Message]) -> bool:
        self.claimed += len(rows)
        self.waiting += self._patiently(partial(planning.jobs_of, rows))
        return bool(rows)

    def _room(self) -> int:
        """How many messages may be claimed. Messages in a full lane do not count, so that they leave room for others;
        no more of that lane are claimed until most of them are sent."""
        waiting = Counter(map(planning.lane, self.waiting))
        full = {lane for lane, count in waiting.items() if count > _FULL_LANE}
        if self.full_lanes - full:
            self.look_again_at = 0.0
        self.full_lanes = full
        return self.batch - sum(count for lane, count in waiting.items() if lane not in full)

    def _give_back_the_late(self, held: timedelta) -> None:
        """Give back jobs that have waited for a slow gateway for `held`: codes queued meanwhile go first."""
        now = time.monotonic()
        late = [job for job in self.waiting if now - job.claimed >= held.total_seconds() and job not in self.held_since]
        if late:
            self._give_back(late)
            self.leaves_some = not held

    def _leave_to_others(self) -> None:
        """Give back jobs that another process has to send, and claim none of their lanes for a while."""
        if others := [job for job in self.waiting if self._is_elsewhere(job)]:
            self._give_back(others)
            self.elsewhere |= {planning.lane(job): time.monotonic() + _ELSEWHERE for job in others}

    def _is_elsewhere(self, job: Job) -> bool:
        if self.counts_binds and job not in self.held_since:
            job.elsewhere = self._patiently(partial(reach.is_elsewhere, job))
        return job.elsewhere

    def _give_back(self, jobs: Collection[Job]) -> None:
        self._patiently(lambda: give_back(list(jobs)))
        self.waiting = [job for job in self.waiting if job not in jobs]

    # ── Calls

    def _iterate(self) -> None:
        """Write the answers and the new attempts, then make the calls."""
        again = [call.job for call, said in self.unwritten if isinstance(said, base.TryAgain | base.OutOfOrder)]
        self.waiting = sorted(again + self.waiting, key=lambda job: (job.message.priority, refusals.goes_behind(job)))
        iteration, packets = Iteration(ended=self.held + self.unwritten), Packets(self.answers.places)
        self._report()
        turns = Turns(self.waiting)
        try:
            try:
                if not _stopping.is_set():  # else what waits is given back by the next iteration
                    self._choose(iteration, packets, turns)
            finally:
                self._patiently(turns.give_back)
            self.pause = turns.pause
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

    def _choose(self, iteration: Iteration, packets: Packets, turns: Turns) -> None:
        """Give each waiting job to one of its gateways, as far as the gateways take further calls and it is its
        turn."""
        waiting, self.waiting = self.waiting, []
        for job in waiting:
            if not planning.may_begin(job):
                job.gateways = []
            if self._is_elsewhere(job):
                self.waiting.append(job)
            elif call := self._call(job, packets, turns):
                iteration.begun.append(call)
            elif job.gateways:
                self.waiting.append(job)
            else:
                iteration.over.append(job)

    def _call(self, job: Job, packets: Packets, turns: Turns) -> Call | None:
        """The next call for `job`, added to a packet; None: it waits for a place or its turn, or no gateway is left."""
        asks, job.paced = job.way is WayOut.LOOK_UP, False
        for gateway in tuple(job.gateways):
            packet = packets.place(gateway, alone=asks)
            job.paced = packet is not None and not self._patiently(
                partial(turns.may_go, gateway, job, packets.room(gateway))
            )
            if packet is None or job.paced:
                if planning.waits_a_little(job) if job.paced else planning.waits_for(gateway, job):
                    break
                continue
            job.gateways.remove(gateway)
            call = Call(job, gateway)
            if asks or self._may_send(call):
                call.at = turns.goes(gateway, job)
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
        """Tell the breakers and the lines the answers before gateways are chosen again. An error here must not lose
        answers that are not written."""
        taken: Counter[base.Gateway] = Counter()
        for call, said in self.unwritten:
            taken[call.gateway] += call.job.message.parts if isinstance(said, base.Accepted) else 0
        for call, said in self.unwritten:
            waits = isinstance(said, base.TryAgain) and said.because in _WAITS
            if isinstance(said, base.TryAgain) and said.because is base.Because.MESSAGE and said.after:
                call.job.after = said.after
            if said is _NOT_BEGUN or waits:
                call.job.gateways.append(call.gateway)  # it was not tried: it waits for its turn
            try:
                self._patiently(partial(_heard, call, said, taken[call.gateway]))
            except Exception as error:
                log.error("what gateway %s did was not noted (%s)", call.gateway.name, type(error).__name__)

    def _launch(self, packets: Sequence[list[Call]]) -> None:
        """Make the calls. Those in this thread come last, because they block it."""
        for packet in sorted(packets, key=lambda packet: calls.pool_of(packet[0].gateway) is None):
            self.answers.flying += len(packet)
            live = [call for call in packet if planning.may_begin(call.job)]  # the database may have been slow
            hear = partial(self._hear, live, [call for call in packet if call not in live])
            if not live:
                hear([])
            elif not calls.start(live[0].gateway, [planning.item_of(call) for call in live], hear, live[0].at):
                stop()
                hear([_NOT_BEGUN] * len(live))

    def _hear(self, live: list[Call], late: list[Call], said: list[Answer]) -> None:
        self.answers.put([*zip(live, said, strict=True), *((call, _TOO_LATE) for call in late)])

    def _patiently(self, step: Callable[[], Result]) -> Result:
        """Run `step`, and repeat it for up to `_PATIENCE` while the database is away and answers still have to be
        written."""
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


def _heard(call: Call, said: Answer, parts: int) -> None:
    """`parts`: what the gateway accepted together with this answer."""
    message = call.job.message
    name, began = call.gateway.name, call.attempt.started_at if call.attempt else timezone.now()
    if isinstance(said, base.TryAgain) and said.because in (base.Because.BUSY, base.Because.LINE):
        lines.busy(name, began=began, after=said.after, parts=parts)
    if isinstance(said, base.Accepted) and said.slowed is not None:
        lines.slowed(name, began=began, parts=message.parts, every=said.slowed)
    if said is _TOO_LATE or said is _NOT_BEGUN:
        routing.not_sent(call.gateway.name, message.operator)
    elif isinstance(said, base.Outcome):
        routing.heard(call.gateway.name, message.operator, said, message.kind)
