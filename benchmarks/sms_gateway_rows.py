"""Faults of gateways: each row starts what it needs, and returns its verdict. Needs Django set up."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from benchmarks.sms_crowd import Verdict, codes_within
from benchmarks.sms_scene import FINAL_WITHIN, WORKERS, Scene, kill_now_and_then, shares
from benchmarks.sms_world import World, until
from sms.models import Message, MessageKind, MessageState, Part, Receipt

CODE_WITHIN = 10.0  # seconds, 95 of 100 codes, while the first gateway is away
# Seconds: results wait for 5 minutes after their fourth try, breakers for as long, and receipts for their turn.
BACK_OFF_WITHIN = 500.0
MOSTLY_CODES = (*[MessageKind.CODE] * 9, MessageKind.RESULT)


# ── The first gateway certainly takes nothing


def first_refuses(scene: Scene) -> Verdict:
    """Nobody listens where the first gateway should be."""
    scene.world.configure_gateway("first", kind=scene.kind)
    return _by_the_second(scene, "first gateway refuses, whole run")


def first_says_later(scene: Scene) -> Verdict:
    scene.world.start_gateway("first", kind=scene.kind, behaviour="try-later")
    return _by_the_second(scene, "first gateway says “try later”, whole run")


def _by_the_second(scene: Scene, fault: str) -> Verdict:
    scene.world.start_gateway("second", kind=scene.kind, delay=0.05)
    scene.world.start_all()
    crowd = scene.crowd(MessageKind.CODE)
    crowd.add(scene.n, seconds=3 if scene.short else 20)
    verdict = crowd.verdict(fault, scene.gateway, crowd.wait_until_final(FINAL_WITHIN), key=scene.key)
    by_second = Message.objects.filter(gateway="second").count()
    verdict.demand(by_second == scene.n, f"only {by_second} went by the second")
    _demand_codes_in_time(verdict, codes_within(0.95))
    return verdict


def _demand_codes_in_time(verdict: Verdict, seconds: float) -> None:
    verdict.remark = f"95 % of codes within {seconds:.1f} s"
    verdict.demand(seconds <= CODE_WITHIN, verdict.remark)


# ── The first gateway leaves us in doubt, and is well again later


def first_sick(scene: Scene, *, fault: str, behaviour: str) -> Verdict:
    """What it was given while it was sick is in doubt; every other code goes by the second, and in time."""
    world, patience = scene.world, 3 if scene.short else 15  # seconds: our time-out
    few = 2 if scene.short else 20
    world.start_gateway("first", kind=scene.kind, connections=few, behaviour=behaviour, late=patience + 3)
    world.start_gateway("second", kind=scene.kind, delay=0.05)
    world.start_all()
    crowd = scene.crowd(*MOSTLY_CODES)
    crowd.add(scene.n, seconds=5 if scene.short else 20)
    time.sleep(patience + 5)
    in_time, given = codes_within(0.95), crowd.given_to("first")
    world.ask_gateway("first", "behaviour?set=ok")
    seconds = crowd.wait_until_final(60 if scene.short else BACK_OFF_WITHIN)
    verdict = crowd.verdict(fault, scene.gateway, seconds, key=scene.key)
    _demand_codes_in_time(verdict, in_time)
    verdict.remark += f"; the first was given {len(given)}"
    verdict.demand(bool(given), "the first was given none")
    left = Message.objects.filter(state=MessageState.UNKNOWN).values_list("to", flat=True)
    strange = [to for to in left if to[-10:] not in crowd.given_to("first")]
    verdict.demand(not strange, f"{len(strange)} are called unknown, and the first never had them")
    return verdict


SICK = {
    "hangs": ("first gateway takes the connection and hangs", "hang"),
    "drips": ("first gateway answers a byte a second", "drip"),
    "fails": ("first gateway answers 500", "500"),
    "tardy": ("first gateway answers after our time-out", "late"),
    "resets": ("first gateway resets, half of it after taking it", "reset=0.5,reset-half=0.5"),
}


def drops(scene: Scene) -> Verdict:
    """The gateway takes the message and closes the connection without a word, one time in ten."""
    scene.world.start_gateway("first", kind=scene.kind, behaviour="ok=0.9,drop=0.1", delay=0.02)
    scene.world.start_all()
    crowd = scene.crowd()
    crowd.add(scene.n)
    seconds = crowd.wait_until_final(180)
    verdict = crowd.verdict("accepts, then drops the connection, 10 %", scene.gateway, seconds, key=scene.key)
    verdict.demand_some_in_mid_send()
    return verdict


# ── Receipts

MANNERS = {"plain": "three", "backwards": "three,reversed", "early": "three,reversed,early"}


def receipts(scene: Scene) -> Verdict:
    """Three gateways report all of it three times: in order, last stage first, and before they answer the send."""
    world = scene.world
    for name, manner in MANNERS.items():
        world.start_gateway(name, kind=scene.kind, delay=0.1, receipts=f"{manner},undelivered=0.1")
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


# ── SMPP


def smpp_long(scene: Scene) -> Verdict:
    """Results of five parts beside codes, each part with its receipts; nothing is broken."""
    scene.world.start_gateway("first", kind=scene.kind, delay=0.02, receipts="once")
    scene.world.start_all()
    crowd = scene.crowd(receipts=True, long=True)
    crowd.add(scene.n)
    seconds = crowd.wait_until_final(300)
    verdict = crowd.verdict("long messages over SMPP, a receipt for each part", scene.gateway, seconds, key=True)
    verdict.demand(verdict.states == {MessageState.DELIVERED: scene.n}, f"not all delivered: {verdict.states}")
    verdict.remark = f"{Part.objects.count()} parts of long ones"
    verdict.demand(bool(Part.objects.count()), "none was long")
    return verdict


def smsc_killed(scene: Scene) -> Verdict:
    """SIGKILL an SMSC now and then while long messages are sent. Started again, it remembers the receipts it owes."""
    kills = 2 if scene.short else 5
    scene.world.start_gateway("first", kind=scene.kind, delay=0.1, receipts="once", again=True)
    scene.world.start_all()
    crowd = scene.crowd(receipts=True, long=True)
    for share in shares(scene.n, kills):
        crowd.add(share, seconds=2 if scene.short else 10)
        scene.world.kill("first")
    seconds = crowd.wait_until_final(BACK_OFF_WITHIN)
    verdict = crowd.verdict(f"SIGKILL the SMSC {kills} ×", scene.gateway, seconds, key=scene.key)
    verdict.demand_some_in_mid_send()
    return verdict


def bound_worker_killed(scene: Scene) -> Verdict:
    """SIGKILL the whole worker while long messages are in mid-send; the SMSC says again what was not acknowledged."""
    kills = 2 if scene.short else 10
    scene.world.start_gateway("first", kind=scene.kind, delay=0.1, receipts="once")
    scene.world.start_all()
    crowd = scene.crowd(receipts=True, long=True)
    seconds = kill_now_and_then(scene, crowd, WORKERS, kills, BACK_OFF_WITHIN)
    fault = f"SIGKILL the whole worker, bound to an SMSC {kills} ×"
    verdict = crowd.verdict(fault, scene.gateway, seconds, key=scene.key)
    verdict.demand_some_in_mid_send()
    return verdict


ROWS: dict[str, Callable[[Scene], Verdict]] = {
    "refuses": first_refuses,
    "later": first_says_later,
    **{name: partial(first_sick, fault=fault, behaviour=behaviour) for name, (fault, behaviour) in SICK.items()},
    "drops": drops,
    "receipts": receipts,
    "long": smpp_long,
    "peer": smsc_killed,
    "bind": bound_worker_killed,
}
