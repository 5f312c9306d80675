"""Faults of our own processes and servers: each row starts what it needs, breaks it, and returns its verdict.

Needs Django set up. Faults of gateways are in `benchmarks.sms_gateway_rows`.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from walker import Home, Person, step_one

from benchmarks.sms_crowd import Verdict
from benchmarks.sms_scene import FINAL_WITHIN, WORKERS, Scene, add_until_in_mid_send, kill_now_and_then, shares
from benchmarks.sms_world import World, until
from sms.models import MessageKind, MessageState
from tamin_portal.celery import app
from tests.support.live import somebody


def worker_killed(scene: Scene) -> Verdict:
    """SIGKILL the worker that sends and the one for receipts, while a gateway has messages in mid-send."""
    kills = 3 if scene.short else 10
    scene.world.start_gateway("first", kind=scene.kind, delay=0.3)
    scene.world.start_all()
    crowd = scene.crowd()
    seconds = kill_now_and_then(scene, crowd, WORKERS, kills)
    verdict = crowd.verdict(f"SIGKILL the whole worker {kills} ×", scene.gateway, seconds, key=scene.key)
    verdict.demand_some_in_mid_send()
    return verdict


def pool_killed(scene: Scene) -> Verdict:
    """SIGKILL the processes of a forking pool, again and again; their parent lives and forks new ones."""
    world, kills = scene.world, 8 if scene.short else 50
    world.start_gateway("first", kind=scene.kind, delay=0.3)
    world.start_all(pool="prefork")
    crowd, killed = scene.crowd(), 0
    for share in shares(scene.n, kills // 2):
        add_until_in_mid_send(crowd, share)
        until(lambda: len(pool_of(world)) > 1, "the pool has no two processes", 30)
        for child in pool_of(world)[:2]:  # which of the two sends is not known, so both
            os.kill(child, signal.SIGKILL)
            killed += 1
    seconds = crowd.wait_until_final(FINAL_WITHIN)
    verdict = crowd.verdict(f"SIGKILL processes of --pool=prefork {killed} ×", scene.gateway, seconds, key=scene.key)
    verdict.demand_some_in_mid_send()
    return verdict


def pool_of(world: World) -> list[int]:
    """The processes that the worker forked."""
    return children(world.processes["worker"].pid)


def redis_killed(scene: Scene) -> Verdict:
    """SIGKILL a Redis without persistence, and start it empty; messages are queued before and meanwhile."""
    world, kills = scene.world, 2 if scene.short else 5
    world.start_gateway("first", kind=scene.kind, delay=0.1)
    world.start_all()
    crowd = scene.crowd()
    for share in shares(scene.n, kills):
        add_until_in_mid_send(crowd, share // 2)
        world.kill("redis")
        crowd.add(share - share // 2, seconds=1 if scene.short else 3)
        world.start_redis()
    seconds = crowd.wait_until_final(FINAL_WITHIN)
    verdict = crowd.verdict(f"Redis killed and restarted {kills} ×, empty", scene.gateway, seconds, key=scene.key)
    if ended := world.restarts["worker"]:
        verdict.remark = f"the worker gave up and was started again {ended} ×"
    return verdict


def redis_frozen(scene: Scene) -> Verdict:
    """SIGSTOP Redis; meanwhile citizens ask for codes on the pages."""
    world, seconds = scene.world, 6.0 if scene.short else 60.0
    world.env["TRUSTED_PROXIES"] = "127.0.0.1"  # people of the whole country, not a flood from one address
    world.start_gateway("first", kind=scene.kind, delay=0.05)
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
    """`count` different people do step one, spread over `seconds`; Lost is raised if one is not asked for the code.

    Their numbers and addresses lie far apart: neighbours who ask for codes and use none are taken for a flood.
    """
    began, home = time.monotonic(), Home(world.home, world.env)

    def one(number: int) -> Person:
        time.sleep(max(0.0, began + seconds * number / count - time.monotonic()))
        apart = f"10.{number % 250}.{number // 250}.1"
        person = Person(f"http://127.0.0.1:{world.web_port}", home, address=apart)
        step_one(person, somebody(number * 9_973))
        return person

    with ThreadPoolExecutor(8) as browsers:
        return list(browsers.map(one, range(count)))


def postgres_restarted(scene: Scene) -> Verdict:
    """Stop PostgreSQL, once in order and once as in a crash, while messages are queued and sent."""
    world, postgres, pause = scene.world, scene.postgres, 2.0 if scene.short else 8.0
    if postgres is None:
        raise RuntimeError("this fault needs a PostgreSQL of its own")
    world.start_gateway("first", kind=scene.kind, delay=0.3)
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


def repeated(scene: Scene) -> Verdict:
    """Three requests queue the same message at once, and its hint arrives five times at two workers."""
    world = scene.world
    world.start_gateway("first", kind=scene.kind, delay=0.02)
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
    world.start_gateway("first", kind=scene.kind, behaviour="try-later")
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


ROWS: dict[str, Callable[[Scene], Verdict]] = {
    "worker": worker_killed,
    "pool": pool_killed,
    "redis": redis_killed,
    "frozen": redis_frozen,
    "postgres": postgres_restarted,
    "repeated": repeated,
    "late": too_late,
}


def children(pid: int) -> list[int]:
    """The processes that `pid` forked; none if it ended."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
