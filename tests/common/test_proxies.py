"""A proxy that is not trusted is noticed: all citizens would have its address."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from common import alarms, limits
from common.addresses import is_private
from common.models import AlarmCode, PostCount
from tamin_portal import proxies
from tamin_portal.tasks import watch

pytestmark = pytest.mark.django_db
PRIVATE, OTHER, PUBLIC = "172.18.0.1", "10.1.2.3", "203.0.113.9"


@pytest.fixture(autouse=True)
def real_service(settings, monkeypatch):
    settings.DEMO = False
    monkeypatch.setattr(limits, "ONE_ADDRESS_POSTS", 5)


def posts(address: str, times: int = 1) -> None:
    for _ in range(times):
        Client(REMOTE_ADDR=address).post("/nowhere")


def stands() -> bool:
    watch()
    return [alarm.code for alarm in alarms.standing("portal")] == [AlarmCode.PROXIES]


def test_many_requests_from_one_private_address_are_an_alarm_that_says_what_to_set(caplog):
    posts(PRIVATE, 5)
    assert stands()
    [line] = [each.getMessage() for each in caplog.records if each.getMessage().startswith("alarm portal.proxies")]
    assert "all 5 POSTs of 30 minutes" in line
    assert "set TRUSTED_PROXIES" in line
    assert PRIVATE not in line


def test_it_is_over_when_a_citizen_has_an_address_of_the_own():
    posts(PRIVATE, 5)
    assert stands()
    posts(PUBLIC)
    assert not stands()


@pytest.mark.parametrize(
    "sent",
    [
        [(PRIVATE, 4)],  # a colleague at night
        [(PUBLIC, 9)],  # a carrier's NAT
        [(PRIVATE, 9), (OTHER, 1)],
        [(PRIVATE, 9), (PUBLIC, 1)],
        [],
    ],
)
def test_ordinary_service_is_no_alarm(sent):
    for address, times in sent:
        posts(address, times)
    assert not stands()


def test_what_is_long_ago_does_not_count():
    posts(PRIVATE, 5)
    later = timezone.now() + limits.ONE_ADDRESS_WITHIN + timedelta(minutes=2)
    assert proxies.posts_of_one_private_address(later) == 0


def test_a_demo_has_one_address_and_no_alarm(settings):
    settings.DEMO = True
    posts("127.0.0.1", 9)
    assert not stands()


def test_a_look_costs_two_statements_at_most(django_assert_max_num_queries):
    posts(PRIVATE, 5)
    with django_assert_max_num_queries(2):
        proxies.posts_of_one_private_address()
    posts(PUBLIC)
    with django_assert_max_num_queries(1):
        proxies.posts_of_one_private_address()


def test_a_check_says_it_too(settings, capsys):
    posts(PRIVATE, 5)
    [found] = [each for each in run_checks(databases=["default"], tags=["portal"]) if each.id == "portal.W032"]
    assert "came from one private address" in found.msg
    posts(OTHER)
    assert "portal.W032" not in {each.id for each in run_checks(databases=["default"], tags=["portal"])}
    settings.DEMO = True
    call_command("check", databases=["default"])


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("10.0.0.7", True),
        ("172.31.255.1", True),
        ("172.32.0.1", False),
        ("192.168.1.1", True),
        ("127.0.0.1", True),
        ("fd00:1:2:3::/64", True),
        ("fe80::/64", True),
        ("::/64", True),
        ("100.64.0.1", False),
        ("203.0.113.9", False),
        ("2001:db8:1:2::/64", False),
        ("local", True),
    ],
)
def test_which_addresses_are_private(address, private):
    assert is_private(address) == private


def test_the_brake_counts_what_it_counted_before():
    posts(PRIVATE, 2)
    posts(PUBLIC)
    assert sorted(PostCount.objects.values_list("posts", "private")) == [(1, False), (2, True)]


@pytest.mark.parametrize(
    ("peer", "trusted", "secure"),
    [("10.0.0.7", ["10.0.0.7"], True), ("10.0.0.8", ["10.0.0.7"], False), ("203.0.113.9", [], False)],
)
def test_https_is_believed_from_a_trusted_proxy_only(settings, peer, trusted, secure):
    settings.TRUSTED_PROXIES, settings.SECURE_SSL_REDIRECT = trusted, True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    answer = Client(REMOTE_ADDR=peer, HTTP_X_FORWARDED_PROTO="https").get("/portal/")
    assert (answer.status_code == 301) == (not secure)
