"""What an owner does with a browser in mid-session: desktop site, updates, a turned phone. None of it is a theft."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client, RequestFactory
from playwright.sync_api import Browser

from accounts.models import EventKind
from accounts.sessions import browsers
from sms.models import Message
from tests.support.accounts import citizen
from tests.support.browsers import DESK, PHONE, Visitor
from tests.support.entrances import HOME, PAGE, events_of, sign_in, signed_in, told
from tests.support.live import Citizen, Portal, demo

KHTML, IOS = "(KHTML, like Gecko)", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)"
ANDROID, MAC = "Mozilla/5.0 (Linux; Android 10; K)", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
LINUX, WINDOWS = "Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
# What a browser calls itself: as it is, with "desktop site", and after an update.
BROWSERS = {
    "Chrome on Android": (
        "chromium",
        f"{ANDROID} AppleWebKit/537.36 {KHTML} Chrome/126.0.0.0 Mobile Safari/537.36",
        f"{LINUX} AppleWebKit/537.36 {KHTML} Chrome/126.0.0.0 Safari/537.36",
        f"{ANDROID} AppleWebKit/537.36 {KHTML} Chrome/127.0.0.0 Mobile Safari/537.36",
    ),
    "Samsung's browser": (
        "chromium",
        f"{ANDROID} AppleWebKit/537.36 {KHTML} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
        f"{LINUX} AppleWebKit/537.36 {KHTML} SamsungBrowser/25.0 Chrome/121.0.0.0 Safari/537.36",
        f"{ANDROID} AppleWebKit/537.36 {KHTML} SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36",
    ),
    "Firefox on Android": (
        "gecko",
        "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0",
        "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
        "Mozilla/5.0 (Android 15; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0",
    ),
    "Safari on an iPhone": (
        "webkit",
        f"{IOS} AppleWebKit/605.1.15 {KHTML} Version/17.5 Mobile/15E148 Safari/604.1",
        f"{MAC} AppleWebKit/605.1.15 {KHTML} Version/17.5 Safari/605.1.15",
        f"{IOS.replace('17_5', '18_0')} AppleWebKit/605.1.15 {KHTML} Version/18.0 Mobile/15E148 Safari/604.1",
    ),
    "Chrome on an iPhone": (
        "webkit",
        f"{IOS} AppleWebKit/605.1.15 {KHTML} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
        f"{MAC} AppleWebKit/605.1.15 {KHTML} CriOS/126 Version/11.1.1 Safari/605.1.15",
        f"{IOS} AppleWebKit/605.1.15 {KHTML} CriOS/127.0.6533.56 Mobile/15E148 Safari/604.1",
    ),
    "Firefox on an iPhone": (
        "webkit",
        f"{IOS} AppleWebKit/605.1.15 {KHTML} FxiOS/127.0 Mobile/15E148 Safari/605.1.15",
        f"{MAC} AppleWebKit/605.1.15 {KHTML} FxiOS/127.0 Safari/605.1.15",
        f"{IOS} AppleWebKit/605.1.15 {KHTML} FxiOS/128.0 Mobile/15E148 Safari/605.1.15",
    ),
    "Chrome on Windows": (
        "chromium",
        f"{WINDOWS} AppleWebKit/537.36 {KHTML} Chrome/126.0.0.0 Safari/537.36",
        f"{WINDOWS} AppleWebKit/537.36 {KHTML} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",  # Edge's own mode switch
        f"{WINDOWS} AppleWebKit/537.36 {KHTML} Chrome/127.0.0.0 Safari/537.36",
    ),
    "Firefox on Windows": (
        "gecko",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
        "Mozilla/5.0 (Windows NT 10.0; rv:109.0) Gecko/20100101 Firefox/118.0",  # resisting fingerprints
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
    ),
    "Safari on a Mac": (
        "webkit",
        f"{MAC} AppleWebKit/605.1.15 {KHTML} Version/17.4.1 Safari/605.1.15",
        f"{MAC} AppleWebKit/605.1.15 {KHTML} Version/17.5 Safari/605.1.15",
        f"{MAC} AppleWebKit/605.1.15 {KHTML} Version/18.0 Safari/605.1.15",
    ),
}
NAMES = [pytest.param(*names, id=name) for name, names in BROWSERS.items()]


@pytest.mark.parametrize(("engine", "usual", "desktop", "updated"), NAMES)
def test_a_browser_is_on_one_engine_whatever_it_calls_itself(engine, usual, desktop, updated) -> None:
    seen = {browsers.engine(RequestFactory().get("/", headers={"user-agent": name})) for name in (usual, desktop)}
    seen.add(browsers.engine(RequestFactory().get("/", headers={"user-agent": updated})))
    assert seen == {engine}


@pytest.mark.parametrize("agent", ["", "curl/8.5.0", "Opera/9.80 (Android; Opera Mini/36) Presto/2.12", "x" * 9000])
def test_what_is_none_of_the_three_is_another_one(agent) -> None:
    assert browsers.engine(RequestFactory().get("/", headers={"user-agent": agent})) == browsers.OTHER


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("engine", "usual", "desktop", "updated"), NAMES)
def test_nothing_an_owner_does_in_mid_session_ends_it_or_sends_anything(engine, usual, desktop, updated) -> None:
    user = citizen()
    client = Client(headers={"user-agent": usual, "accept-language": "fa-IR"})
    sign_in(client)
    for changed in (
        {"user-agent": desktop},
        {"user-agent": usual},
        {"user-agent": updated},
        {"user-agent": usual, "accept-language": "en-US,en;q=0.5"},
        {"user-agent": usual, "sec-ch-ua-mobile": "?0", "sec-ch-ua-platform": '"Linux"'},
    ):
        assert client.get(HOME, headers=changed).status_code == 200, changed
    for address in ("203.0.113.9", "2001:db8::1", "172.224.226.1"):  # mobile data, home, a private relay
        assert client.get(HOME, REMOTE_ADDR=address).status_code == 200
    assert events_of(user, EventKind.SESSION_ELSEWHERE) == 0
    assert not Message.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_in_doubt_the_password_is_asked_again_and_leads_back_to_where_they_were() -> None:
    citizen()
    client = Client(headers={"user-agent": BROWSERS["Chrome on Android"][1]})
    sign_in(client)
    other = {"user-agent": "Opera/9.80 (Android; Opera Mini/36.2/119.132; U; fa) Presto/2.12.423 Version/12.16"}
    answer = client.get("/portal/profile/history?page=2", headers=other)  # its data saver was switched on
    assert answer["Location"] == f"{PAGE}?next=/portal/profile/history%3Fpage%3D2"
    assert "اطمینان" not in told(answer)[0]
    assert not Message.objects.exists()
    sign_in(client)
    assert signed_in(client)


# In a real browser.


@pytest.fixture(scope="module")
def person(portal: Portal) -> Citizen:
    program = "from tests.support.journeys import CITIZENS, account_of; account_of(CITIZENS[0])"
    portal.home.manage("shell", "--no-imports", "-c", program)
    return demo("matches")


def calls_itself(visitor: Visitor) -> Callable[[str, bool], None]:
    """As the menu's "desktop site": another name, another shape of the window, the page loaded anew."""
    debugger = visitor.context.new_cdp_session(visitor.page)

    def become(agent: str, mobile: bool) -> None:
        debugger.send("Network.setUserAgentOverride", {"userAgent": agent})
        shape = {"width": 360 if mobile else 980, "height": 740, "deviceScaleFactor": 1, "mobile": mobile}
        debugger.send("Emulation.setDeviceMetricsOverride", shape)

    return become


@pytest.mark.browser
def test_desktop_site_on_and_off_in_mid_session_in_chromium(chromium: Browser, portal: Portal, person: Citizen) -> None:
    _engine, usual, desktop, _updated = BROWSERS["Chrome on Android"]
    visitor = Visitor(chromium, portal, width=PHONE)
    become = calls_itself(visitor)
    become(usual, True)
    visitor.sign_in(person)
    visitor.reads("رضا کریمی")
    for agent, mobile in ((desktop, False), (usual, True), (desktop, False)):
        become(agent, mobile)
        visitor.page.reload()
        visitor.reads("رضا کریمی")
        assert visitor.page.evaluate("navigator.userAgent") == agent
        assert visitor.page.url == portal.url + HOME
    assert portal.ask("__import__('sms.models').models.Message.objects.filter(kind='alert').count()") == 0
    visitor.context.close()


@pytest.mark.browser
def test_another_engine_in_mid_session_asks_for_the_password_and_goes_on(
    chromium: Browser, portal: Portal, person: Citizen
) -> None:
    visitor = Visitor(chromium, portal, width=DESK)
    visitor.sign_in(person)
    visitor.reads("رضا کریمی")
    calls_itself(visitor)(BROWSERS["Firefox on Windows"][1], False)
    visitor.go("/portal/profile/history")
    visitor.field("گذرواژه").wait_for()
    visitor.fill({"کد ملی": person.national_id, "گذرواژه": person.password})
    visitor.press()
    visitor.page.wait_for_url(f"{portal.url}/portal/profile/history")
    visitor.context.close()
