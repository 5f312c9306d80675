"""Faults in single answers of registries: each answer to each question, from one stub over a real socket.

The drain runs in this process, as the task of a worker runs it, with shortened pauses. Each fault first lasts, so
that held requests are asked about again and trials fail; then the registry works again and all must be decided.
Needs Django set up.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from unittest import mock

from django.conf import settings
from django.test.utils import override_settings

from benchmarks.identity_crowd import Crowd, Verdict, alarms, breakers, metered
from benchmarks.sms_world import Late, until
from common import limits
from identity.models import Inquiries
from registration.services import matching
from tests.support.http_stub import serving
from tests.support.registry_stubs import RegistryStub, certificates
from tests.support.registry_stubs.people import Plot, Somebody, person

OPTIONS = {
    "uid": {"KIND": "uid", "BUSINESS_ID": "stub", "BUSINESS_TOKEN": "stub", "NOT_FOUND_CODES": "5"},
    "jibit": {"KIND": "jibit", "API_KEY": "stub", "SECRET_KEY": "stub"},
    "similarity": {"KIND": "jibit", "API_KEY": "stub", "SECRET_KEY": "stub", "VARIANT": "similarity"},
}
STUBS = {"uid": "uid", "jibit": "jibit", "similarity": "jibit"}
DECIDED_WITHIN = 60.0  # seconds

DOWN, OURS, REFUSED, NOBODY = "unavailable", "misconfigured", "invalid_input", "not_found"
ALONE = "unavailable to one"  # no answer about one person, from a registry that works
NO_INQUIRY = ("code-forbidden", "status-401", "status-403")  # refused before it was one: may be said twice
BROKEN = {
    "status-500": DOWN, "status-503": DOWN, "status-429": DOWN, "status-401": OURS, "status-403": OURS,
    "html": DOWN, "bad-json": DOWN, "wrong-types": DOWN, "empty": DOWN, "not-http": DOWN, "reset": DOWN,
    "reset-half": DOWN, "drop": DOWN, "hang": DOWN, "drip": DOWN,
}  # fmt: skip
# Behaviour → what a check must then answer. The facts name Jibit's codes; of UID's, public clients show 3.
ANSWERS: dict[str, dict[str, str]] = {
    "uid": BROKEN | {"code-3": REFUSED, "said-403": OURS, "said-402": OURS, "said-999": DOWN},
    "jibit": BROKEN
    | {
        "code-identity_info.not_found": NOBODY,
        "said-identity_info.not_found": NOBODY,
        "code-matching.unknown": ALONE,
        "code-nationalCode.not_valid": REFUSED,
        "code-mobileNumber.not_valid": REFUSED,
        "code-daily_limit.reached": OURS,
        "said-daily_limit.reached": OURS,
        "code-providers.not_available": DOWN,
        "said-providers.not_available": DOWN,
        "code-forbidden": OURS,
        "code-what.nobody.knows": ALONE,
    },
}
SHORT = ("hang", "bad-json", "wrong-types", "status-500")  # tried with each also in the short form


@dataclass(frozen=True)
class Bench:
    """One stub, the portal's settings for it, and the log of the drain."""

    stub: RegistryStub
    registry: str  # its name in the settings; another for each row, so that no row inherits breakers or tokens
    asked: str  # the question that goes wrong
    kind: str
    log: list[str]

    def calls(self) -> str:
        return f"{len(self.stub.asked('owner'))} + {len(self.stub.asked('person'))}"


class Listening(logging.Handler):
    """All that is logged, as it is before any filter has looked at it."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextlib.contextmanager
def bench(kind: str, asked: str, number: int, *, certificate: Path | None = None) -> Iterator[Bench]:
    """Registry `r<number>` is asked both questions."""
    name, ear = f"r{number}", Listening()
    tls = certificates.context(certificate) if certificate else None
    logging.getLogger().addHandler(ear)
    try:
        with serving(RegistryStub(STUBS[kind], tls=tls)) as stub:
            options = OPTIONS[kind] | {"URL": stub.url, "OWNER_COST": "1000", "PERSON_COST": "5000"}
            environment = {f"IDENTITY_{name.upper()}_{option}": value for option, value in options.items()}
            with override_settings(
                IDENTITY_OWNER_REGISTRIES=[name],
                IDENTITY_PERSON_REGISTRIES=[name],
                IDENTITY_ENVIRONMENT=settings.IDENTITY_ENVIRONMENT | environment,
            ):
                yield Bench(stub, name, asked, kind, ear.lines)
    finally:
        logging.getLogger().removeHandler(ear)


def rows(kind: str, asked: str, n: int, *, short: bool, home: Path) -> Iterator[Verdict]:
    """A row for each behaviour of `kind` at the question `asked`."""
    behaviours = ANSWERS[STUBS[kind]]
    if short:  # what a socket does is read by the same code for all: half of it with each provider
        some = [name for place, name in enumerate(BROKEN) if place % 2 == (kind == "uid") and kind != "similarity"]
        behaviours = {
            name: means for name, means in behaviours.items() if name in (*some, *SHORT) or name not in BROKEN
        }
    number = 0
    for number, (behaviour, means) in enumerate(behaviours.items()):
        with bench(kind, asked, number) as one:
            yield lasting(one, Crowd(_people(number, n)), behaviour, means, short=short)
    if kind != "similarity":
        yield wrong_certificate(kind, asked, number + 1, n, short=short, home=home)
    if kind == "jibit" and asked == "owner":
        with bench(kind, "token", number + 2) as one:
            yield lasting(one, Crowd(_people(number + 2, n)), "code-forbidden", OURS, short=short)
    if kind == "uid" and asked == "owner":
        yield daily_cap(number + 2, n)


def lasting(one: Bench, crowd: Crowd, behaviour: str, means: str, *, short: bool) -> Verdict:
    """The fault while it lasts, then a registry that is well."""
    demand = "decided: no such person" if means == NOBODY else f"held: {means}; nobody to a branch; then decided"
    verdict = Verdict(behaviour, f"{one.asked} {one.kind}", len(crowd.people), demand)
    one.stub.behave(**{one.asked: behaviour})
    crowd.submit()
    with _said_on_time(verdict):
        _drain_while(crowd, seconds=0.5 if short else 2.0)
    _while_it_lasted(verdict, one, crowd, means)
    one.stub.behave(**{one.asked: "ok"})
    _afterwards(verdict, one, crowd, means)
    return verdict


def wrong_certificate(kind: str, asked: str, number: int, n: int, *, short: bool, home: Path) -> Verdict:
    """Another certificate than the one that is trusted; then the right one. Both questions meet it."""
    right, wrong = (certificates.make(home, f"{name}-{number}") for name in ("right", "wrong"))
    crowd = Crowd(_people(number, n))
    verdict = Verdict("wrong certificate", f"{asked} {kind}", n, f"held ({DOWN}), alarm; then decided")
    trusted = mock.patch.dict("os.environ", {"SSL_CERT_FILE": str(right)})
    with trusted, bench(kind, asked, number, certificate=wrong) as one:
        crowd.submit()
        with _said_on_time(verdict):
            _drain_while(crowd, seconds=0.5 if short else 2.0)
        _while_it_lasted(verdict, one, crowd, DOWN)
        verdict.must("certificate" in alarms(), "no alarm of a certificate")
        verdict.must(not one.stub.log, f"{len(one.stub.log)} inquiries were sent to a stranger")
        one.stub.tls.load_cert_chain(right)
        _afterwards(verdict, one, crowd, DOWN)
    return verdict


def daily_cap(number: int, n: int) -> Verdict:
    """Half of the inquiries that are needed may be made today; then it is tomorrow."""
    crowd = Crowd(_people(number, n))
    verdict = Verdict("daily cap reached", "both uid", n, f"held ({OURS}), alarm, never over the cap; then decided")
    with bench("uid", "owner", number) as one, override_settings(IDENTITY_DAILY_INQUIRIES=n):
        _days_pass(30)
        crowd.submit()
        with _said_on_time(verdict):
            _drain_while(crowd, seconds=1.0)
        verdict.meanwhile, verdict.calls = crowd.summary(), one.calls()
        verdict.breaker, verdict.alarm = breakers(), ", ".join(alarms())
        verdict.must(len(one.stub.log) <= n, f"{len(one.stub.log)} inquiries with a cap of {n}")
        verdict.must("daily_cap" in alarms(), "no alarm of the cap")
        verdict.must(crowd.held()[OURS] > 0, "nobody is held")
        with override_settings(IDENTITY_DAILY_INQUIRIES=10 * n):
            _days_pass(1)
            _afterwards(verdict, one, crowd, OURS)
        verdict.must("daily_cap" not in alarms(), "the alarm of the cap stands the next day")
    return verdict


def _while_it_lasted(verdict: Verdict, one: Bench, crowd: Crowd, means: str) -> None:
    verdict.meanwhile, verdict.calls = crowd.summary(), one.calls()
    verdict.breaker, verdict.alarm = breakers(), ", ".join(alarms())
    held = crowd.held()
    if means == NOBODY:
        verdict.must(crowd.all_decided(), f"not all decided: {verdict.meanwhile}")
        verdict.must(crowd.states()["referred"] == len(crowd.people), "somebody whom the registry does not know")
        return
    # Whose mobile is another's is told from the first question, before the second one fails.
    others = sum(not person.owns_the_mobile for person in crowd.people) if one.asked == "person" else 0
    verdict.must(crowd.states()["referred"] <= others, f"{crowd.states()['referred'] - others} sent to a branch")
    verdict.must(not crowd.states()["approved"], f"{crowd.states()['approved']} approved without an answer")
    # Where a key is refused, the breaker rests the registry at once: the next look finds it unavailable.
    verdict.must(held[means] + (held[DOWN] if means in (OURS, ALONE) else 0) > 0, f"nobody held: {verdict.meanwhile}")
    works = means in (REFUSED, ALONE)
    verdict.must(works or breakers() != "closed", "the breaker is closed")
    verdict.must(not works or breakers() == "closed", "the breaker opened although the registry works")
    verdict.must(means != OURS or "registry" in alarms(), "no alarm")
    if one.asked == "owner":
        verdict.must(not one.stub.asked("person"), "the person was asked about before the owner matched")


def _afterwards(verdict: Verdict, one: Bench, crowd: Crowd, means: str) -> None:
    began = time.monotonic()
    with _said_on_time(verdict):
        _drain_until(crowd.all_decided, "not all are decided", DECIDED_WITHIN)
    verdict.afterwards = f"{crowd.summary()} in {time.monotonic() - began:.0f} s"
    if means != NOBODY:
        crowd.judge(verdict)
        verdict.must(not alarms(), f"alarms stand: {alarms()}")
    crowd.judge_logs(verdict, "\n".join(one.log))
    strangers = {person.claim.national_id for person in crowd.people if person.plot is Plot.OTHER_OWNER}
    asked = strangers & set(one.stub.asked("person"))
    verdict.must(not asked, f"{len(asked)} were asked about who are not the owner")
    for question in ("owner", "person"):
        inquiries = [row for row in one.stub.log if row["behaviour"] not in NO_INQUIRY]
        seen = sum(row["question"] == question for row in inquiries)
        counted = metered(one.registry, question)
        verdict.must(seen <= counted, f"{seen} inquiries about the {question}, {counted} counted")


def _days_pass(days: int) -> None:
    """What was counted is as old as if so many days had gone by."""
    for row in Inquiries.objects.order_by("day"):
        row.day -= timedelta(days=days)
        row.save(update_fields=["day"])


def _people(number: int, n: int) -> list[Somebody]:
    """Other people in each row, the same mixture of fates."""
    return [person(number * 1000 + place) for place in range(n)]


def _drain_while(crowd: Crowd, *, seconds: float) -> None:
    """Until everybody was tried, and `seconds` at least."""
    ends = time.monotonic() + seconds
    _drain_until(lambda: time.monotonic() > ends and crowd.all_tried(), "not all are tried", DECIDED_WITHIN)


def _drain_until(condition: Callable[[], bool], what: str, seconds: float) -> None:
    def drained() -> bool:
        matching.match_due(seconds=limits.REGISTRY_BATCH_TIME)
        return condition()

    until(drained, what, seconds)


@contextlib.contextmanager
def _said_on_time(verdict: Verdict) -> Iterator[None]:
    try:
        yield
    except Late as late:
        verdict.misses.append(str(late))
