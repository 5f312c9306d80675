"""Makes inquiries to registries, many at the same time, and chooses the next registry when one does not answer.

A registry that is not on the network is asked about everything that waits for it at once, in the caller's thread. The
others are called by threads, each up to its `connections`; these threads use no database. Inquiries to registries on
the network are counted before they are made (`identity.metering`); a registry that fails is not asked for a while, by
the breaker `identity:<registry>:<question>` (`identity.resting`).
"""

from __future__ import annotations

import logging
import re
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import groupby
from typing import cast

from common import alarms, limits
from common.models import AlarmCode
from identity import configuration, resting
from identity.configuration import OWNER, PERSON
from identity.matching import Trace
from identity.metering import Reservation, Reservations
from identity.registries.base import Answer, Inquiry, OwnerAnswer, OwnerInquiry, PersonAnswer, Registry, Reply

log = logging.getLogger(__name__)

NO_TIME = "no_time"  # the time of the batch was over
RESTED = "rested"  # it failed before, and is not asked for a while
DAILY_CAP = "daily_cap"  # the day's inquiries are used up
NO_REGISTRY = "no_registry"
RAISED = "raised"  # the adapter failed
_FULL_FOR = 0.05  # seconds between looks for a free place


@dataclass(slots=True)
class Case:
    """One question about one claim. `number` is the caller's; `names` are the registries not asked yet;
    `person_registry` is the one that is asked about the person if the owner matches."""

    number: int
    question: str
    inquiry: OwnerInquiry  # an `Inquiry` where the question is about the person
    names: tuple[str, ...]
    person_registry: str = ""
    traces: list[Trace] = field(default_factory=list)
    answer: Answer | None = None

    def record(self, name: str, answer: Answer, *, final: bool = False) -> bool:
        """Record the answer of `name`. True: it is final; only after UNAVAILABLE the next registry is asked."""
        self.answer = answer
        said = (answer.reply.value, answer.code, answer.trace, answer.of_this_one)
        self.traces.append(Trace(name, self.question, *said))
        self.names = self.names[1:]
        return final or answer.reply is not Reply.UNAVAILABLE or not self.names


@dataclass(frozen=True, slots=True)
class _Out:
    """A call under way. It occupies a place of `registry` until its answer has been handled."""

    case: Case
    name: str
    registry: Registry
    reservation: Reservation


def no_answer(question: str, reply: Reply, code: str) -> Answer:
    """The `Answer` to use when the registry gave none."""
    return OwnerAnswer(reply, code=code) if question == OWNER else PersonAnswer(reply, code=code)


class InquiryBatch:
    """Questions that are asked together; each is answered as soon as possible. A context manager."""

    def __init__(self, *, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._waiting: list[Case] = []
        self._full = False  # whether some wait for a place
        self._out: dict[Future[Answer], _Out] = {}
        self._reservations = Reservations()
        self._trials: set[tuple[str, str]] = set()
        self._alarms: set[tuple[AlarmCode, str]] = set()  # sounded by this batch, each once
        self._names = {question: configuration.names(question) for question in configuration.QUESTIONS}
        self._paid_person = "" if configuration.is_at_hand(PERSON) else self._names[PERSON][0]

    def __enter__(self) -> InquiryBatch:
        return self

    def __exit__(self, *_: object) -> None:
        """Settle calls that are not waited for: those that were made stay counted, and trial calls are given back."""
        self._waiting.clear()
        for call, out in self._out.items():
            if call.cancel():
                self._reservations.put_back(out.reservation)
            else:
                self._reservations.keep_person(out.reservation)
            call.add_done_callback(partial(_give_place_of, out.registry))
        for name, question in self._trials:
            resting.not_asked(name, question)
        self._reservations.release()

    def put(self, number: int, question: str, inquiry: OwnerInquiry, *, and_person: bool = False) -> None:
        """Add a question; also while `answers` is read. `and_person`: the person is asked about next if the owner
        matches; under a cap the owner is asked about only if the day has room for both."""
        names = self._names[question]
        if not names:
            log.error("nobody to ask about the %s: no registry is set", question)
        self._waiting.append(Case(number, question, inquiry, names, self._paid_person if and_person else ""))

    def answers(self) -> Iterator[Case]:
        """Each case with its `answer`, until all questions are answered."""
        while self._waiting or self._out:
            waiting, self._waiting, self._full = self._waiting, [], False
            for (_first, question, name), group in groupby(sorted(waiting, key=_next_stop), key=_next_stop):
                yield from self._ask(question, name, list(group))
            if self._out:
                yield from self._heard()
            elif self._full:
                time.sleep(_FULL_FOR)  # other batches have all the places

    def _ask(self, question: str, name: str, cases: list[Case]) -> Iterator[Case]:
        """Ask `name` about `cases`; those that find no place wait."""
        if not name:
            yield from _end(cases, "", Reply.MISCONFIGURED, NO_REGISTRY)
            return
        if time.monotonic() >= self._ends:
            yield from _end(cases, name, Reply.UNAVAILABLE, NO_TIME)
            return
        try:
            registry = configuration.build(name)
        except ValueError as error:
            log.error("registry %s cannot be asked: %s", name, error)
            yield from _end(cases, name, Reply.MISCONFIGURED, NO_REGISTRY)
            return
        if registry.on_network:
            yield from self._start(registry, question, name, cases)
            return
        for case, answer in zip(cases, _ask_all(registry, question, [case.inquiry for case in cases]), strict=True):
            yield from self._record(case, name, answer)

    def _start(self, registry: Registry, question: str, name: str, cases: list[Case]) -> Iterator[Case]:
        """Start calls while there are places; the other cases wait."""
        for number, case in enumerate(cases):
            if (name, question) in self._trials and len(case.names) == 1:
                self._waiting.append(case)  # a trial call is under way, and there is no other registry to ask
            elif not _take_place(registry):
                self._waiting += cases[number:]
                self._full = True
                return
            else:
                reserved = self._reserve(question, name, len(cases) - number, case.person_registry)
                if isinstance(reserved, Reservation):
                    call = _pool().submit(_call, registry, question, case.inquiry)
                    self._out[call] = _Out(case, name, registry, reserved)
                    continue
                _give_place(registry)
                if reserved.code == DAILY_CAP and any(out.reservation.person_registry for out in self._out.values()):
                    self._waiting += cases[number:]  # an owner's mismatch will free the person's reservation
                    return
                yield from self._record(case, name, reserved)

    def _reserve(self, question: str, name: str, wanted: int, person_registry: str) -> Reservation | Answer:
        """A reservation in the day's caps, or an answer that says why `name` is not asked now."""
        allowed = resting.may_ask(name, question)
        if allowed is resting.Allowed.NO:
            return no_answer(question, Reply.UNAVAILABLE, RESTED)
        if allowed is resting.Allowed.AS_A_TRIAL:
            self._trials.add((name, question))
            wanted = 1
        persons = sum(case.question == PERSON for case in self._waiting)
        found = self._reservations.take(name, question, wanted=wanted, person_registry=person_registry, persons=persons)
        if found is None:
            self._end_trial(name, question)
            return no_answer(question, Reply.MISCONFIGURED, DAILY_CAP)
        return found

    def _end_trial(self, name: str, question: str) -> None:
        if (name, question) in self._trials:
            self._trials.discard((name, question))
            resting.not_asked(name, question)

    def _heard(self) -> Iterator[Case]:
        done, _ = wait(self._out, timeout=_FULL_FOR if self._waiting else None, return_when=FIRST_COMPLETED)
        for call in done:
            out = self._out.pop(call)
            self._trials.discard((out.name, out.case.question))
            try:
                resting.heard(out.name, out.case.question, call.result())
            finally:  # only now: a failure that is not recorded yet would let more calls start
                _give_place(out.registry)
            self._reservations.keep_person(out.reservation)
            yield from self._record(out.case, out.name, call.result())

    def _record(self, case: Case, name: str, answer: Answer) -> Iterator[Case]:
        answer = _without_the_person(answer, case.inquiry)
        self._tell(case.question, name, answer)
        if case.record(name, answer):
            yield case
        else:
            self._waiting.append(case)

    def _tell(self, question: str, name: str, answer: Answer) -> None:
        """Log an answer that is none and is logged nowhere else; sound an alarm if an administrator must act."""
        if answer.reply is Reply.MISCONFIGURED:
            capped = answer.code == DAILY_CAP
            code = AlarmCode.DAILY_CAP if capped else AlarmCode.REGISTRY
            subject = "" if capped else resting.subject(name, question)
            if (code, subject) not in self._alarms:
                self._alarms.add((code, subject))
                alarms.sound(code, subject, answer.code)
        elif answer.code not in (RAISED, RESTED) and answer.reply in (Reply.UNAVAILABLE, Reply.INVALID_INPUT):
            log.warning(
                "registry %s answered %s to %s (code %s, trace %s)",
                name, answer.reply, question, answer.code, answer.trace,
            )  # fmt: skip


def _next_stop(case: Case) -> tuple[bool, str, str]:
    """Sorts questions about persons before those about owners, so that claims that were begun are finished first."""
    return case.question == OWNER, case.question, case.names[0] if case.names else ""


def _end(cases: list[Case], name: str, reply: Reply, code: str) -> Iterator[Case]:
    for case in cases:
        case.record(name, no_answer(case.question, reply, code), final=True)
        yield case


def _ask_all(registry: Registry, question: str, inquiries: Sequence[OwnerInquiry]) -> Sequence[Answer]:
    try:
        return registry.owners(inquiries) if question == OWNER else registry.people(cast(Sequence[Inquiry], inquiries))
    except Exception as error:
        return [_raised(registry, question, error)] * len(inquiries)


def _call(registry: Registry, question: str, inquiry: OwnerInquiry) -> Answer:
    try:
        return registry.owner(inquiry) if question == OWNER else registry.person(cast(Inquiry, inquiry))
    except Exception as error:
        return _raised(registry, question, error)


def _raised(registry: Registry, question: str, error: Exception) -> Answer:
    """The answer for an adapter that raised. Its error is logged by class and place: the text may be personal."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    log.error(
        "registry %s failed on %s: %s at %s:%s",
        registry.name, question, type(error).__name__, where.filename, where.lineno,
    )  # fmt: skip
    return no_answer(question, Reply.UNAVAILABLE, RAISED)


def _without_the_person(answer: Answer, inquiry: OwnerInquiry) -> Answer:
    """`answer`, without its code and trace if they repeat what was asked: both are written to logs and rows."""
    if not answer.code and not answer.trace:
        return answer
    said = answer.code + " " + answer.trace
    personal = (inquiry.claim.national_id, inquiry.claim.mobile[-10:])
    as_integers = {number.lstrip("0") for number in re.findall("[0-9]+", said)}
    if any(text in said or text.lstrip("0") in as_integers for text in personal):
        return replace(answer, code="", trace="")
    return answer


# ── Places: calls at the same time in this process, of one registry and of all


@cache
def _pool() -> ThreadPoolExecutor:
    """The threads. Made at the first call, so after a fork."""
    return ThreadPoolExecutor(limits.REGISTRY_CALLS, thread_name_prefix="registry")


_all_places = threading.BoundedSemaphore(limits.REGISTRY_CALLS)


@cache
def _places(registry: Registry) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(registry.connections)


def _take_place(registry: Registry) -> bool:
    if not _all_places.acquire(blocking=False):
        return False
    if _places(registry).acquire(blocking=False):
        return True
    _all_places.release()
    return False


def _give_place(registry: Registry) -> None:
    _places(registry).release()
    _all_places.release()


def _give_place_of(registry: Registry, _call: Future[Answer]) -> None:
    _give_place(registry)
