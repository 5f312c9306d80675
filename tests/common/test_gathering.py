"""What is gathered in a process is written together, once, by itself, and outlasts a database that is away."""

from __future__ import annotations

import operator
import os
import subprocess
import sys
import time

import pytest
from django.db import OperationalError
from django.utils import timezone

from common.gathering import Gathered, one_by_one
from openid import usage
from openid.models import Usage
from tests.support import openid
from tests.support.accounts import together

NEVER = 3600.0


def counts(write) -> Gathered[str, int]:
    return Gathered("counts", operator.add, one_by_one("counts", write))


def test_what_is_counted_is_written_together_and_once():
    written: list[tuple[str, int]] = []
    gathered = counts(lambda key, count: written.append((key, count)))

    together(lambda number: [gathered.add(f"a{number % 2}", 1, within=NEVER) for _ in range(500)], 8)
    assert not written
    gathered.write()
    gathered.write()

    assert sorted(written) == [("a0", 2000), ("a1", 2000)]


def test_it_is_written_by_itself_and_goes_on_after_an_outage():
    written: list[tuple[str, int]] = []
    outages = [OperationalError("away"), OperationalError("away")]

    def write(key: str, count: int) -> None:
        if outages:
            raise outages.pop()
        written.append((key, count))

    gathered = counts(write)
    gathered.add("a", 1, within=0.01)
    gathered.add("a", 1, within=0.01)
    eventually(lambda: written == [("a", 2)])
    gathered.add("a", 1, within=0.01)
    eventually(lambda: written == [("a", 2), ("a", 1)])


def test_a_count_fails_no_request_for_want_of_a_thread_and_the_next_one_finds_its_own(monkeypatch, caplog):
    def no_thread(_self) -> None:
        raise RuntimeError("can't start new thread")

    written: list[tuple[str, int]] = []
    gathered = counts(lambda key, count: written.append((key, count)))
    with monkeypatch.context() as full:
        full.setattr("threading.Timer.start", no_thread)
        gathered.add("a", 1, within=0.01)
    gathered.add("a", 1, within=0.01)

    eventually(lambda: written == [("a", 2)])
    assert "counts wait for a thread" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_use_of_a_service_is_in_the_table_some_seconds_later(settings, monkeypatch):
    monkeypatch.setattr(usage, "_gathered", usage.gathered())
    settings.OPENID_USAGE_WRITTEN_WITHIN = NEVER
    row, today = openid.service().row, timezone.localdate()

    for what in ("token", "token", "error:invalid_grant"):
        usage.count(row, what)
    assert usage.of(row, days=1) == {today: {"error:invalid_grant": 1}}  # an error is looked for at once
    usage._gathered.write()
    assert usage.of(row, days=1) == {today: {"error:invalid_grant": 1, "token": 2}}


@pytest.mark.django_db(transaction=True)
def test_a_service_that_is_gone_loses_its_counts_and_nobody_elses(settings, monkeypatch, caplog):
    monkeypatch.setattr(usage, "_gathered", usage.gathered())
    settings.OPENID_USAGE_WRITTEN_WITHIN = NEVER
    gone, row = openid.service().row, openid.service().row
    for service in (gone, row):
        usage.count(service, "token")
    gone.delete()

    usage._gathered.write()

    assert list(Usage.objects.values_list("service", "count")) == [(row.pk, 1)]
    assert "uses of services: 1 is not written: IntegrityError" in caplog.text


def test_a_process_that_ends_in_order_writes_what_it_has_and_one_that_was_forked_writes_nothing_twice():
    program = """
import os, sys
import django; django.setup()
from common.gathering import Gathered, one_by_one
gathered = Gathered("counts", int.__add__, one_by_one("counts", lambda key, count: print(key, count, flush=True)))
gathered.add("a", 1, within=3600)
if os.fork() == 0:
    sys.exit(0)
os.wait()
sys.exit(0)
"""
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "a 1\n", done.stderr


def eventually(found) -> None:
    for _ in range(500):
        if found():
            return
        time.sleep(0.01)
    pytest.fail("it did not happen within five seconds")
