"""The warning before a session ends, in Chromium: it keeps what is typed, stays, ends, and knows of other tabs.

The browser's clock is moved, nobody waits. What the server knows is moved in its database.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browsers import DESK, PHONE, Visitor
from tests.support.idle_browsers import IDLE, NEARLY_IDLE, passes, shell, warning
from tests.support.live import Citizen, Portal, demo

pytestmark = pytest.mark.browser
HOME, DEVICES, HISTORY = "/portal/home", "/portal/profile/devices", "/portal/profile/history"
TYPED = "نامه‌ای که هنوز تمام نشده"
REFUSED = ("status of 401", "ERR_INTERNET_DISCONNECTED")
PEOPLE = """
from registration.states import State
from tests.support.journeys import CITIZENS, account_of, registration_in
account_of(CITIZENS[0])
print(registration_in(State.REFERRED, person=CITIZENS[1]).pk)
"""
NEARLY_TWELVE_HOURS = """
from accounts.models import Session
from accounts.sessions.store import SessionStore
from common import limits
for row in Session.objects.filter(account__isnull=False):
    store = SessionStore(row.session_key)
    store["began"] = store.get("began", 0) - (limits.SESSION_LONGEST - limits.SESSION_WARNING / 2).total_seconds()
    store.save()
"""
NO_STORAGE = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError') }})"


@pytest.fixture(scope="module")
def referred(portal: Portal) -> int:
    """A registration that waits for a branch; and the citizen has an account."""
    return int(shell(portal, PEOPLE))


@pytest.fixture
def citizen(referred: int) -> Citizen:
    return demo("matches")


def somebody_in(browser: Browser, portal: Portal, citizen: Citizen, width: int = DESK, script: str = "") -> Visitor:
    """A visitor who has signed in and can move the browser's clock."""
    visitor = Visitor(browser, portal, width=width)
    visitor.context.clock.install()
    if script:
        visitor.context.add_init_script(script)
    visitor.sign_in(citizen)
    visitor.reads("رضا کریمی")
    visitor.page.wait_for_load_state()  # from when the script has run its clock can be moved
    return visitor


def begin_to_type(page: Page) -> None:
    """The pages of the profile have forms; any field will do."""
    form = "<form><label for=t>x</label><input id=t></form>"
    page.evaluate(f"document.querySelector('main').insertAdjacentHTML('beforeend', '{form}')")
    type_into(page, page.locator("#t"))


def type_into(page: Page, field: Locator) -> None:
    """Typing counts as use: a minute later the server has heard of it, and the time begins anew."""
    with page.expect_response("**/session/stay"):
        field.fill(TYPED)
        page.context.clock.fast_forward(61_000)
    page.wait_for_timeout(200)  # the script reads the answer


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_two_minutes_before_the_end_a_question_keeps_what_was_typed(
    chromium: Browser, portal: Portal, citizen: Citizen, width: int
) -> None:
    visitor = somebody_in(chromium, portal, citizen, width)
    page = visitor.page
    begin_to_type(page)
    passes(visitor, 12.5)
    expect(warning(page)).to_be_hidden()
    passes(visitor, 0.6)
    expect(warning(page)).to_be_visible()
    expect(page.get_by_role("button", name="می‌مانم")).to_be_focused()
    assert page.get_by_role("timer").inner_text().startswith("۱:")
    visitor.seen("70-idle-warning")
    shell(portal, NEARLY_IDLE)
    visitor.press("می‌مانم")
    expect(warning(page)).to_be_hidden()
    expect(page.locator("#t")).to_have_value(TYPED)
    expect(page.locator("#t")).to_be_focused()
    passes(visitor, 12.5)
    expect(warning(page)).to_be_hidden()
    shell(portal, NEARLY_IDLE)  # so long after the button was pressed, the server knows it too
    assert page.context.request.get(portal.url + HOME, max_redirects=0).status == 200
    visitor.context.close()


def test_escape_is_staying(chromium: Browser, portal: Portal, citizen: Citizen) -> None:
    visitor = somebody_in(chromium, portal, citizen)
    passes(visitor, 13.5)
    expect(warning(visitor.page)).to_be_visible()
    with visitor.page.expect_response("**/session/stay") as answer:
        visitor.page.keyboard.press("Escape")
    assert answer.value.status == 200
    expect(warning(visitor.page)).to_be_hidden()
    visitor.context.close()


def test_when_the_time_is_over_the_page_is_empty_and_the_sign_in_leads_back(
    chromium: Browser, portal: Portal, citizen: Citizen
) -> None:
    visitor = somebody_in(chromium, portal, citizen)
    visitor.go(HISTORY)
    passes(visitor, 14)
    expect(warning(visitor.page)).to_be_visible()
    shell(portal, IDLE)
    passes(visitor, 1.1)
    visitor.field("گذرواژه").wait_for()
    assert visitor.page.url == f"{portal.url}/portal/?next=%2Fportal%2Fprofile%2Fhistory"
    visitor.fill({"کد ملی": citizen.national_id, "گذرواژه": citizen.password})
    visitor.press()
    visitor.page.wait_for_url(f"{portal.url}{HISTORY}")
    visitor.context.close()


def test_a_computer_that_slept_shows_nothing_of_before(chromium: Browser, portal: Portal, citizen: Citizen) -> None:
    """As when a lid is opened: the timers fire late, and no sign-in page can be loaded at once."""
    visitor = somebody_in(chromium, portal, citizen)
    shell(portal, IDLE)
    visitor.context.set_offline(True)
    passes(visitor, 90)
    expect(visitor.page.get_by_text("رضا کریمی")).to_have_count(0)
    visitor.context.set_offline(False)
    visitor.go(HOME)
    visitor.field("گذرواژه").wait_for()
    visitor.context.close()


def test_a_computer_that_slept_a_little_asks_at_once(chromium: Browser, portal: Portal, citizen: Citizen) -> None:
    visitor = somebody_in(chromium, portal, citizen)
    passes(visitor, 14.5)
    expect(warning(visitor.page)).to_be_visible()
    assert visitor.page.get_by_role("timer").inner_text().startswith("۰:")
    visitor.context.close()


def test_what_one_tab_does_counts_for_the_other(chromium: Browser, portal: Portal, citizen: Citizen) -> None:
    visitor = somebody_in(chromium, portal, citizen)
    first, second = visitor.page, visitor.tab()
    second.goto(portal.url + DEVICES)
    begin_to_type(first)
    passes(visitor, 13.5)
    expect(warning(first)).to_be_visible()
    expect(warning(second)).to_be_visible()
    second.get_by_role("button", name="می‌مانم").click()
    expect(warning(second)).to_be_hidden()
    passes(visitor, 0.05)
    expect(warning(first)).to_be_hidden()
    expect(first.locator("#t")).to_have_value(TYPED)
    passes(visitor, 10)
    second.goto(portal.url + HOME)  # a page there counts too
    passes(visitor, 4)
    expect(warning(first)).to_be_hidden()
    visitor.context.close()


def test_without_storage_each_tab_counts_for_itself(chromium: Browser, portal: Portal, citizen: Citizen) -> None:
    visitor = somebody_in(chromium, portal, citizen, script=NO_STORAGE)
    first, second = visitor.page, visitor.tab()
    second.goto(portal.url + DEVICES)
    passes(visitor, 13.5)
    second.get_by_role("button", name="می‌مانم").click()
    expect(warning(second)).to_be_hidden()
    expect(warning(first)).to_be_visible()
    passes(visitor, 2)
    first.wait_for_url(f"{portal.url}{HOME}")  # the server knew better: the sign-in led straight back
    expect(first.get_by_text("رضا کریمی").first).to_be_visible()
    assert visitor.problems == []
    visitor.context.close()


def test_without_a_network_it_says_so_and_tries_again_by_itself(
    chromium: Browser, portal: Portal, citizen: Citizen
) -> None:
    visitor = somebody_in(chromium, portal, citizen)
    begin_to_type(visitor.page)
    passes(visitor, 13.5)
    visitor.context.set_offline(True)
    visitor.press("می‌مانم")
    visitor.reads("ارتباط با سامانه برقرار نشد")
    visitor.seen("71-idle-offline", allowed=REFUSED)
    visitor.context.set_offline(False)
    passes(visitor, 0.1)
    expect(warning(visitor.page)).to_be_hidden()
    expect(visitor.page.locator("#t")).to_have_value(TYPED)
    visitor.context.close()


def test_a_session_that_was_ended_elsewhere_cannot_stay(chromium: Browser, portal: Portal, citizen: Citizen) -> None:
    visitor = somebody_in(chromium, portal, citizen)
    passes(visitor, 13.5)
    shell(portal, "from accounts.models import Session; Session.objects.all().delete()")
    visitor.press("می‌مانم")
    visitor.field("گذرواژه").wait_for()
    assert visitor.page.url.startswith(f"{portal.url}/portal/?next=")
    visitor.context.close()


def test_signing_out_from_the_warning(chromium: Browser, portal: Portal, citizen: Citizen) -> None:
    visitor = somebody_in(chromium, portal, citizen)
    passes(visitor, 13.5)
    warning(visitor.page).get_by_role("button", name="خروج").click()
    visitor.field("گذرواژه").wait_for()
    visitor.go(HOME)
    assert visitor.page.url.startswith(f"{portal.url}/portal/?")
    visitor.context.close()


def test_in_the_last_minutes_of_twelve_hours_it_is_a_notice(
    chromium: Browser, portal: Portal, citizen: Citizen
) -> None:
    visitor = somebody_in(chromium, portal, citizen)
    shell(portal, NEARLY_TWELVE_HOURS)
    visitor.go(DEVICES)
    expect(warning(visitor.page)).to_be_visible()
    visitor.seen("72-idle-final")
    visitor.press("ادامه تا آن زمان")
    expect(warning(visitor.page)).to_be_hidden()
    passes(visitor, 0.3)
    expect(warning(visitor.page)).to_be_hidden()
    shell(portal, NEARLY_TWELVE_HOURS)
    passes(visitor, 1)
    visitor.field("گذرواژه").wait_for()
    visitor.context.close()


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_devices_and_history_as_they_look(chromium: Browser, portal: Portal, citizen: Citizen, width: int) -> None:
    visitor = somebody_in(chromium, portal, citizen, width)
    shell(
        portal,
        """
from accounts.models import AccountEvent, EventKind, TrustedDevice, User
account = User.objects.get(national_id="0070001014")
TrustedDevice.objects.get_or_create(account=account, secret_hash="x", browser="Chrome Mobile, Android")
for kind in EventKind:
    AccountEvent.objects.create(account=account, kind=kind, actor="citizen", browser="Firefox, Windows")
""",
    )
    other = somebody_in(chromium, portal, citizen, width)
    visitor.go(DEVICES)
    visitor.seen("73-devices")
    visitor.go(HISTORY)
    visitor.seen("74-history")
    visitor.go(DEVICES)
    visitor.press("خروج از همه جاهای دیگر")
    visitor.reads("دیگر در هیچ دستگاه دیگری")
    visitor.seen("75-devices-alone")
    other.go(HOME)
    assert other.page.url.startswith(f"{portal.url}/portal/?next=")
    visitor.context.close()
    other.context.close()


def test_without_script_there_is_nothing_to_see(chromium: Browser, portal: Portal, citizen: Citizen) -> None:
    visitor = Visitor(chromium, portal, java_script_enabled=False)
    visitor.sign_in(citizen)
    visitor.reads("رضا کریمی")
    expect(visitor.page.locator("#idle")).to_be_hidden()
    visitor.context.close()


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_clerks_note_is_kept(chromium: Browser, portal: Portal, referred: int, width: int) -> None:
    visitor = Visitor(chromium, portal, width=width)
    visitor.context.clock.install()
    name, _, password = (portal.folder / "staff.txt").read_text().splitlines()[0].partition(" ")
    visitor.go("/admin/")
    visitor.page.locator("#id_username").fill(name)
    visitor.page.locator("#id_password").fill(password)
    visitor.page.locator("input[type=submit], button[type=submit]").first.click()
    visitor.page.get_by_role("button", name="خروج").first.wait_for()
    visitor.go(f"/admin/registration/registration/{referred}/change/")
    note = visitor.page.locator("textarea").first
    type_into(visitor.page, note)
    passes(visitor, 13.5)
    expect(warning(visitor.page)).to_be_visible()
    visitor.seen("76-desk-idle")
    visitor.press("می‌مانم")
    expect(warning(visitor.page)).to_be_hidden()
    expect(note).to_have_value(TYPED)
    shell(portal, IDLE)
    passes(visitor, 16)
    visitor.page.locator("#id_password").wait_for()
    assert visitor.page.url.startswith(f"{portal.url}/admin/login/?next=%2Fadmin%2Fregistration")
    visitor.context.close()
