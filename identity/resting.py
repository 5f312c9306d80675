"""Decides whether a registry may be asked: one that fails rests for a while, per question, by a circuit breaker.

`identity.inquiries` asks here before each call and reports each answer here; it also asks the next registry.

UNAVAILABLE is a failure. A refused key or quota, or a wrong certificate, opens the breaker at once: the next call would
fail too. Everything else, also a negative answer, shows that the registry works. An answer that cannot be used for one
claim (`of_this_one`) is no failure while others can be used; if there is nothing else for long, it becomes one.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from enum import Enum

from common import alarms, breaker
from common.breaker import BreakerState
from common.http_client import WRONG_CERTIFICATE
from common.models import AlarmCode
from identity import configuration
from identity.registries.base import Answer, Reply


class Allowed(Enum):
    YES = "yes"
    AS_A_TRIAL = "as_a_trial"  # one call shows whether it works again
    NO = "no"


def breaker_name(registry: str, question: str) -> str:
    """The name of the breaker."""
    return f"identity:{registry}:{question}"


def may_ask(registry: str, question: str) -> Allowed:
    """Whether to make a call; ask just before it. After AS_A_TRIAL report its result (`heard`), or that it was not made
    (`not_asked`)."""
    if breaker.state(breaker_name(registry, question)).closed:
        return Allowed.YES
    return Allowed.AS_A_TRIAL if breaker.allow(breaker_name(registry, question)) else Allowed.NO


def not_asked(registry: str, question: str) -> None:
    """The call that was allowed was not made: give the trial back."""
    breaker.give_back(breaker_name(registry, question))


def heard(registry: str, question: str, answer: Answer) -> None:
    """Tell the breaker the answer. Costs no statement while all goes well."""
    name = breaker_name(registry, question)
    if answer.reply is Reply.MISCONFIGURED:
        breaker.trip(name, answer.code)
        return
    if answer.reply is Reply.UNAVAILABLE and answer.code == WRONG_CERTIFICATE:
        breaker.trip(name, answer.code)
        alarms.sound(AlarmCode.CERTIFICATE, subject(registry, question), answer.code)
        return
    was_open = not breaker.state(name).closed
    if answer.of_this_one:
        breaker.record_busy(name)
    else:
        breaker.record(name, answer.reply is not Reply.UNAVAILABLE)
    if was_open and breaker.state(name).closed:
        for code in (AlarmCode.REGISTRY, AlarmCode.CERTIFICATE):
            alarms.clear(code, subject(registry, question))


def subject(registry: str, question: str) -> str:
    """The subject of an alarm about it."""
    return f"{registry} {question}"


def rested_until(question: str) -> datetime | None:
    """When the first registry of `question` may be tried again (if that is past: at the next inquiry); None if one of
    them can be asked."""
    names = configuration.names(question)
    ends = [breaker.state(breaker_name(name, question)).open_until for name in names]
    rested = [end for end in ends if end is not None]
    return min(rested) if rested and len(rested) == len(names) else None


def all_rests() -> dict[str, BreakerState]:
    """The open breakers, by the subject of each."""
    asked = [(name, question) for question in configuration.QUESTIONS for name in configuration.names(question)]
    states = {subject(*each): breaker.state(breaker_name(*each)) for each in asked}
    return {what: state for what, state in states.items() if not state.closed}


def end_alarms(question: str) -> None:
    """An extract was loaded: end the alarms of the registries of `question` that read it. The alarms of others end with
    their next good call."""
    for name in configuration.names(question):
        with suppress(ValueError):
            if not configuration.build(name).on_network:
                alarms.clear(AlarmCode.REGISTRY, subject(name, question))
