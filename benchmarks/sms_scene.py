"""What each row of the table of faults is given: the running portal, the number of messages. Needs Django set up."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.databases import PrivatePostgres
from benchmarks.sms_crowd import Crowd
from benchmarks.sms_world import World, until
from sms.models import MessageKind

FINAL_WITHIN = 90.0  # seconds after the last kill
WORKERS = ("worker", "receipts")  # all that send SMS or hear of them, of World.start_all


@dataclass(frozen=True)
class Scene:
    """`kind` of the gateways, of which only kavenegar knows a client key. `short`: a short form, for the tests."""

    world: World
    n: int
    kind: str
    short: bool
    postgres: PrivatePostgres | None = None

    @property
    def key(self) -> bool:
        return self.kind == "kavenegar"

    @property
    def gateway(self) -> str:
        return {"kavenegar": "key", "http": "no key"}.get(self.kind, self.kind)

    def crowd(self, *kinds: MessageKind, receipts: bool = False, long: bool = False) -> Crowd:
        """`receipts`: gateways push them. `long`: results of several parts."""
        logs = sorted(self.world.home.glob("*.submissions"))
        kinds = kinds or (MessageKind.CODE, MessageKind.RESULT)
        return Crowd(logs, kinds, receipts=self.key or receipts, long=long)


def shares(n: int, parts: int) -> list[int]:
    return [n * (part + 1) // parts - n * part // parts for part in range(parts)]


def add_until_in_mid_send(crowd: Crowd, count: int) -> None:
    """Queue `count` more and return as soon as gateways were given some of them."""
    before = crowd.submissions()
    crowd.add(count)
    until(lambda: crowd.submissions() > before, "nothing is sent any more", 60, every=0.02)


def kill_now_and_then(
    scene: Scene, crowd: Crowd, names: Sequence[str], kills: int, within: float = FINAL_WITHIN
) -> float:
    """SIGKILL `names` while messages are in mid-send, `kills` times; the seconds from the last until all are final."""
    for share in shares(scene.n, kills):
        add_until_in_mid_send(crowd, share)
        time.sleep(0.1)  # into the middle: some are answered, some are not
        for name in names:
            scene.world.kill(name)
    return crowd.wait_until_final(within)
