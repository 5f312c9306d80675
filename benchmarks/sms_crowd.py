"""The messages of one fault, what phones received of them, and the verdict. Needs Django set up."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from benchmarks.sms_world import Late, until
from common import limits
from sms import outbox
from sms.models import DOUBTFUL, Attempt, AttemptOutcome, Message, MessageKind, MessageState

FINAL = (
    MessageState.DELIVERED,
    MessageState.UNDELIVERED,
    MessageState.FAILED,
    MessageState.EXPIRED,
    MessageState.CANCELLED,
    MessageState.UNKNOWN,
    MessageState.ACCEPTED,  # where no receipt is due
)
REFUSALS = {"try-later"}  # a stub's clear "not taken": another gateway may be given the message at once
NOT_SENT = (MessageState.FAILED, MessageState.EXPIRED, MessageState.CANCELLED)


@dataclass
class Verdict:
    """What one run of a fault came to: a row of the table."""

    fault: str
    gateway: str
    created: int
    lost: int
    doubled: int
    states: dict[str, int]
    seconds: float  # from the end of the fault until every message was final
    in_mid_send: int  # messages of which a call had no certain end
    slowest_page: float | None = None
    remark: str = ""
    misses: list[str] = field(default_factory=list)

    def demand(self, condition: bool, otherwise: str) -> None:
        if not condition:
            self.misses.append(otherwise)

    def demand_some_in_mid_send(self) -> None:
        """Else the fault was not caused: it must hit messages that a gateway is just being given."""
        self.remark = f"{self.in_mid_send} caught in mid-send"
        self.demand(self.in_mid_send > 0, "none was in mid-send")


class Crowd:
    """Messages to one number each, their kinds in turn, and the gateways' logs of what they were given."""

    def __init__(self, logs: list[Path], kinds: tuple[MessageKind, ...], *, receipts: bool, long: bool = False) -> None:
        """`receipts`: an accepted message is not final before its receipt. `long`: results of several parts."""
        self.logs, self.kinds, self.receipts, self.long, self.created = logs, kinds, receipts, long, 0

    def add(self, count: int, *, life: timedelta = limits.CODE_TO_BE_ACCEPTED_WITHIN, seconds: float = 0) -> None:
        """Queue `count` more as a page would, one transaction each, spread over `seconds`."""
        for number in range(self.created, self.created + count):
            self.queue(number, life)
            time.sleep(seconds / count)
        self.created += count

    def queue(self, number: int, life: timedelta = limits.CODE_TO_BE_ACCEPTED_WITHIN) -> None:
        """Queue message `number`; tried again while the database is away, as a person would press again."""
        kind = self.kinds[number % len(self.kinds)]
        code = kind == MessageKind.CODE
        while True:
            try:
                with transaction.atomic():
                    outbox.enqueue(
                        to=f"+98912{number:07}",
                        kind=kind,
                        text=f"کد شناسه ثبت نام: {number:06}" if code else self._result(number),
                        dedupe_key=f"fault:{number}",
                        operator="mci",
                        expires_at=timezone.now() + life if code else None,
                    )
                return
            except DatabaseError:
                connection.close()
                time.sleep(0.2)

    def _result(self, number: int) -> str:
        return f"نتیجه {number}" + " حساب کاربری شما ایجاد گردید." * (10 if self.long else 0)

    # What gateways and phones saw.

    def given_to(self, name: str) -> set[str]:
        """The numbers whose messages the gateway `name` was given."""
        [log] = [log for log in self.logs if log.stem == name]
        return {str(json.loads(line)["to"])[-10:] for line in log.read_text().splitlines()}

    def lines(self) -> list[dict[str, object]]:
        """Every submission that any gateway logged."""
        return [json.loads(line) for log in self.logs if log.exists() for line in log.read_text().splitlines()]

    def submissions(self) -> int:
        return sum(log.read_bytes().count(b"\n") for log in self.logs if log.exists())

    def phones(self) -> Counter[str]:
        """How many SMS each number received."""
        return Counter(str(line["to"])[-10:] for line in self.lines() if line["taken"])

    # The end.

    def wait_until_final(self, within: float) -> float:
        """Until no message waits for anything; the seconds it took, or `within` if some still do."""
        try:
            return until(self.all_final, "some messages are not final", within, every=0.2)
        except Late:
            return within

    def all_final(self) -> bool:
        try:
            open_ = Message.objects.filter(final_at__isnull=True)
            if not self.receipts:
                open_ = open_.exclude(state=MessageState.ACCEPTED)
            return not open_.exists()
        except DatabaseError:
            connection.close()
            return False

    def verdict(self, fault: str, gateway: str, seconds: float, *, key: bool) -> Verdict:
        """Count, and hold the demands that every row has: nothing lost, nothing in between, the sum is right."""
        phones = self.phones()
        rows = list(Message.objects.values_list("to", "kind", "state", "final_at", named=True))
        states = Counter(row.state for row in rows)
        unsure = (MessageState.UNKNOWN, *NOT_SENT)
        lost = [row for row in rows if not phones[row.to[-10:]] and not (row.state in unsure and row.final_at)]
        ghosts = [row for row in rows if phones[row.to[-10:]] and row.state in NOT_SENT]
        verdict = Verdict(
            fault=fault,
            gateway=gateway,
            created=self.created,
            lost=len(lost) + self.created - len(rows),
            doubled=sum(count > 1 for count in phones.values()),
            states=dict(states),
            seconds=seconds,
            in_mid_send=in_mid_send(),
        )
        final = sum(states[state] for state in FINAL)
        verdict.demand(verdict.lost == 0, f"{verdict.lost} lost")
        verdict.demand(not ghosts, f"{len(ghosts)} called not sent, and a phone has them")
        verdict.demand(self.created == final, f"created {self.created}, final {final}: {dict(states)}")
        verdict.demand(self.all_final(), "some are not final")
        if key:
            verdict.demand(verdict.doubled == 0, f"{verdict.doubled} doubled")
            verdict.demand(not states[MessageState.UNKNOWN], f"{states[MessageState.UNKNOWN]} unknown")
        else:
            self._demand_without_key(verdict)
        return verdict

    def _demand_without_key(self, verdict: Verdict) -> None:
        """A code is handed over once, a result twice at the most, and only if the first time was in doubt."""
        given = Counter(str(line["to"])[-10:] for line in self.lines() if line["behaviour"] not in REFUSALS)
        codes = set(Message.objects.filter(kind=MessageKind.CODE).values_list("to", flat=True))
        twice = [number for number, count in given.items() if count > 1 and f"+98{number}" in codes]
        thrice = [number for number, count in given.items() if count > 2]
        verdict.demand(not twice, f"{len(twice)} codes sent again by themselves")
        verdict.demand(not thrice, f"{len(thrice)} results sent more than twice")


def codes_within(share: float) -> float:
    """The seconds within which `share` of all codes were accepted, from being queued; infinite if they were not."""
    created = dict(Message.objects.filter(kind=MessageKind.CODE).values_list("pk", "created_at"))
    accepted = Attempt.objects.with_ends().filter(message__kind=MessageKind.CODE, result=AttemptOutcome.ACCEPTED)
    ends = dict(accepted.order_by("-ended_at").values_list("message", "ended_at"))  # the first of several stays
    times = sorted((ends[pk] - at).total_seconds() if pk in ends else math.inf for pk, at in created.items())
    return times[math.ceil(len(times) * share) - 1]


def in_mid_send() -> int:
    """Messages of which a call had no certain end."""
    uncertain = Attempt.objects.with_ends().filter(result__in=(*DOUBTFUL, AttemptOutcome.NOT_SENT))
    return uncertain.values("message").distinct().count()
