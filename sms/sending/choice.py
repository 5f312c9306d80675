"""Chooses, in one iteration of a drain, which waiting job goes by which gateway now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import partial

from django.utils import timezone

from sms import routing
from sms.gateways import base
from sms.sending import planning
from sms.sending.doubt import WayOut
from sms.sending.job import Call, Job
from sms.sending.packets import Packets
from sms.sending.patience import Patience
from sms.sending.turns import Turns


class Choice:
    """What one iteration has chosen: `begun`, the calls; `over`, jobs with no gateway left in this round; `waiting`,
    jobs that wait for a place or their turn. `places`: of calls whose answers are written in the same iteration.
    `takes_trials`: False in a transaction, which would keep the rows of breakers locked, so that two workers could wait
    for each other. Then a job that would be a breaker's trial waits for the next iteration."""

    def __init__(self, patience: Patience, places: Counter[base.Gateway]) -> None:
        self.begun: list[Call] = []
        self.over: list[Job] = []
        self.waiting: list[Job] = []
        self.packets = Packets(places)
        self.pause: float | None = None  # as of `Turns`
        self.takes_trials = True
        self._patience = patience
        self._turns = Turns(())
        self._open: dict[tuple[str, str], bool] = {}  # gateways at operators whose breakers ask for no trial

    def choose(self, waiting: Sequence[Job], is_elsewhere: Callable[[Job], bool]) -> None:
        """Give each of `waiting`, in their order, to one of its gateways, as far as the gateways take further calls and
        it is its turn."""
        self._turns, now = Turns(waiting), timezone.now()
        try:
            for job in waiting:
                if not planning.may_begin(job, now):
                    job.gateways = []
                if is_elsewhere(job):
                    self.waiting.append(job)
                elif call := self._call(job):
                    self.begun.append(call)
                else:
                    (self.waiting if job.gateways else self.over).append(job)
        finally:
            self._patience.run(self._turns.give_back)
            self.pause = self._turns.pause

    def not_begun(self, calls: Collection[Call]) -> None:
        """Calls that were chosen are not made: their messages are not ours any more."""
        for call in calls:
            routing.not_sent(call.gateway.name, call.job.message.operator)

    def _call(self, job: Job) -> Call | None:
        """The next call for `job`, added to a packet; None: it waits for a place or its turn, or no gateway is left."""
        asks, job.paced = job.way is WayOut.LOOK_UP, False
        for gateway in tuple(job.gateways):
            packet = self.packets.place(gateway, alone=asks)
            job.paced = packet is not None and not self._is_its_turn(gateway, job)
            if packet is None or job.paced:
                if planning.waits_a_little(job) if job.paced else planning.waits_for(gateway, job):
                    break
                continue
            if not (asks or self.takes_trials) and self._would_be_a_trial(gateway, job):
                break
            job.gateways.remove(gateway)
            call = Call(job, gateway)
            if asks or self._may_send(call):
                call.at = self._turns.goes(gateway, job)
                packet.append(call)
                return call
        return None

    def _would_be_a_trial(self, gateway: base.Gateway, job: Job) -> bool:
        pair = gateway.name, job.message.operator
        return not self._open.get(pair) and self._patience.run(partial(routing.asks_for_a_trial, *pair))

    def _is_its_turn(self, gateway: base.Gateway, job: Job) -> bool:
        if not self._turns.are_taken(gateway):
            return True
        return self._patience.run(lambda: self._turns.may_go(gateway, job, self.packets.room(gateway)))

    def _may_send(self, call: Call) -> bool:
        return self._patience.run(partial(self._may_send_now, call))

    def _may_send_now(self, call: Call) -> bool:
        """Breakers that are closed say the same about every call of an iteration; of others one caller gets a trial."""
        if not planning.is_paid_for(call.job):
            return False
        pair = call.gateway.name, call.job.message.operator
        if self._open.get(pair):
            return True
        allowed = routing.may_send(*pair)
        self._open[pair] = allowed and routing.is_closed(*pair)
        return allowed
