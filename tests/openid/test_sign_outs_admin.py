"""Administrators see how each service takes its sign-outs; nobody sees whose they were, or changes any."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from common import alarms
from common.models import AlarmCode
from openid.logout import standing
from openid.models import LogoutNotice, LogoutState
from tests.support import openid
from tests.support.accounts import clerk

pytestmark = pytest.mark.django_db
LIST = "/admin/openid/logoutnotice/"
HEARS = {"backchannel_logout_uri": "https://service.example.ir/logout"}


def notice(service, **changes):
    facts = {"sid": "5e" * 16, "subject": "pairwise-subject", "reason": "signed_out"}
    return LogoutNotice.objects.create(service=service, **facts, **({"next_attempt_at": timezone.now()} | changes))


@pytest.fixture
def services():
    good, bad = (openid.service(name=name, **HEARS).row for name in ("بیمه", "درمان"))
    openid.service(name="بی‌خبر")
    final = {"final_at": timezone.now(), "next_attempt_at": None}
    notice(good, state=LogoutState.TOLD, **final)
    notice(bad, last_error="no answer: time-out", attempts=3)
    notice(bad)
    notice(bad, state=LogoutState.GIVEN_UP, last_error="http 400", **final)
    alarms.sound(AlarmCode.LOGOUT, bad.client_id)
    return good, bad


def test_each_service_has_its_line(services):
    good, bad = standing.look()
    assert (good.service, good.waiting, good.given_up, good.error, good.has_alarm) == (services[0], 0, 0, "", False)
    assert good.told_at
    assert (bad.service, bad.waiting, bad.given_up, bad.has_alarm) == (services[1], 2, 1, True)
    assert (bad.error, bad.told_at) == ("no answer: time-out", None)
    assert bad.since


def test_an_administrator_reads_it_and_changes_nothing(services, boss):
    page = boss.get(LIST).content.decode()
    assert "درمان" in page
    heads = [text for text in re.findall(r"<th\b[^>]*>(.*?)</th>", page, re.S) if "سرویس متصل" in text]
    assert len(heads) == 2, "one word for a service, above and in the list"
    assert "no answer: time-out" in page
    first = LogoutNotice.objects.first()
    pages = page + boss.get(f"{LIST}{first.pk}/change/").content.decode()
    assert first.sid not in pages
    assert first.subject not in pages
    assert boss.get(f"{LIST}add/").status_code == 403
    assert boss.post(f"{LIST}{first.pk}/change/", {"state": "told"}).status_code == 403
    assert boss.post(f"{LIST}{first.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_clerk_sees_nothing_of_it(services):
    client = Client()
    client.force_login(clerk(), backend="accounts.backends.StaffBackend")
    assert client.get(LIST).status_code == 403
