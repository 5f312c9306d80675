"""Sends queued messages: claims them, calls gateways, writes the answers, until nothing is due.

An Attempt is committed before its gateway is called, and the answer is written only while the lease is still ours
(compare-and-set). So when a worker dies, the rows tell what may have happened; a message that was perhaps sent is
handled by the rules of `sms.sending.doubt`. Nothing here logs a number or a text.

A drain is a loop. In each iteration it claims messages (`claims`), gives them to gateways (`choice`), writes the
answers that have arrived together with the new attempts (`records`), and starts as many calls as the gateways take at
the same time (`calls`). Where no line, bind or waiting message has to be asked for in between, all that is written is
one transaction, and a message is written once to be claimed and begun. Only the drain's own thread uses the database.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from common import leases, limits
from common.hints import hint
from common.process_state import register_reset
from sms import routing
from sms.gateways import base
from sms.models import Message, MessageState
from sms.sending import calls, hearing, planning, reach, refusals
from sms.sending.answer_queue import GATHER, LOOK_EVERY, AnswerQueue
from sms.sending.calls import Answer
from sms.sending.choice import Choice
from sms.sending.claims import Claims
from sms.sending.job import Call, Job
from sms.sending.patience import AWAY, Patience
from sms.sending.records import Iteration

log = logging.getLogger(__name__)

_PATIENCE = 30.0  # seconds that answers wait for the database, or for a row that somebody else has locked

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
    """One run."""

    def __init__(self, seconds: float, batch: int) -> None:
        self.began = time.monotonic()
        self.ends = self.began + seconds
        self.answers = AnswerQueue()
        self.unwritten: list[tuple[Call, Answer]] = []
        self.held: list[tuple[Call, Answer]] = []  # answers about messages that somebody else has locked
        self.held_since: dict[Job, float] = {}
        self.patience = Patience(lambda: self.answers.flying or self.unwritten or self.held, _PATIENCE)
        self.claims = Claims(batch, self.patience, self.held_since)
        self.pause: float | None = None  # until the next turn of a waiting job; None: none waits for one
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
            self.patience.begin()
            self.unwritten = self._gather()
            may_claim = self._may_claim()
            if self.claims.give_back_the_late(limits.SMS_BATCH_TIME.total_seconds() if may_claim else 0.0):
                self.leaves_some = not may_claim
            busy = self._iterate(may_claim) or self.unwritten
            if not (busy or self.claims.waiting or self.answers.flying or self.held):
                if self.leaves_some:
                    hint("sms.drain")
                return self.claims.count

    def _gather(self) -> list[tuple[Call, Answer]]:
        """The answers that have arrived; waits shortly if there are none."""
        longest = LOOK_EVERY if self.pause is None else min(self.pause, LOOK_EVERY)
        waiting = self.claims.waiting
        if self.answers.flying:
            return refusals.judged(self.patience.run(partial(reach.judged_all, self.answers.take(longest))))
        if waiting and all(job.paced for job in waiting):
            time.sleep(max(longest, GATHER))
        elif waiting or self.held:  # other drains have all places of the gateways, or have locked the rows
            time.sleep(GATHER * 5)
        return []

    def _may_claim(self) -> bool:
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
        waiting = self.claims.waiting
        only_waits = waiting and not (self.answers.flying or self.unwritten or self.held)
        return bool(only_waits and all(job.paced for job in waiting)) and any(
            other.began < self.began and other.pause is not None for other in others
        )

    def _iterate(self, may_claim: bool) -> bool:
        """Claim, choose, write and call; returns whether there was anything to do."""
        hearing.report(self.unwritten, self.patience)
        again = [call.job for call, said in self.unwritten if isinstance(said, base.TryAgain | base.OutOfOrder)]
        iteration, choice = Iteration(ended=self.held + self.unwritten), Choice(self.patience, self.answers.places)
        idle, before = not self.answers.flying, self.claims.count
        if may_claim and idle and not (iteration.ended or self.claims.waiting):
            may_claim = self.patience.run(planning.is_any_due)
        try:
            if may_claim and not (again or self.held) and self.claims.may_lock(idle=idle):
                begun = self._claim_and_write(iteration, choice)
            else:
                if may_claim:
                    self.claims.claim(idle=idle)
                self.claims.leave_to_others()
                self.claims.in_order(again)
                self._choose(iteration, choice)
                begun = self._write(iteration)
            self.pause, self.unwritten = choice.pause, []
            self._keep_the_held(iteration)
            choice.not_begun(set(iteration.begun).difference(begun))
            self._launch(choice.packets.take(begun))
        finally:
            choice.packets.release()
        return bool(iteration.ended) or self.claims.count > before

    def _claim_and_write(self, iteration: Iteration, choice: Choice) -> list[Call]:
        """All in one transaction. If it fails, or nobody knows whether it was committed, the answers are written by the
        next one: what was begun is found there, and what was not claimed is as it was."""
        now = timezone.now()  # before the database is waited for: what lapses meanwhile may have an answer here
        choice.takes_trials = False
        try:
            with transaction.atomic():
                iteration.fresh = self.claims.lock(now, {call.job.message.pk for call, _said in iteration.ended})
                self.claims.in_order([])
                self._choose(iteration, choice)
                return iteration.write() if iteration.ended or iteration.fresh else []
        except AWAY as error:
            iteration.fresh = []
            self.patience.wait(error)
            return self._write(iteration)

    def _write(self, iteration: Iteration) -> list[Call]:
        return self.patience.run(iteration.write) if iteration.ended or iteration.over or iteration.begun else []

    def _choose(self, iteration: Iteration, choice: Choice) -> None:
        if not _stopping.is_set():  # else what waits is given back by the next iteration
            waiting, self.claims.waiting = self.claims.waiting, []
            choice.choose(waiting, self.claims.is_elsewhere)
            self.claims.waiting = choice.waiting
        iteration.begun, iteration.over = choice.begun, choice.over

    def _keep_the_held(self, iteration: Iteration) -> None:
        """Keep what concerns locked messages for a later iteration, for `_PATIENCE` at most. After that a message is
        left to its lease; if a call for it was made, the message is in doubt."""
        if not (iteration.held or self.held_since):
            self.held = []
            return
        now = time.monotonic()
        since = {job: self.held_since.get(job, now) for job in iteration.held}
        self.held_since.clear()
        self.held_since.update(since)
        left = {job for job, at in since.items() if now - at > _PATIENCE}
        for job in left:
            log.warning("message %s stays locked: what is to be written about it is given up", job.message.pk)
        for call in iteration.begun:
            if call.job in iteration.held:
                call.job.gateways.insert(0, call.gateway)
        self.held = [(call, said) for call, said in iteration.ended if call.job in iteration.held - left]
        again = [job for job in (*iteration.over, *(call.job for call in iteration.begun)) if job in iteration.held]
        self.claims.waiting = [job for job in self.claims.waiting + again if job not in left]

    def _launch(self, packets: Sequence[list[Call]]) -> None:
        """Make the calls. Those in this thread come last, because they block it."""
        for packet in sorted(packets, key=lambda packet: calls.pool_of(packet[0].gateway) is None):
            self.answers.flying += len(packet)
            now = timezone.now()  # the database may have been slow
            live = [call for call in packet if planning.may_begin(call.job, now)]
            late = [call for call in packet if call not in live] if len(live) < len(packet) else []
            hear = partial(self._hear, live, late)
            if not live:
                hear([])
            elif not calls.start(live[0].gateway, planning.items_of(live), hear, live[0].at):
                stop()
                hear([hearing.NOT_BEGUN] * len(live))

    def _hear(self, live: list[Call], late: list[Call], said: list[Answer]) -> None:
        self.answers.put([*zip(live, said, strict=True), *((call, hearing.TOO_LATE) for call in late)])
