"""What Django keeps for a request is kept by thread: the language, the time zone, the address' prefix, connections."""

from __future__ import annotations

import threading
import zoneinfo
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.urls import base
from django.utils import timezone, translation
from django.utils.translation import gettext, trans_real

from common import thread_locals

KEPT = [(trans_real, "_active"), (timezone, "_active"), (base, "_prefixes"), (base, "_urlconfs")]


@pytest.fixture
def together() -> threading.Barrier:
    return threading.Barrier(2, timeout=30)


def in_two_threads(work: Any, *given: Any) -> list[Any]:
    with ThreadPoolExecutor(2) as threads:
        return [each.result() for each in [threads.submit(work, value) for value in given]]


def test_each_thread_has_its_own_language(together):
    def said(language: str) -> str:
        with translation.override(language):
            together.wait()
            return gettext("National ID")

    assert in_two_threads(said, "fa", "en") == ["کد ملی", "National ID"]
    assert translation.get_language() == "fa"


def test_each_thread_has_its_own_time_zone(together):
    def zone(name: str) -> str:
        with timezone.override(zoneinfo.ZoneInfo(name)):
            together.wait()
            return timezone.get_current_timezone_name()

    assert in_two_threads(zone, "Asia/Tehran", "Europe/Berlin") == ["Asia/Tehran", "Europe/Berlin"]


def test_each_thread_has_its_own_connection(together):
    def connection(_number: int) -> int:
        kept = id(connections["default"])
        together.wait()
        return kept if kept == id(connections["default"]) else 0

    first, second = in_two_threads(connection, 1, 2)
    assert 0 not in (first, second)
    assert len({first, second, id(connections["default"])}) == 3


def test_the_names_are_those_that_django_reads():
    """Set in another module of another version, they would do nothing and nobody would see it."""
    base.set_script_prefix("/below/")
    base.set_urlconf("tamin_portal.urls")
    try:
        with translation.override("en"), timezone.override("UTC"):
            assert [bool(vars(getattr(holder, name))) for holder, name in KEPT] == [True] * len(KEPT)
            assert vars(connections._connections)["default"] is connections["default"]
    finally:
        base.set_script_prefix("/")
        base.set_urlconf(None)


def test_a_django_without_such_a_name_does_not_start(monkeypatch):
    monkeypatch.setattr(thread_locals, "_KEPT", ((trans_real, "_of_another_version"),))
    with pytest.raises(AttributeError):
        thread_locals.keep_by_thread()
