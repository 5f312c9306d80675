"""Redis: which certificate is taken, and that its absence is said and costs nothing."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from django.conf import settings as portal_settings
from django.test import Client

from common import broker, limits
from common.redis_url import completed, takes_any_certificate
from tamin_portal.celery import app


@pytest.mark.parametrize(
    ("url", "as_read"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis+socket:///run/redis.sock", "redis+socket:///run/redis.sock"),
        ("rediss://h/0", "rediss://h/0?ssl_cert_reqs=required&ssl_check_hostname=true"),
        (
            "rediss://u:p%40@h:1/2?ssl_cert_reqs=none",
            "rediss://u:p%40@h:1/2?ssl_cert_reqs=none&ssl_check_hostname=true",
        ),
        (
            "rediss://h;redis://g; rediss://i",
            "rediss://h?ssl_cert_reqs=required&ssl_check_hostname=true;redis://g;"
            "rediss://i?ssl_cert_reqs=required&ssl_check_hostname=true",
        ),
    ],
)
def test_a_certificate_is_required_unless_the_url_says_otherwise(url, as_read):
    assert completed(url) == as_read


def test_an_authority_of_ones_own_is_a_setting_and_the_url_wins():
    assert "ssl_ca_certs=/etc/ca.pem" in completed("rediss://h/0", ca="/etc/ca.pem")
    assert "ssl_ca_certs=/mine" in completed("rediss://h/0?ssl_ca_certs=/mine", ca="/etc/ca.pem")
    assert completed("redis://h/0", ca="/etc/ca.pem") == "redis://h/0"


@pytest.mark.parametrize(
    ("words", "any_one"),
    [
        ("", False),
        ("?ssl_cert_reqs=CERT_REQUIRED", False),
        ("?ssl_cert_reqs=none", True),
        ("?ssl_cert_reqs=optional", True),
        ("?ssl_check_hostname=False", True),
    ],
)
def test_what_takes_any_certificate_is_known(words, any_one):
    assert takes_any_certificate(completed(f"rediss://h/0{words}")) is any_one


@pytest.mark.django_db
def test_readiness_names_a_redis_that_is_away_and_stays_200(monkeypatch):
    monkeypatch.setattr(app.conf, "broker_read_url", "redis://:hidden@127.0.0.1:1/0")
    monkeypatch.setattr(app.conf, "broker_write_url", "redis://:hidden@127.0.0.1:1/0")
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.content.decode().startswith("degraded: redis (")
    assert "hidden" not in answer.content.decode()


def test_a_redis_that_hangs_costs_one_look_a_second_or_two(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        monkeypatch.setattr(app.conf, "broker_write_url", url)
        began = time.monotonic()
        assert broker.fault()
        assert time.monotonic() - began < 8  # a limit against hanging, not a measurement
        began = time.monotonic()
        for _ in range(100):
            assert broker.fault()
        assert time.monotonic() - began < 1


def test_while_one_asks_the_others_take_the_last_answer(monkeypatch):
    asked, go_on = threading.Event(), threading.Event()

    def ask() -> str:
        asked.set()
        go_on.wait(20)
        return "TimeoutError"

    monkeypatch.setattr(broker, "_ask", ask)
    thread = threading.Thread(target=broker.fault)
    thread.start()
    assert asked.wait(10)
    assert broker.fault() == ""
    go_on.set()
    thread.join(10)
    assert broker.fault() == "TimeoutError"
    assert limits.BROKER_ASKED_EVERY.total_seconds() > 1


def test_the_settings_read_it_so():
    assert completed(portal_settings.REDIS_URL) == portal_settings.CELERY_BROKER_URL
