"""Maintenance as an administrator switches it: a command in one process, every process of a running web follows."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from common import limits
from tests.support.live import wait_for
from tests.support.live_web import Web, web
from tests.support.paths import ROOT

pytestmark = pytest.mark.faults
AT_ONCE = 12  # requests in a row: each of two processes gets some


def status_of(place: Web, path: str = "/portal/registration") -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{place.port}{path}", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def command(place: Web, *arguments: str) -> None:
    command = [sys.executable, "manage.py", "maintenance", *arguments]
    subprocess.run(command, cwd=ROOT, env=place.env, check=True, capture_output=True, timeout=60)


def all_say(place: Web, status: int) -> bool:
    return {status_of(place) for _ in range(AT_ONCE)} == {status}


def test_every_process_follows_within_seconds(tmp_path: Path) -> None:
    with web(tmp_path, WEB_WORKERS="2") as place:
        assert all_say(place, 200)
        until = timezone.localtime(timezone.now() + timedelta(hours=1)).strftime("%Y-%m-%d %H:%M")
        command(place, "on", "--until", until)
        within = limits.MAINTENANCE_SEEN_WITHIN.total_seconds() + 5
        wait_for(lambda: all_say(place, 503), seconds=within)
        assert (
            status_of(place, "/admin/login/") == status_of(place, "/readyz") == status_of(place, "/portal/guide") == 200
        )
        place.stop()
        place.start()
        assert all_say(place, 503)  # a new process knows it from its first answer on
        command(place, "off")
        wait_for(lambda: all_say(place, 200), seconds=within)
