"""Faults of our own processes and of whole registries while real workers match: each row returns its verdict.

Needs Django set up. Faults in single answers are in `benchmarks.identity_answer_rows`.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.identity_answer_rows import OPTIONS
from benchmarks.identity_crowd import Crowd, Verdict, alarms, breakers, metered
from benchmarks.sms_world import STARTS_WITHIN, Late, World, answers, free_port, until
from common import limits, persian
from identity import services as identity
from registration.models import Event, Registration
from registration.services import retries
from registration.states import State
from sms.models import Message, MessageKind, MessageState
from tamin_portal.celery import app
from tests.support.registry_stubs.people import Plot, Somebody, person

DECIDED_WITHIN, DECIDED_WITHIN_SHORT = 300.0, 90.0  # seconds
FILLERS = 2_000  # rows of the extract that nobody asks about


@dataclass(frozen=True)
class Scene:
    """`kind`: of the registry, or how the first one fails. `short`: a short form, for the tests."""

    world: World
    n: int
    kind: str
    short: bool

    @property
    def within(self) -> float:
        return DECIDED_WITHIN_SHORT if self.short else DECIDED_WITHIN

    # Registries.

    def list_registries(self, *names: str) -> None:
        for question in ("OWNER", "PERSON"):
            self.world.env[f"IDENTITY_{question}_REGISTRIES"] = ",".join(names)

    def configure_registry(self, name: str, *, kind: str = "uid", connections: int = 8) -> int:
        """Its port, where nobody listens yet."""
        port = free_port()
        options = OPTIONS[kind] | {"URL": f"http://127.0.0.1:{port}", "CONNECTIONS": str(connections)}
        self.world.env |= {f"IDENTITY_{name.upper()}_{option}": value for option, value in options.items()}
        return port

    def start_registry(self, name: str, port: int, *, kind: str = "uid", **manner: object) -> None:
        """A stub that logs inquiries into the home. `manner`: delay, and behaviours by question."""
        options = {"kind": kind, "port": port, "log": self.world.home / f"{name}.inquiries", **manner}
        written = [part for option, value in options.items() for part in (f"--{option}", str(value))]
        self.world.start(name, [sys.executable, "-m", "tests.support.registry_stubs", *written])
        until(lambda: answers(port), f"registry {name} does not start: {self.world.log(name)[-800:]}", STARTS_WITHIN)

    def asked(self, name: str, question: str) -> list[str]:
        """The national IDs that the stub `name` was asked about, in order."""
        log = self.world.home / f"{name}.inquiries"
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [line["national_id"] for line in lines if line["question"] == question]

    def calls(self, name: str) -> str:
        return f"{len(self.asked(name, 'owner'))} + {len(self.asked(name, 'person'))}"

    # Workers.

    def start_workers(self, *matchers: str) -> None:
        """Redis, beat, one worker that sends and these that match."""
        self.world.start_redis()
        self.world.start_beat()
        self.world.start_worker("sender", queue="sms")
        for name in matchers:
            self.world.start_worker(name, queue="identity")

    def logs(self) -> str:
        """What the portal's own processes wrote."""
        names = [path.stem for path in self.world.home.glob("*.log")]
        return "\n".join(self.world.log(name) for name in names if name in {"beat", "sender", "matcher", "matcher2"})

    def wait(self, crowd: Crowd, verdict: Verdict) -> float:
        """Until all are decided and told; the seconds it took."""
        began = time.monotonic()
        try:
            until(crowd.all_decided, "not all are decided", self.within, every=0.2)
            unsent = Message.objects.filter(kind=MessageKind.RESULT).exclude(state=MessageState.ACCEPTED)
            until(lambda: not unsent.exists(), "not all results are sent", self.within, every=0.2)
        except Late as late:
            verdict.misses.append(str(late))
        seconds = time.monotonic() - began
        verdict.afterwards = f"{crowd.summary()} in {seconds:.0f} s"
        return seconds

    def judge(self, crowd: Crowd, verdict: Verdict) -> Verdict:
        """What every row here demands."""
        crowd.judge(verdict)
        crowd.judge_phones(verdict)
        crowd.judge_logs(verdict, self.logs())
        verdict.breaker = verdict.breaker or breakers()
        verdict.alarm = verdict.alarm or ", ".join(alarms())
        return verdict


def people(n: int) -> list[Somebody]:
    return [person(number) for number in range(n)]


def worker_killed(scene: Scene) -> Verdict:
    """SIGKILL the worker that matches, whenever it has decided about a part of what it holds."""
    kills, crowd = 2 if scene.short else 5, Crowd(people(scene.n))
    fault = f"SIGKILL the matching worker {kills} ×, in a batch"
    verdict = Verdict(fault, f"both {scene.kind}", scene.n, "each decided once, one result each")
    _registry_of(scene, crowd, delay=0.05)
    scene.start_workers("matcher")
    caught = []
    for kill in range(kills):
        before = crowd.decided()
        crowd.submit(crowd.people[kill::kills])
        hint()
        # A registry's answers come one by one; the extract's come together, and are decided in a moment, into which
        # each kill goes a little further, and which may be over before it is seen.
        if scene.kind == "local":
            until(lambda: leased(crowd) or crowd.decided() > before, "nothing is checked", 60, every=0.002)  # noqa: B023
            time.sleep(0.03 * kill)
        else:
            until(lambda: leased(crowd) and crowd.decided() > before, "nothing is decided", 60, every=0.002)  # noqa: B023
        scene.world.kill("matcher")
        caught.append(leased(crowd))
    verdict.meanwhile = crowd.summary()
    verdict.remark = f"{sum(caught)} caught in a lease"
    verdict.must(any(caught), "none was being checked when the worker was killed")
    scene.wait(crowd, verdict)
    if scene.kind == "uid":
        verdict.calls = scene.calls("one")
        for question in ("owner", "person"):
            seen, counted = len(scene.asked("one", question)), metered("one", question)
            verdict.must(seen <= counted, f"{seen} inquiries about the {question}, {counted} counted")
    return scene.judge(crowd, verdict)


def two_workers(scene: Scene) -> Verdict:
    """Two workers get every hint, on the same due registrations; nobody may be asked about twice."""
    crowd = Crowd(people(scene.n))
    verdict = Verdict("two workers, each hint 5 ×", "both uid", scene.n, "each asked about and decided once")
    _registry_of(scene, crowd, delay=0.02)
    scene.start_workers("matcher", "matcher2")
    crowd.submit()
    for _ in range(5):
        hint()
    scene.wait(crowd, verdict)
    verdict.calls = scene.calls("one")
    for question in ("owner", "person"):
        twice = [count for count in Counter(scene.asked("one", question)).values() if count > 1]
        verdict.must(not twice, f"{len(twice)} were asked about twice ({question})")
    matched = [name for name in ("matcher", "matcher2") if "registration.match" in scene.world.log(name)]
    verdict.remark = f"{len(matched)} workers took a hint"
    return scene.judge(crowd, verdict)


def extract_switched(scene: Scene) -> Verdict:
    """The same people are loaded again and again, and old generations deleted, while a worker matches."""
    crowd, waves, loads = Crowd(people(scene.n)), 5 if scene.short else 20, 0
    verdict = Verdict("the extracts are replaced meanwhile", "both local", scene.n, "nobody found turns to not found")
    _registry_of(scene, crowd)
    scene.start_workers("matcher")
    for wave in range(waves):
        crowd.submit(crowd.people[wave::waves])
        hint()
        load(crowd.people)
        identity.purge_extracts()
        loads += 1
    verdict.meanwhile, verdict.remark = crowd.summary(), f"{loads} loads"
    scene.wait(crowd, verdict)
    others = Registration.objects.filter(state=State.REFERRED, verdict="not_found").exclude(
        national_id__in=[one.claim.national_id for one in crowd.people if one.plot is Plot.NOBODY]
    )
    verdict.must(not others.exists(), f"{others.count()} not found who are in the extract")
    return scene.judge(crowd, verdict)


def second_answers(scene: Scene) -> Verdict:
    """The first registry of each question fails the whole time; the second is another provider's."""
    crowd = Crowd(people(scene.n))
    names = {"refuses": "refuses connections", "hang": "never answers", "status-500": "answers 500"}
    fault = f"the first registry {names[scene.kind]}"
    verdict = Verdict(fault, "both uid, jibit", scene.n, "the second decides, the first is left alone")
    first, second = scene.configure_registry("one"), scene.configure_registry("two", kind="jibit")
    scene.list_registries("one", "two")
    if scene.kind != "refuses":
        scene.start_registry("one", first, owner=scene.kind, person=scene.kind)
    scene.start_registry("two", second, kind="jibit", delay=0.02)
    scene.start_workers("matcher")
    crowd.submit()
    hint()
    seconds = scene.wait(crowd, verdict)
    verdict.calls = f"{scene.calls('one')}; {scene.calls('two')}"
    tried = len(scene.asked("one", "owner")) + len(scene.asked("one", "person"))
    # Per question: what was out when the breaker opened, and a trial for each of its pauses.
    most = 2 * (limits.BREAKER_FAILURES + 8 + seconds / limits.BREAKER_FIRST_PAUSE.total_seconds() + 1)
    verdict.must(tried <= most, f"the first was asked {tried} times, at most {most:.0f} were due")
    return scene.judge(crowd, verdict)


def all_down(scene: Scene) -> Verdict:
    """No registry listens for a while; then it does, and nobody presses anything."""
    crowd, lasts = Crowd(people(scene.n)), 5.0 if scene.short else 60.0
    verdict = Verdict(f"all registries down for {lasts:.0f} s", "both uid", scene.n, "drains by itself, oldest first")
    port = scene.configure_registry("one")
    scene.list_registries("one")
    scene.start_workers("matcher")
    crowd.submit(ago=2 * limits.MATCH_TELL_AFTER)  # half of them have waited too long already
    hint()
    time.sleep(lasts)
    until(crowd.all_tried, "not all were tried", 60)
    verdict.meanwhile, verdict.breaker, verdict.alarm = crowd.summary(), breakers(), ", ".join(alarms())
    verdict.must(not crowd.decided(), f"{crowd.decided()} were decided while nobody answered")
    verdict.must(retries.outage(), "no outage is seen: the status page would promise minutes")
    scene.start_registry("one", port, delay=0.02)
    scene.wait(crowd, verdict)
    told = Message.objects.filter(kind=MessageKind.NOTICE).count()
    verdict.must(abs(told - scene.n // 2) <= scene.n // 10, f"{told} were told that it takes longer")
    late = out_of_order(crowd)
    verdict.calls, verdict.remark = scene.calls("one"), f"{told} told of the delay; {late} overtaken by younger ones"
    verdict.must(late <= scene.n // 10, f"{late} waited behind more than a batch of younger ones")
    return scene.judge(crowd, verdict)


def out_of_order(crowd: Crowd) -> int:
    """How many were decided after more than a batch of registrations that are younger than they are."""
    ages = {row.pk: place for place, row in enumerate(sorted(crowd.rows, key=lambda row: (row.submitted_at, row.pk)))}
    decided = list(Event.objects.filter(registration__in=ages).order_by("id").values_list("registration", flat=True))
    return sum(place - ages[pk] > limits.MATCH_BATCH for place, pk in enumerate(decided))


def hint() -> None:
    """As a page gives it after a registration was handed in."""
    app.send_task("registration.match", ignore_result=True, expires=60)


def leased(crowd: Crowd) -> int:
    """How many of those who were handed in last a worker holds, or held when it died."""
    last = Registration.objects.filter(pk__gte=crowd.last_from)
    return last.filter(state=State.SUBMITTED, lease__isnull=False).count()


def _registry_of(scene: Scene, crowd: Crowd, *, delay: float = 0.0) -> None:
    """The one registry of this scene's kind, for the workers that are started next."""
    if scene.kind == "local":
        scene.list_registries("local")
        load(crowd.people)
        return
    scene.list_registries("one")
    scene.start_registry("one", scene.configure_registry("one"), delay=delay)


def load(everybody: list[Somebody]) -> None:
    """Both extracts, from files as an administrator has them: these people and others."""
    others = [person(5_000_000 + number) for number in range(FILLERS)]
    identity.load_civil_registry(source=_file(_civil_lines([*everybody, *others])))
    identity.load_mobile_owners(source=_file(_owner_lines([*everybody, *others])))


def _file(lines: Iterator[str]) -> io.BytesIO:
    return io.BytesIO("\n".join([*lines, ""]).encode())


def _civil_lines(everybody: list[Somebody]) -> Iterator[str]:
    yield (
        "national_id,first_name,last_name,birth_date,gender,birth_certificate_number,birth_certificate_series,"
        "birth_certificate_serial,deceased"
    )
    for one in everybody:
        if record := one.record:
            born = persian.fold(persian.format_jalali(one.claim.birth_date))
            series = f"{record.series_letter}{record.series_number}"
            yield (
                f"{one.claim.national_id},{record.first_name},{record.last_name},{born},{record.gender},"
                f"{record.certificate_number},{series},{record.certificate_serial},{int(record.deceased)}"
            )


def _owner_lines(everybody: list[Somebody]) -> Iterator[str]:
    yield "national_id,mobile"
    for one in everybody:
        if one.owns_the_mobile:
            yield f"{one.claim.national_id},0{one.claim.mobile[-10:]}"


ROWS: dict[str, Callable[[Scene], Verdict]] = {
    "killed": worker_killed,
    "two": two_workers,
    "switched": extract_switched,
    "second": second_answers,
    "down": all_down,
}
