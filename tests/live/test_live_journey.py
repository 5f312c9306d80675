"""The way of each demo citizen, over HTTP, on a portal that `make run` started."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import pytest

from identity.registries.demo import CITIZENS
from tests.support.live import Citizen, Lost, Portal, demo, register, run, sign_in, somebody, step_one, until

pytestmark = pytest.mark.startup
BRANCH = "لطفاً جهت تکمیل ثبت نام با در دست داشتن مدارک هویتی به نزدیکترین شعبه مراجعه فرمائید."
WELCOME = "به سیستم های متمرکز سازمان تامین اجتماعی خوش آمدید."


def test_a_citizen_registers_signs_in_and_still_can_after_a_restart(tmp_path: Path) -> None:
    home, citizen = tmp_path / "home", demo("matches")
    assert citizen == Citizen(), "tools/walk.py types the demo citizen who matches"
    with run(home) as portal:
        portal.until_ready()
        person = portal.person()
        tracking_code = register(person, citizen)
        assert "درخواست شما با موفقیت ثبت گردید" in person.page.text
        [text] = until(lambda: portal.home.results(citizen.mobile), what="the result")
        assert WELCOME in text
        sign_in(person, citizen)
        portal.signal_group(signal.SIGINT)
        assert "Stopped." in portal.ends()
    with run(home) as portal:
        portal.until_ready()
        person = portal.person()
        sign_in(person, citizen)
        assert portal.home.status(citizen.national_id)["tracking_code"] == tracking_code
        with pytest.raises(Lost, match="not signed in"):
            sign_in(portal.person(), Citizen(password="Wrong123!"))
        assert person.go("/portal/home").status == 200


@pytest.mark.parametrize("plot", ["other_family_name", "other_owner", "deceased"])
def test_who_does_not_match_is_sent_to_a_branch(portal: Portal, plot: str) -> None:
    citizen = demo(plot)
    tracking_code = register(portal.person(), citizen)
    [text] = until(lambda: portal.home.results(citizen.mobile), what="the result")
    assert BRANCH in text
    status = portal.home.status(citizen.national_id)
    assert (status["state"], status["tracking_code"]) == ("referred", tracking_code)
    assert status["verdict"] in ("mismatch", "deceased", "needs_a_person")
    with pytest.raises(Lost, match="not signed in"):
        sign_in(portal.person(), citizen)


def test_nobody_knows_this_person_so_a_branch_has_to_look(portal: Portal) -> None:
    citizen = somebody(1)
    register(portal.person(), citizen)
    [text] = until(lambda: portal.home.results(citizen.mobile), what="the result")
    assert BRANCH in text


def test_a_registry_that_is_down_twice_delays_the_account_and_one_down_for_good_sends_nobody_away(
    portal: Portal,
) -> None:
    late, waiting = demo("down_twice"), demo("down_for_good")
    register(portal.person(), waiting)
    register(portal.person(), late)
    began = time.monotonic()
    [text] = until(lambda: portal.home.results(late.mobile), what="the result after two outages", seconds=90)
    took = time.monotonic() - began
    assert WELCOME in text
    assert took > 20, f"pauses of about 10 and 20 s were expected, it took {took:.0f} s"
    assert took < 60, f"the account came only after {took:.0f} s"
    sign_in(portal.person(), late)
    assert portal.home.status(waiting.national_id) | {"state": "submitted"} == portal.home.status(waiting.national_id)
    assert portal.home.results(waiting.mobile) == []


def test_a_number_that_asks_twice_gets_one_code_and_is_told_to_wait(portal: Portal) -> None:
    citizen, person = somebody(2), portal.person()
    step_one(person, citizen)
    portal.home.new_code(citizen.mobile)
    person.press_way("/resend")
    assert re.search(r"ثانیه|دقیقه|\d:\d\d", person.page.text.translate(str.maketrans("۰۱۲۳۴۵۶۷۸۹", "0123456789")))
    assert len(portal.home.codes(citizen.mobile)) == 1


def test_the_account_opens_another_service_and_a_sign_out_closes_it(portal: Portal, account: Citizen) -> None:
    """The demo's own service, a program of its own beside the portal: from the catalogue, with a code where it wants
    one, and out of it when the citizen signs out of the portal."""
    person = portal.person()
    sign_in(person, account)
    service = portal.service()
    [start] = re.findall(rf'href="({re.escape(service)}/login[^"]*)"', person.page.source)

    person.go(start)
    assert person.page.url == f"{service}/"
    for shown in ("سلام رضا کریمی", "۱۷ مرداد ۱۳۷۰", "۰۹۱۲۰۰۰۰۱۰۱", "۰۰۷۰۰۰۱۰۱۴", "با گذرواژه", "ثبت احوال"):
        assert shown in person.page.text

    portal.minute_passes()
    before = len(portal.home.codes(account.mobile))
    person.go(f"{service}/records")
    person.press_way("/again/send")
    person.press({"کد شناسه": portal.home.new_code(account.mobile, before)})
    assert person.page.url == f"{service}/records"
    assert "کارگاه نمونه" in person.page.text

    person.go("/portal/home")
    person.press_way("/sign-out")
    until(lambda: "از سامانه ثبت نام خارج شدید" in person.go(service).text, what="the end at the service", seconds=5)
    assert person.go(f"{service}/records").url.startswith(f"{portal.url}/portal/?"), "it asks for the password again"


def test_what_make_run_prints_is_what_works(portal: Portal) -> None:
    printed = portal.said()
    for citizen in CITIZENS:
        assert {citizen.national_id, citizen.mobile} <= set(re.findall(r"\d+", printed))
    assert f"{portal.url}/portal/registration" in printed
    assert "سوابق بیمه (نمونه)" in portal.person().go(portal.service()).text
