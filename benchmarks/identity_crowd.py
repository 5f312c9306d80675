"""The registrations of one fault, what became of them, and the verdict. Needs Django set up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import DatabaseError, connection
from django.utils import timezone

from accounts.models import User
from common.models import Alarm, Breaker
from identity.models import Inquiries
from identity.person import fields_of
from registration import tracking
from registration.models import Event, Registration
from registration.states import State
from sms.models import InboxMessage, Message, MessageKind
from tests.support.registry_stubs.people import FIRST_NAME, LAST_NAME, OTHER_LAST_NAME, Plot, Somebody

DECISIONS = (State.APPROVED, State.REFERRED, State.AWAITING_BRANCH)


@dataclass
class Verdict:
    """A row of the table: what one fault did to `n` registrations."""

    fault: str
    asked: str  # the question that went wrong, and the registry's kind
    n: int
    demand: str
    meanwhile: str = ""  # what the fault did while it lasted
    afterwards: str = ""
    calls: str = ""  # owner and person inquiries that registries got while it lasted
    breaker: str = ""
    alarm: str = ""
    remark: str = ""
    misses: list[str] = field(default_factory=list)

    def must(self, condition: bool, otherwise: str) -> None:
        if not condition:
            self.misses.append(otherwise)


class Crowd:
    """Submitted registrations of made-up people, and the questions that the rows ask about them."""

    def __init__(self, people: Sequence[Somebody]) -> None:
        self.people = people
        self.rows: list[Registration] = []
        self.last_from = 0  # the first of those handed in last

    def submit(self, people: Iterable[Somebody] | None = None, *, ago: timedelta = timedelta(0)) -> None:
        """Hand these (all) in, the first of them `ago` and the last now."""
        given = list(self.people if people is None else people)
        now = timezone.now()
        steps = max(len(given) - 1, 1)
        rows = [_submitted(one, now - ago * (1 - number / steps)) for number, one in enumerate(given)]
        self.rows += Registration.objects.bulk_create(rows)
        self.last_from = rows[0].pk

    def now(self) -> list[Registration]:
        """The rows as they are, in the order they were handed in; none while the database is away."""
        try:
            return list(Registration.objects.filter(pk__in=[row.pk for row in self.rows]).order_by("pk"))
        except DatabaseError:
            connection.close()
            return []

    def states(self) -> Counter[str]:
        return Counter(row.state for row in self.now())

    def decided(self) -> int:
        """Cheap, as it is asked again and again: crowds have no rows between each other's."""
        if not self.rows:
            return 0
        ours = Registration.objects.filter(pk__gte=self.rows[0].pk, pk__lte=self.rows[-1].pk)
        return ours.filter(state__in=DECISIONS).count()

    def all_decided(self) -> bool:
        return self.decided() == len(self.people)

    def all_tried(self) -> bool:
        """Everybody was decided about, or is held after a check."""
        return all(row.state != State.SUBMITTED or (row.verdict and row.lease is None) for row in self.now())

    def held(self) -> Counter[str]:
        """Why those wait that wait."""
        return Counter(row.verdict for row in self.now() if row.state == State.SUBMITTED)

    def summary(self) -> str:
        """1 approved + 2 referred + 3 held (unavailable)."""
        waiting = [f"{count} held ({why or 'not asked'})" for why, count in sorted(self.held().items())]
        states = sorted((state, count) for state, count in self.states().items() if state != State.SUBMITTED)
        return " + ".join([*(f"{count} {state}" for state, count in states), *waiting])

    # The end.

    def judge(self, verdict: Verdict) -> None:
        """What every row demands: decided once, as is right for each, told once, one account, nothing personal."""
        plots = {one.claim.national_id: one.plot for one in self.people}
        rows = self.now()
        wrong = [row for row in rows if row.state != (_right(plots[row.national_id]))]
        verdict.must(not wrong, f"{len(wrong)} not decided as they should be: {self.summary()}")
        ids = [row.pk for row in rows]
        decisions = Counter(
            Event.objects.filter(registration__in=ids, to_state__in=DECISIONS).values_list("registration", flat=True)
        )
        verdict.must(decisions == Counter(ids), f"{len(ids)} registrations, {decisions.total()} decisions")
        results = Counter(
            Message.objects.filter(kind=MessageKind.RESULT, to__in=[row.mobile for row in rows]).values_list(
                "to", flat=True
            )
        )
        verdict.must(results == Counter(row.mobile for row in rows), f"{results.total()} results")
        accounts = User.objects.filter(national_id__in=plots).count()
        approved = sum(row.state == State.APPROVED for row in rows)
        verdict.must(accounts == approved, f"{approved} approved, {accounts} accounts")
        personal = found_in("\n".join(_written(rows)), self.people)
        verdict.must(not personal, f"kept where it must not be: {personal}")

    def judge_phones(self, verdict: Verdict) -> None:
        """Where a worker sends too: each phone has one result."""
        rows = self.now()
        phones = Counter(
            InboxMessage.objects.filter(to__in=[row.mobile for row in rows], kind=MessageKind.RESULT).values_list(
                "to", flat=True
            )
        )
        verdict.must(phones == Counter(row.mobile for row in rows), f"phones got {phones.total()} results")

    def judge_logs(self, verdict: Verdict, text: str) -> None:
        personal = found_in(text, self.people)
        verdict.must(not personal, f"personal data in the logs: {personal}")


def found_in(text: str, people: Sequence[Somebody]) -> list[str]:
    """Which names, IDs and mobiles of `people` stand in `text`, shortened."""
    names = [FIRST_NAME, *LAST_NAME.split(), OTHER_LAST_NAME]
    numbers = [number for one in people for number in (one.claim.national_id, one.claim.mobile[-10:])]
    spelled = [name.replace("ی", "ي").replace("ک", "ك") for name in names]
    return [f"…{term[-4:]}" for term in {*names, *spelled, *numbers} if term in text][:5]


def _written(rows: Sequence[Registration]) -> Iterable[str]:
    """What is kept about inquiries."""
    yield from (f"{row.verdict_traces} {row.verdict_fields}" for row in rows)
    yield from (f"{alarm.subject} {alarm.detail}" for alarm in Alarm.objects.all())
    yield from (f"{breaker.name} {breaker.reason}" for breaker in Breaker.objects.all())


def metered(registry: str, question: str) -> int:
    """How many inquiries the portal counted."""
    rows = Inquiries.objects.filter(registry=registry, question=question)
    return sum(rows.values_list("count", flat=True))


def breakers() -> str:
    """Those that are open, by registry and question."""
    open_ones = Breaker.objects.filter(name__startswith="identity:", open_until__isnull=False).order_by("name")
    return ", ".join(name.removeprefix("identity:") for name in open_ones.values_list("name", flat=True)) or "closed"


def alarms() -> list[str]:
    """The codes of those that stand."""
    return sorted(set(Alarm.objects.filter(ended_at__isnull=True).values_list("code", flat=True)))


def _right(plot: Plot) -> State:
    return State.APPROVED if plot is Plot.MATCHES else State.REFERRED


def _submitted(one: Somebody, at: object) -> Registration:
    claim = one.claim
    return Registration(
        national_id=claim.national_id, mobile=claim.mobile, **fields_of(claim),
        state=State.SUBMITTED, operator="irancell", country="IR", city="تهران، تهران",
        security_question="favourite_colour", security_answer="a hash", password="a hash",  # noqa: S106 - made up
        tracking_code=tracking.new_code(), confirmed_at=at, submitted_at=at, next_attempt_at=timezone.now(),
    )  # fmt: skip
