"""The pages of who is not signed in, in Chromium: a warning, typing that counts as use, an empty page after the end.

The browser's clock is moved, nobody waits. What the server knows is moved in its database.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browsers import DESK, PHONE, Visitor
from tests.support.idle_browsers import IDLE, NEARLY_IDLE, passes, shell, warning
from tests.support.live import Citizen, Portal, somebody

pytestmark = pytest.mark.browser
GO_ON = "ادامه می‌دهم"
CODES_AGE = "from datetime import timedelta; from tests.support.journeys import let_pass; let_pass(timedelta(days=1))"
STILL_HERE = "**/session/go-on"
KEPT = "**/registration/keep"


def at_step_three(browser: Browser, portal: Portal, citizen: Citizen, width: int = DESK) -> Visitor:
    visitor = Visitor(browser, portal, width=width)
    visitor.context.clock.install()
    visitor.step_one(citizen)
    visitor.step_two(citizen)
    visitor.field("نام").wait_for()
    visitor.page.wait_for_load_state()
    return visitor


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_question_before_step_three_is_closed_keeps_what_was_typed(
    chromium: Browser, portal: Portal, width: int
) -> None:
    visitor = at_step_three(chromium, portal, somebody(4100 + width), width)
    page = visitor.page
    with page.expect_response(STILL_HERE) as answer:
        visitor.fill({"نام": "نرگس"})
        passes(visitor, 1.1)
    answer.value.finished()
    page.wait_for_timeout(200)  # the script reads the answer
    passes(visitor, 12.5)
    expect(warning(page)).to_be_hidden()
    passes(visitor, 0.6)
    expect(warning(page)).to_be_visible()
    expect(page.get_by_role("button", name=GO_ON)).to_be_focused()
    visitor.seen("77-idle-journey")
    shell(portal, NEARLY_IDLE)
    with page.expect_response(STILL_HERE) as answer:
        visitor.press(GO_ON)
    assert answer.value.status == 200
    expect(warning(page)).to_be_hidden()
    expect(visitor.field("نام")).to_have_value("نرگس")
    visitor.context.close()


def test_step_three_never_ends_under_the_hands_of_who_types(chromium: Browser, portal: Portal) -> None:
    citizen = somebody(4110)
    visitor = at_step_three(chromium, portal, citizen)
    passes(visitor, 2)
    told: list[str] = []
    visitor.page.on("request", lambda request: "go-on" in request.url and told.append(request.url))
    for _ in range(4):
        shell(portal, NEARLY_IDLE)
        before = len(told)
        with visitor.page.expect_response(STILL_HERE) as answer:
            visitor.field("نام").press_sequentially("نرگس ")
        assert answer.value.status == 200
        passes(visitor, 1)
        assert 1 <= len(told) - before <= 2  # at the first letter, and a minute later for the last one
        passes(visitor, 11)
        expect(warning(visitor.page)).to_be_hidden()
    visitor.fill({"نام": ""})
    visitor.step_three(citizen)
    visitor.context.close()


def test_after_the_end_nothing_of_it_is_on_the_screen_and_the_page_says_why(chromium: Browser, portal: Portal) -> None:
    citizen = somebody(4111)
    visitor = at_step_three(chromium, portal, citizen)
    with visitor.page.expect_response(STILL_HERE), visitor.page.expect_response(KEPT):  # both are signs of life
        visitor.fill({"نام": "نرگس"})
        passes(visitor, 1.1)
    shell(portal, IDLE)
    visitor.context.set_offline(True)
    passes(visitor, 16)
    expect(visitor.page.locator("main form")).to_have_count(0)  # even where no other page can be loaded
    assert "نرگس" not in visitor.page.content()
    visitor.context.set_offline(False)
    visitor.go("/portal/registration?ended")
    visitor.reads("برای امنیت شما بسته شد")
    assert visitor.field("تلفن همراه").input_value() == ""
    visitor.page.go_back()
    assert "نرگس" not in visitor.page.content()
    visitor.context.close()


def test_what_was_typed_and_never_sent_is_there_after_a_code_on_the_next_day(chromium: Browser, portal: Portal) -> None:
    citizen = somebody(4145)
    visitor = at_step_three(chromium, portal, citizen)
    page = visitor.page
    with page.expect_response(KEPT) as kept:
        visitor.fill({"نام": "نرگس"})
        passes(visitor, 1.1)
    assert kept.value.status == 204
    assert "نرگس" in (kept.value.request.post_data_json or {}).values()
    with page.expect_request(KEPT):
        visitor.fill({"نام خانوادگی": "کریمی‌پور"})
        shell(portal, IDLE)
        passes(visitor, 16)  # the end comes before the next minute: the page sends it while it is emptied
    visitor.context.close()

    shell(
        portal,
        "from tests.support.journeys import let_pass; from datetime import timedelta; let_pass(timedelta(days=1))",
    )
    phone = Visitor(chromium, portal, width=PHONE)
    phone.step_one(citizen)
    phone.step_two(citizen)
    expect(phone.field("نام")).to_have_value("نرگس")
    phone.context.close()


def test_a_page_from_before_a_sign_in_in_another_tab_gives_back_what_was_typed(
    chromium: Browser, portal: Portal
) -> None:
    visitor = at_step_three(chromium, portal, somebody(4116))
    visitor.fill({"نام": "نرگس"})
    visitor.context.clear_cookies(name="csrftoken")  # as a sign-in gives another one
    visitor.context.request.get(f"{portal.url}/portal/")
    visitor.press("ادامه")
    visitor.reads("آنچه نوشته بودید دوباره اینجاست")
    expect(visitor.field("نام")).to_have_value("نرگس")
    visitor.seen("77-given-back", allowed=("status of 403",))
    visitor.context.close()


def test_an_open_page_that_looks_where_the_sms_is_does_not_keep_itself_alive(chromium: Browser, portal: Portal) -> None:
    citizen = somebody(4112)
    visitor = Visitor(chromium, portal)
    visitor.context.clock.install()
    visitor.step_one(citizen)
    visitor.page.wait_for_load_state()
    for _ in range(13):
        passes(visitor, 1)
    expect(warning(visitor.page)).to_be_visible()
    shell(portal, IDLE)
    passes(visitor, 2.1)
    visitor.page.wait_for_url(f"{portal.url}/portal/registration?ended")
    visitor.reads("برای امنیت شما بسته شد")
    visitor.seen("78-journey-ended", allowed=("status of 404",))  # the last look, after the end
    visitor.context.close()


def test_closing_the_page_from_the_question_forgets_it_at_once(chromium: Browser, portal: Portal) -> None:
    visitor = at_step_three(chromium, portal, somebody(4113))
    passes(visitor, 13.5)
    warning(visitor.page).get_by_role("button", name="بستن این صفحه").click()
    visitor.field("تلفن همراه").wait_for()
    assert visitor.field("تلفن همراه").input_value() == ""
    visitor.go("/portal/registration")
    visitor.field("تلفن همراه").wait_for()
    visitor.context.close()


def test_the_closing_page_is_a_notice_and_is_cleared(chromium: Browser, portal: Portal) -> None:
    citizen = somebody(4114)
    visitor = at_step_three(chromium, portal, citizen)
    code = visitor.step_three(citizen)
    passes(visitor, 13.5)
    expect(warning(visitor.page)).to_be_visible()
    visitor.seen("79-closing-page-closes")
    visitor.press("ادامه تا آن زمان")
    expect(warning(visitor.page)).to_be_hidden()
    assert visitor.tracking_code() == code
    shell(portal, IDLE)
    passes(visitor, 2)
    visitor.page.wait_for_url(f"{portal.url}/portal/registration/status?ended")
    assert code not in visitor.page.content()
    visitor.context.close()


def test_without_script_the_page_says_how_long_and_a_late_form_comes_back(chromium: Browser, portal: Portal) -> None:
    citizen = somebody(4115)
    visitor = Visitor(chromium, portal, java_script_enabled=False)
    visitor.step_one(citizen)
    visitor.reads("۱۵ دقیقه")
    visitor.step_two(citizen)
    visitor.field("نام خانوادگی").wait_for()
    visitor.reads("۱۵ دقیقه")
    visitor.fill(visitor.asked(citizen.step_three()))
    shell(portal, IDLE)
    visitor.press()
    visitor.reads("آنچه نوشته بودید برمی‌گردد")
    visitor.seen("80-late-kept")
    portal.minute_passes()
    before = len(portal.home.codes(citizen.mobile))
    visitor.fill(citizen.step_one())
    visitor.press()
    visitor.field("کد شناسه").wait_for()
    visitor.step_two(citizen, before)
    visitor.reads("آنچه در صفحه آخر نوشته بودید")
    typed = citizen.step_three()
    visitor.seen("81-late-came-back")  # at the part after the one that was sent
    visitor.page.get_by_role("link", name="بازگشت به مشخصات شناسنامه").click()
    assert visitor.field("نام").input_value() == typed["نام"]
    visitor.step_three(citizen)
    visitor.context.close()
