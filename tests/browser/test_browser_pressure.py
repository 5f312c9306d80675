"""Under pressure, in Chromium at a phone's width: the browser works in the background, and without script one waits."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.support.browsers import PHONE, Visitor
from tests.support.live import Portal, demo

pytestmark = pytest.mark.browser
FLOOD = """
from django.utils import timezone
from common.abuse import conduct
from common.abuse.origins import origin_of
from common.models import Tally
Tally.objects.all().delete()
for kind in (conduct.Kind.CODE, conduct.Kind.PASSWORD):
    scopes = conduct._scopes(kind, origin_of("198.51.100.1"), "")
    conduct._add(scopes, conduct.slot_of(timezone.now()), tried=2000, good=0)
"""
SPENT = "from common.models import SpentProof; print(SpentProof.objects.count())"
MANY_ASK, BUSY = "درخواست‌های بسیاری", "تعداد درخواست‌های ورود بسیار زیاد است"
WRONG, REFUSED = "Wrong1234", "429"


@pytest.fixture(autouse=True)
def flood(portal: Portal) -> None:
    """Anew for each test: who succeeds at an address makes it good, and is asked for nothing."""
    portal.home.manage("shell", "-c", FLOOD)


def test_a_held_code_comes_once_the_browser_has_worked_for_it(chromium: Browser, portal: Portal) -> None:
    citizen = demo("matches")
    visitor = Visitor(chromium, portal, width=PHONE)
    visitor.step_one(citizen)
    visitor.page.get_by_text(MANY_ASK).first.wait_for(state="hidden")
    visitor.seen("step-two-let-go")
    visitor.step_two(citizen)
    assert portal.home.manage("shell", "-v0", "-c", SPENT).split()[-1] == "1"
    visitor.page.get_by_label("نام خانوادگی", exact=True).wait_for()


def test_without_script_the_held_code_comes_in_its_turn(chromium: Browser, portal: Portal) -> None:
    citizen = demo("other_family_name")
    visitor = Visitor(chromium, portal, width=PHONE, name="no-script", java_script_enabled=False)
    visitor.step_one(citizen)
    visitor.reads(MANY_ASK)
    assert "نوبت شما" in visitor.page.content()
    visitor.seen("step-two-held")
    visitor.step_two(citizen)
    visitor.page.get_by_label("نام خانوادگی", exact=True).wait_for()


def test_at_the_sign_in_it_is_done_while_one_types(chromium: Browser, portal: Portal) -> None:
    visitor = Visitor(chromium, portal, width=PHONE)
    visitor.go("/portal/")
    visitor.fill({"کد ملی": "0012345679", "گذرواژه": WRONG})
    visitor.press()
    visitor.reads("مشکلی در اطلاعات")
    assert visitor.page.get_by_text(BUSY).count() == 0
    visitor.seen("sign-in-under-pressure")


def test_without_script_one_may_sign_in_when_it_is_ones_turn(chromium: Browser, portal: Portal) -> None:
    visitor = Visitor(chromium, portal, width=PHONE, name="no-script", java_script_enabled=False)
    visitor.go("/portal/")
    visitor.fill({"کد ملی": "0012345679", "گذرواژه": WRONG})
    visitor.press()
    visitor.reads(BUSY)
    assert visitor.field("کد ملی").input_value() == "0012345679"
    assert visitor.field("گذرواژه").input_value() == ""
    visitor.seen("sign-in-under-pressure", allowed=(REFUSED,))
    visitor.fill({"گذرواژه": WRONG})
    visitor.press()
    visitor.page.get_by_text(BUSY).first.wait_for(state="detached")
    visitor.seen("sign-in-in-turn")
