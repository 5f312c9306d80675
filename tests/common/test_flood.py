"""The benchmark of floods in its short form, and whether the portal does what its model says."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from benchmarks.flood_model import HOUR, Flood, Honest, Machine, World
from common import limits
from common.abuse.conduct import Kind
from common.abuse.origins import origin_of
from registration.services import journey
from sms.models import Message
from tests.support.citizens import national_id
from tests.support.paths import ROOT


@pytest.mark.faults
@pytest.mark.parametrize("kind", [Kind.CODE, Kind.PASSWORD])
@pytest.mark.parametrize("addresses", [1, 100, 1_000])
def test_a_flood_costs_little_and_the_honest_hardly_notice(kind, addresses):
    world = World(kind, Flood(20_000, addresses), honest=Honest(), machine=Machine()).run()
    calm, pressed = world.calm, world.pressed
    assert (calm.noticed, calm.p95()) == (0, 0)
    assert pressed.p95() <= 5
    assert pressed.shut_out == 0
    assert pressed.alarm_after is not None
    assert pressed.caused <= limits.CONDUCT_FLOORS["population"][1] + 60 * limits.TURNS_PER_MINUTE[str(kind)]


@pytest.mark.django_db(transaction=True)
def test_the_portal_sends_what_the_model_says(monkeypatch):
    monkeypatch.setitem(limits.CONDUCT_FLOORS, "address", (2, 4))
    monkeypatch.setitem(limits.CONDUCT_FRESH_TIMES, "address", 2)
    requests, start = 40, datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(requests):
        now = start + timedelta(seconds=HOUR + HOUR * number / requests)
        monkeypatch.setattr(timezone, "now", lambda now=now: now)
        journey.start(
            national_id=national_id(number),
            mobile=f"+98912{number:03}0000",
            operator="mci",
            asker=f"session {number}",
            origin=origin_of("198.51.100.1"),
        )
    world = World(Kind.CODE, Flood(requests, 1), honest=Honest(people=0), machine=Machine()).run()
    assert Message.objects.count() == world.pressed.caused - world.pressed.by_turn
    assert 0 < Message.objects.count() < requests / 2


@pytest.mark.faults
def test_the_benchmark_runs_in_its_short_form():
    program = ROOT / "benchmarks" / "flood.py"
    done = subprocess.run(
        [sys.executable, program, "--short"], capture_output=True, text=True, timeout=300, check=False
    )
    rows = [line for line in done.stdout.splitlines() if line.startswith(("SMS", "hashes"))]
    assert len(rows) == 18, done.stderr
