"""Requests that wait to be checked, and registries that answer what a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from identity.matching import Outcome, Trace, Verdict
from identity.services import Question
from registration.models import Registration
from registration.states import State
from tests.support.journeys import registration_in

ASKED = (Trace("one", "owner", "answered", "", "t1"), Trace("one", "person", "answered", "", "t2"))
MATCH = Verdict(Outcome.MATCH, "", {"mobile": "match", "last_name": "match"}, ASKED)
MISMATCH = Verdict(Outcome.MISMATCH, "identity", {"mobile": "match", "last_name": "mismatch"}, ASKED)
OTHER_OWNER = Verdict(Outcome.MISMATCH, "owner", {"mobile": "mismatch"}, ASKED[:1])
DOWN = Verdict(Outcome.UNAVAILABLE, "owner", {}, (Trace("one", "owner", "unavailable", "timeout", ""),))
NO_TIME = Verdict(Outcome.UNAVAILABLE, "owner", {}, (Trace("one", "owner", "unavailable", "no_time", ""),))
Answering = Callable[[Question], Verdict]


def national_id(number: int) -> str:
    digits = f"{number:09}"
    rest = sum(int(digit) * (10 - place) for place, digit in enumerate(digits)) % 11
    return digits + str(rest if rest < 2 else 11 - rest)


def submitted(number: int, *, ago: float = 0, **changes: Any) -> Registration:
    """One of many people; the mobile is their own."""
    facts = {
        "national_id": national_id(10_000_000 + number),
        "submitted_at": timezone.now() - timedelta(seconds=ago),
        "next_attempt_at": timezone.now(),
    }
    return registration_in(State.SUBMITTED, mobile=f"0912{number:07}", **(facts | changes))


class Asked(list[Question]):
    """What the registries were asked, in order; `say` answers."""

    say: Answering = staticmethod(lambda question: MATCH)

    def check_all(self, questions: Sequence[Question]) -> Iterator[tuple[int, Verdict]]:
        for number, question in enumerate(questions):
            self.append(question)
            yield number, self.say(question)
