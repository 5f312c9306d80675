"""Maintenance: citizens see until when, staff work on, and no page asks the database for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from common import broker, limits, maintenance
from common.models import Maintenance
from common.persian import to_persian_digits
from common.sentences import jalali
from tests.support.accounts import administrator
from tests.support.commands import run
from tests.support.entrances import PAGE
from tests.support.journeys import URL, Browser, step_shown
from tests.support.pages import assert_fits_the_policy, text_of

pytestmark = pytest.mark.django_db
STATUS = "/portal/registration/status"


def until(after: timedelta = timedelta(hours=2)) -> str:
    return timezone.localtime(timezone.now() + after).strftime("%Y-%m-%d %H:%M")


@pytest.fixture
def closed() -> None:
    """It was switched on, and this process has seen it."""
    run("maintenance", "on", "--until", until())


def page_of(response: Any) -> str:
    assert response.status_code == 503
    html = response.content.decode()
    assert_fits_the_policy(html)
    return text_of(html)


@pytest.mark.parametrize("page", [URL, PAGE, STATUS, "/portal/home", "/portal/recovery", "/", "/nowhere"])
def test_citizens_are_told_until_when(closed: None, page: str) -> None:
    answer = Client().get(page)
    row = Maintenance.objects.get()
    said = page_of(answer)
    assert jalali(row.until) in said
    assert to_persian_digits(timezone.localtime(row.until).strftime("%H:%M")) in said
    assert timedelta(hours=1, minutes=55) < timedelta(seconds=int(answer["Retry-After"])) <= timedelta(hours=2)


def test_its_language_is_the_chosen_one_whatever_the_browser_prefers(closed: None) -> None:
    assert '<html lang="fa" dir="rtl">' in Client().get(URL, HTTP_ACCEPT_LANGUAGE="en").content.decode()
    browser = Client()
    browser.get(URL, {"language": "en"})
    assert '<html lang="en" dir="ltr">' in browser.get(URL).content.decode()


def test_staff_need_no_slash(closed: None) -> None:
    assert Client().get("/admin").status_code == 302


def test_no_page_asks_the_database(closed: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        page_of(Client().get(URL))
        page_of(Client().post(URL, {"registration_wizard-current_step": "mobile"}))


def test_without_maintenance_step_one_asks_the_database_for_nothing(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert step_shown(Client().get(URL)) == "mobile"


def test_what_was_sent_meanwhile_was_not_received_and_the_page_says_so(closed: None) -> None:
    sent = "آنچه همین حالا فرستادید به ما نرسید"
    assert sent in page_of(Client().post(URL, {"mobile-national_id": "1"}))
    assert sent not in page_of(Client().get(URL))


def test_who_was_on_the_way_goes_on_afterwards() -> None:
    browser = Browser()
    browser.step_one()
    run("maintenance", "on", "--until", until())
    assert browser.get(URL).status_code == 503
    run("maintenance", "off")
    assert step_shown(browser.get(URL)) == "code"


def test_staff_sign_in_and_work(closed: None) -> None:
    assert Client().get("/admin/login/").status_code == 200
    client = Client()
    client.force_login(administrator())
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/registration/registration/").status_code == 200
    assert client.post("/portal/session/stay").status_code < 500


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/sms/receipts/nobody/nothing/", 404),
        ("/.well-known/security.txt", 404),
        ("/static/no-such-file.css", 404),
    ],
)
def test_machines_are_answered_as_ever(closed: None, path: str, status: int) -> None:
    assert Client().get(path).status_code == status


def test_readiness_says_what_is_the_matter(closed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "fault", str)
    assert Client().get("/readyz").content == b"maintenance"
    run("maintenance", "off")
    assert Client().get("/readyz").content == b"ready"


def test_an_end_that_has_passed_is_no_longer_promised(closed: None) -> None:
    Maintenance.objects.update(until=timezone.now() - timedelta(minutes=1))
    maintenance.look()
    answer = Client().get(URL)
    assert "بیش از آنچه گفته بودیم" in page_of(answer)
    assert int(answer["Retry-After"]) == limits.MAINTENANCE_COME_BACK.total_seconds()


def test_the_end_is_moved_and_maintenance_ended() -> None:
    assert "off" in run("maintenance", "status")
    run("maintenance", "on", "--until", until())
    first = Maintenance.objects.get()
    assert "on since" in run("maintenance", "on", "--until", until(timedelta(hours=5)))
    assert Maintenance.objects.get().until > first.until
    assert Maintenance.objects.get().began_at == first.began_at
    assert "off" in run("maintenance", "off")
    assert not Maintenance.objects.exists()
    assert "off" in run("maintenance", "off")  # twice is no fault


def test_a_jalali_day_is_understood_in_any_digits() -> None:
    tomorrow = jalali(timezone.localdate() + timedelta(days=1))
    run("maintenance", "on", "--until", f"{tomorrow} ۰۶:۳۰")
    there = timezone.localtime(Maintenance.objects.get().until)
    assert (there.date(), there.hour, there.minute) == (timezone.localdate() + timedelta(days=1), 6, 30)


@pytest.mark.parametrize(
    "given",
    [
        ["on"],
        ["off", "--until", "2099-01-01 06:00"],
        ["on", "--until", "1390/01/01 06:00"],
        ["on", "--until", "1450/01/01 06:00"],
        ["on", "--until", "2099-01-01 06:00"],
        ["on", "--until", "tomorrow"],
        ["on", "--until", "1405/09/08 25:00"],
        ["on", "--until", "06:00"],
    ],
)
def test_a_mistyped_command_changes_nothing(given: list[str]) -> None:
    with pytest.raises(CommandError):
        run("maintenance", *given)
    assert not Maintenance.objects.exists()


def test_a_database_that_is_away_does_not_open_the_portal(closed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is when the page is needed most."""

    def away(*args: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(Maintenance.objects, "first", away)
    with pytest.raises(OperationalError):
        maintenance.look()
    page_of(Client().get(URL))
