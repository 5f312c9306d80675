"""How fast one worker sends, and what adding a message costs.

    .venv/bin/python benchmarks/sms_drain.py        # DATABASE_URL names a PostgreSQL server; without it, SQLite

1. Draining with a gateway that does nothing, against a Celery task for each message that does nothing at all, and
   against one that updates the message's row, in a random order in each round: ratios. All tasks wait in Redis before
   the worker may begin. The aim is for CPU time a message, of the worker, PostgreSQL and Redis together, which a busy
   machine changes least; rates by the clock stand beside it. 2. Through one worker with a gateway that answers in
   50 ms and stands 200 connections: messages a second and CPU time a message. 3. The statements of adding a message to
   a transaction.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import databases
from benchmarks.journeys.cpu import Meter, Spent, backends
from benchmarks.sms_world import World, until

AIM_RATIO, AIM_RATE = 14, 500
APP = "benchmarks.sms_drain_worker"
NOTHING, UPDATES, DRAINED = "a task that does nothing", "a task that updates its row", "drained"
PARTS = ("web", "database", "redis")
WORKER_THREADS = 2  # of World.start_worker: so many tasks may still run when the last one begins


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plain", type=int, default=3000, help="messages a round by a Celery task each")
    parser.add_argument("--drained", type=int, default=15000, help="messages a round by draining")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sent", type=int, default=5000, help="messages through the slow gateway")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill is a Ctrl-C: nothing is left running
    with contextlib.ExitStack() as ends:
        folder = Path(tempfile.mkdtemp(prefix="portal-drain-"))
        ends.callback(shutil.rmtree, folder, ignore_errors=True)
        url = ends.enter_context(databases.migrated(os.environ.get("DATABASE_URL", ""), folder))
        world = World(folder, url, {"SMS_GATEWAYS": "noop"})
        ends.callback(world.end)
        os.environ |= world.env
        import django

        django.setup()
        from common.installation import ensure_mode

        ensure_mode(fresh=True)
        world.start_redis()
        good = [compare(world, given), fast(world, given.sent), one_insert()]
    return 0 if all(good) else 1


def compare(world: World, given: argparse.Namespace) -> bool:
    """Drain against task for task, in a random order in each round, so that a busy machine slows all."""
    world.env["TASKS_SPAN"] = str(world.home / "span")
    world.start_worker("noop", app=APP)
    works = {
        NOTHING: lambda meter: tasks(world, meter, "sms.nothing", given.plain),
        UPDATES: lambda meter: tasks(world, meter, "sms.plain", given.plain),
        DRAINED: lambda meter: drained(meter, given.drained),
    }
    database = urlsplit(world.env["DATABASE_URL"]).path[1:]
    meter = Meter(world.processes["noop"].pid, database, world.processes["redis"].pid)
    meter.others = set(backends(database))  # of this program
    turns: dict[str, list[Turn]] = {name: [] for name in works}
    for number in range(given.rounds):
        for name in random.sample(list(works), len(works)):
            turns[name].append(works[name](meter))
        print(f"round {number + 1}: " + ", ".join(f"{name} {turns[name][-1].rate:.0f}/s" for name in works), flush=True)
    world.stop("noop")
    return judged(turns)


@dataclass(frozen=True)
class Turn:
    """Messages a second, and CPU seconds a message."""

    rate: float
    spent: Spent


def judged(turns: dict[str, list[Turn]]) -> bool:
    for name, each in turns.items():
        parts = [f"{part} {1e6 * statistics.median(getattr(turn.spent, part) for turn in each):.0f}" for part in PARTS]
        rate = statistics.median(turn.rate for turn in each)
        print(f"{name:28} {rate:7.0f}/s; µs of CPU a message: {', '.join(parts)}")
    ratios = {}
    for name in (NOTHING, UPDATES):
        pairs = list(zip(turns[DRAINED], turns[name], strict=True))
        by_clock = statistics.median(ours.rate / theirs.rate for ours, theirs in pairs)
        ratios[name] = statistics.median(theirs.spent.whole / ours.spent.whole for ours, theirs in pairs)
        aim = f" (aim ≥ {AIM_RATIO} ×)" if name == NOTHING else ""
        print(f"drained / {name}: by CPU {ratios[name]:.1f} ×{aim}, by the clock {by_clock:.1f} ×", flush=True)
    return ratios[NOTHING] >= AIM_RATIO


def tasks(world: World, meter: Meter, name: str, count: int) -> Turn:
    """By a task for each message, from the first to the last: the worker stands still until all tasks are there."""
    from sms.models import Message
    from tamin_portal.celery import app

    fill(count, due=False)
    kept = Path(world.env["TASKS_SPAN"])
    kept.unlink(missing_ok=True)
    world.signal("noop", signal.SIGSTOP)
    with app.producer_pool.acquire(block=True) as producer:
        for pk in Message.objects.values_list("pk", flat=True):
            app.send_task(name, [pk], queue="sms", producer=producer)
        app.send_task("sms.told", queue="sms", producer=producer)
    before = meter.read()
    world.signal("noop", signal.SIGCONT)
    until(kept.exists, "the tasks do not end", 300)
    began, ended, done = map(float, kept.read_text().split())
    if done < count - WORKER_THREADS or (name == "sms.plain" and queued() > WORKER_THREADS):
        raise SystemExit(f"{name}: {done:.0f} of {count} tasks, {queued()} messages left")
    return Turn(done / (ended - began), (meter.read() - before) / count)


def queued() -> int:
    from sms.models import Message

    return Message.objects.filter(state="queued").count()


def drained(meter: Meter, count: int) -> Turn:
    fill(count, due=True)
    before, began = meter.read(), hint()
    until(nothing_left, "the drain does not end", 300, every=0.02)
    took = time.monotonic() - began
    return Turn(count / took, (meter.read() - before) / count)


def fast(world: World, count: int) -> bool:
    """One worker, a gateway that answers in 50 ms and stands 200 connections."""
    world.start_gateway("first", kind="kavenegar", connections=200, delay=0.05)
    world.env["SMS_GATEWAYS"] = "first"
    world.start_worker("sender")
    warm_up = 200
    fill(warm_up, due=True)
    hint()
    until(nothing_left, "nothing is sent", 60)
    fill(count, due=True)
    process, stub = world.processes["sender"].pid, world.processes["first"].pid
    before, before_stub = cpu_seconds(process), cpu_seconds(stub)
    began = hint()
    until(nothing_left, "the messages are not sent", 300, every=0.02)
    rate = count / (time.monotonic() - began)
    cost, stubs = (cpu_seconds(process) - before) / count, (cpu_seconds(stub) - before_stub) / count
    seen = world.ask_gateway("first", "summary")
    print(
        f"one worker, 50 ms, 200 connections: {rate:.0f} messages/s (aim ≥ {AIM_RATE}), CPU {cost * 1000:.2f} ms "
        f"a message (the stub's own: {stubs * 1000:.2f}); at most {seen['most_open']} open, {seen['doubled']} doubled",
        flush=True,
    )
    return rate >= AIM_RATE


def one_insert() -> bool:
    """Show what a transaction pays for a message."""
    from django.db import connection, transaction
    from django.test.utils import CaptureQueriesContext

    from sms import outbox

    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        outbox.enqueue(to="+989121234567", kind="result", text="نتیجه", dedupe_key="one")
    statements = [query["sql"].split()[0] for query in captured.captured_queries]
    paid = [verb for verb in statements if verb not in ("SAVEPOINT", "RELEASE")]
    print(f"adding a message to a transaction: {', '.join(statements)}")
    return paid == ["INSERT"]


# ── the messages


def fill(count: int, *, due: bool) -> None:
    """`count` fresh messages and nothing else; not `due`: only a task of their own sends them."""
    from sms.models import Attempt, Message

    Attempt.objects.all().delete()
    Message.objects.all().delete()
    add(count, due=due)


def add(count: int, *, due: bool = True) -> None:
    """So many more."""
    from django.utils import timezone

    from sms.models import Message

    now = timezone.now()
    Message.objects.bulk_create(
        (
            Message(
                dedupe_key=uuid.uuid4().hex,
                kind="result",
                priority=10,
                to=f"+98912{number:07}",
                operator="mci",
                text=f"نتیجه {number}",
                parts=1,
                next_attempt_at=now if due else None,
            )
            for number in range(count)
        ),
        batch_size=500,
    )


def hint() -> float:
    """Have the worker look into the queue; when that was."""
    from tamin_portal.celery import app

    app.send_task("sms.drain", ignore_result=True)
    return time.monotonic()


def nothing_left() -> bool:
    from sms.models import Message

    return not Message.objects.filter(state__in=("queued", "sending")).exists()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
