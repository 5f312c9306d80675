"""The faults: each starts what it needs, breaks it, and returns its row of the table. Needs Django set up."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from walker import Home, Person, step_one

from benchmarks.databases import PrivatePostgres
from benchmarks.sms_crowd import Crowd, Verdict, acceptance_times
from benchmarks.sms_world import World, until
from sms.models import Message, MessageKind, MessageState, Receipt
from tamin_portal.celery import app
from tests.live import somebody

FINAL_WITHIN = 90.0  # seconds after the last kill
CODE_WITHIN = 10.0  # seconds, 95 of 100 codes, while the first gateway is away


@dataclass(frozen=True)
class Scene:
    """What a row works with. `short`: a short form of the fault, for the tests."""

    world: World
    n: int
    key: bool
    short: bool
    postgres: PrivatePostgres | None = None

    @property
    def gateway(self) -> str:
        return "key" if self.key else "no key"

    def crowd(self, *kinds: MessageKind, receipts: bool = False) -> Crowd:
        logs = sorted(self.world.home.glob("*.submissions"))
        return Crowd(logs, kinds or (MessageKind.CODE, MessageKind.RESULT), receipts=self.key or receipts)


def worker_killed(scene: Scene) -> Verdict:
    """SIGKILL the whole worker, each time while a gateway has messages of it in mid-send."""
    world, kills = scene.world, 3 if scene.short else 10
    world.start_gateway("first", key=scene.key, delay=0.3)
    world.start_all()
    crowd = scene.crowd()
    for share in shares(scene.n, kills):
        add_until_in_mid_send(crowd, share)
        world.kill("worker")
    seconds = crowd.wait_until_final(FINAL_WITHIN)
    return crowd.verdict(f"SIGKILL the worker {kills} ×", scene.gateway, seconds, key=scene.key)


def pool_killed(scene: Scene) -> Verdict:
    """SIGKILL one process of a forking pool after another."""
    world, kills = scene.world, 8 if scene.short else 50
    world.start_gateway("first", key=scene.key, delay=0.3)
    world.start_all(pool="prefork")
    crowd = scene.crowd()
    for share in shares(scene.n, kills):
        add_until_in_mid_send(crowd, share)
        pool_of = world.processes["worker"].pid
        until(lambda: children(pool_of), "the pool has no process", 30)  # noqa: B023 - called at once
        os.kill(random.choice(children(pool_of)), signal.SIGKILL)  # noqa: S311 - no secret
    seconds = crowd.wait_until_final(FINAL_WITHIN)
    return crowd.verdict(f"SIGKILL pool processes {kills} ×", scene.gateway, seconds, key=scene.key)


def redis_killed(scene: Scene) -> Verdict:
    """SIGKILL a Redis without persistence, and start it empty."""
    world, kills = scene.world, 2 if scene.short else 5
    world.start_gateway("first", key=scene.key, delay=0.1)
    world.start_all()
    crowd = scene.crowd()
    for share in shares(scene.n, kills):
        add_until_in_mid_send(crowd, share)
        world.kill("redis")
        time.sleep(1 if scene.short else 3)
        world.start_redis()
    seconds = crowd.wait_until_final(FINAL_WITHIN)
    verdict = crowd.verdict(f"Redis killed and restarted {kills} ×, empty", scene.gateway, seconds, key=scene.key)
    if ended := world.restarts["worker"]:
        verdict.remark = f"the worker gave up and was started again {ended} ×"
    return verdict


def redis_frozen(scene: Scene) -> Verdict:
    """SIGSTOP Redis; meanwhile citizens ask for codes on the pages."""
    world, seconds = scene.world, 6.0 if scene.short else 60.0
    world.env["LIMIT_POSTS_PER_ADDRESS"] = "100000"  # all these people sit behind one address
    world.start_gateway("first", key=scene.key, delay=0.05)
    world.start_all()
    world.start_web()
    crowd = scene.crowd(MessageKind.CODE)
    world.signal("redis", signal.SIGSTOP)
    try:
        people = visit(world, scene.n, seconds)
    finally:
        world.signal("redis", signal.SIGCONT)
    crowd.created = len(people)
    verdict = crowd.verdict(
        f"Redis frozen for {seconds:.0f} s", scene.gateway, crowd.wait_until_final(FINAL_WITHIN), key=scene.key
    )
    verdict.slowest_page = max(person.slowest for person in people)
    verdict.demand(verdict.slowest_page < 3, f"slowest page {verdict.slowest_page:.1f} s")
    return verdict


def visit(world: World, count: int, seconds: float) -> list[Person]:
    """`count` different people do step one, spread over `seconds`; Lost is raised if one is not asked for the code."""
    began, home = time.monotonic(), Home(world.home, world.env)

    def one(number: int) -> Person:
        time.sleep(max(0.0, began + seconds * number / count - time.monotonic()))
        person = Person(f"http://127.0.0.1:{world.web_port}", home)
        step_one(person, somebody(number))
        return person

    with ThreadPoolExecutor(8) as browsers:
        return list(browsers.map(one, range(count)))


def postgres_restarted(scene: Scene) -> Verdict:
    """Stop PostgreSQL, once in order and once as in a crash, while messages are queued and sent."""
    world, postgres, pause = scene.world, scene.postgres, 2.0 if scene.short else 8.0
    if postgres is None:
        raise RuntimeError("this fault needs a PostgreSQL of its own")
    world.start_gateway("first", key=scene.key, delay=0.3)
    world.start_all()
    crowd = scene.crowd()
    adding = threading.Thread(target=crowd.add, args=(scene.n,), kwargs={"seconds": 3 * pause})
    adding.start()
    for how in (signal.SIGINT, signal.SIGQUIT):
        time.sleep(pause)
        postgres.stop(how)
        time.sleep(1)
        postgres.start()
    adding.join()
    seconds = crowd.wait_until_final(FINAL_WITHIN)
    return crowd.verdict("PostgreSQL restarted, then crashed", scene.gateway, seconds, key=scene.key)


def first_refuses(scene: Scene) -> Verdict:
    """Nobody listens where the first gateway should be."""
    scene.world.configure_gateway("first", key=scene.key)
    return _by_the_second(scene, "first gateway refuses, whole run")


def first_says_later(scene: Scene) -> Verdict:
    scene.world.start_gateway("first", key=scene.key, behaviour="try-later")
    return _by_the_second(scene, "first gateway says “try later”, whole run")


def _by_the_second(scene: Scene, fault: str) -> Verdict:
    scene.world.start_gateway("second", key=scene.key, delay=0.05)
    scene.world.start_all()
    crowd = scene.crowd(MessageKind.CODE)
    crowd.add(scene.n, seconds=3 if scene.short else 20)
    verdict = crowd.verdict(fault, scene.gateway, crowd.wait_until_final(FINAL_WITHIN), key=scene.key)
    times = acceptance_times(MessageKind.CODE)
    in_time = times[int(len(times) * 0.95) - 1] if times else float("inf")
    by_second = Message.objects.filter(gateway="second").count()
    verdict.demand(by_second == scene.n, f"only {by_second} went by the second")
    verdict.demand(in_time <= CODE_WITHIN, f"95 % within {in_time:.1f} s")
    verdict.remark = f"95 % of codes within {in_time:.1f} s"
    return verdict


def drops(scene: Scene) -> Verdict:
    """The gateway takes the message and closes the connection without a word, one time in ten."""
    scene.world.start_gateway("first", key=scene.key, behaviour="ok=0.9,drop=0.1", delay=0.02)
    scene.world.start_all()
    crowd = scene.crowd()
    crowd.add(scene.n)
    seconds = crowd.wait_until_final(180)
    return crowd.verdict("accepts, then drops the connection, 10 %", scene.gateway, seconds, key=scene.key)


def repeated(scene: Scene) -> Verdict:
    """Three requests queue the same message at once, and its hint arrives five times at two workers."""
    world = scene.world
    world.start_gateway("first", key=scene.key, delay=0.02)
    world.start_all()
    world.start_worker("worker2")
    crowd = scene.crowd()
    with ThreadPoolExecutor(3) as requests:
        for number in range(scene.n):
            list(requests.map(lambda _, number=number: crowd.queue(number), range(3)))
            for _ in range(4):  # one came with the message
                app.send_task("sms.drain", ignore_result=True, expires=60)
    crowd.created = scene.n
    verdict = crowd.verdict(
        "each hint 5 ×, each enqueue 3 ×", scene.gateway, crowd.wait_until_final(FINAL_WITHIN), key=True
    )
    verdict.demand(crowd.submissions() == scene.n, f"{crowd.submissions()} submissions")
    return verdict


def too_late(scene: Scene) -> Verdict:
    """Half of the codes end while no worker runs, half while the gateway says "try later"; then it is well again."""
    world, life = scene.world, timedelta(seconds=5 if scene.short else 30)
    world.start_gateway("first", key=scene.key, behaviour="try-later")
    world.start_redis()
    world.start_beat()
    crowd = scene.crowd(MessageKind.CODE)
    crowd.add(scene.n // 2, life=life)
    time.sleep(life.total_seconds())
    world.start_worker()
    crowd.add(scene.n - scene.n // 2, life=life)
    time.sleep(life.total_seconds())
    world.ask_gateway("first", "behaviour?set=ok")
    seconds = crowd.wait_until_final(FINAL_WITHIN)
    verdict = crowd.verdict("a code not accepted in its time", scene.gateway, seconds, key=scene.key)
    verdict.demand(verdict.states == {MessageState.EXPIRED: scene.n}, f"not all expired: {verdict.states}")
    verdict.demand(not crowd.phones(), "phones got some")
    return verdict


MANNERS = {"plain": "three", "backwards": "three,reversed", "early": "three,reversed,early"}


def receipts(scene: Scene) -> Verdict:
    """Three gateways report all of it three times: in order, last stage first, and before they answer the send."""
    world = scene.world
    for name, manner in MANNERS.items():
        world.start_gateway(name, key=scene.key, delay=0.1, receipts=f"{manner},undelivered=0.1")
    world.env["SMS_ROUTES"] = f"*:{'+'.join(f'{name}=1' for name in MANNERS)}"
    world.start_all()
    world.start_web()
    crowd = scene.crowd(receipts=True)
    crowd.add(scene.n)
    seconds = crowd.wait_until_final(FINAL_WITHIN)
    reports = 2 * 3 * scene.n
    until(lambda: reported(world) >= reports, f"only {reported(world)} of {reports} receipts were answered", 60)
    until(lambda: not Receipt.objects.filter(next_attempt_at__isnull=False).exists(), "receipts are left over", 60)
    verdict = crowd.verdict("receipts 3 ×, reversed, early", scene.gateway, seconds, key=scene.key)
    truth = {line["to"][-10:]: is_delivered(line["id"]) for line in crowd.lines()}
    rows = Message.objects.values_list("to", "state")
    wrong = [to for to, state in rows if (state == MessageState.DELIVERED) is not truth[to[-10:]]]
    verdict.demand(not wrong, f"{len(wrong)} in the wrong final state")
    return verdict


def reported(world: World) -> int:
    return sum(world.ask_gateway(name, "summary")["receipt_answers"] for name in MANNERS)


def is_delivered(provider_id: int) -> bool:
    """How tests/sms_stubs decides it, with undelivered=0.1."""
    return provider_id * 7919 % 1000 >= 100


ROWS: dict[str, Callable[[Scene], Verdict]] = {
    "worker": worker_killed,
    "pool": pool_killed,
    "redis": redis_killed,
    "frozen": redis_frozen,
    "postgres": postgres_restarted,
    "refuses": first_refuses,
    "later": first_says_later,
    "drops": drops,
    "repeated": repeated,
    "late": too_late,
    "receipts": receipts,
}


def shares(n: int, parts: int) -> list[int]:
    return [n * (part + 1) // parts - n * part // parts for part in range(parts)]


def add_until_in_mid_send(crowd: Crowd, count: int) -> None:
    """Queue `count` more and return as soon as gateways were given some of them."""
    before = crowd.submissions()
    crowd.add(count)
    until(lambda: crowd.submissions() > before, "nothing is sent any more", 60, every=0.02)


def children(pid: int) -> list[int]:
    """The processes that `pid` forked; none if it ended."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
