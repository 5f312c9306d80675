"""Services whose clients nobody here wrote sign citizens in by a real portal: Authlib, openid-client on
Node, mozilla-django-oidc, Apache's mod_auth_openidc. docs/connect-a-service.md shows what each can do."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.support import citizens
from tests.support.live import Citizen, Portal, until
from tests.support.paths import ROOT
from tests.support.relying_parties.browser import Browser
from tests.support.relying_parties.parties import FEATURES, PARTIES, OpenidClient, RelyingParty, that_can

if TYPE_CHECKING:
    from playwright.sync_api import Browser as Chromium

peers = pytest.mark.peers
PASSWORD_LEVEL, CODE_LEVEL = "urn:tamin:acr:password", "urn:tamin:acr:code"
WITHIN = 30  # seconds; how soon it is has a test of its own in tests/live/
ACCOUNT = """
from tests.support.accounts import citizen
citizen(national_id="{national_id}", mobile="+98{mobile}", password="{password}")
"""
LOGOUT_TOKENS = """
import time
from openid import keys
from openid.logout.calling import EVENT, TOKEN_TYPE
now = int(time.time())
right = dict(iss="{iss}", aud="{aud}", sid="{sid}", sub="{sub}", iat=now, exp=now + 120, events=dict([(EVENT, dict())]))
over = dict(iat=now - 7200, exp=now - 3600)
wrong = over, dict(aud="another"), dict(nonce="n"), dict(events=dict(x=dict())), dict(iss="http://x")
for number, changes in enumerate((*wrong, dict())):
    print(keys.sign(right | changes | dict(jti=f"{sid}-{{number}}"), "ES256", TOKEN_TYPE))
"""
REFRESHED = """
from openid.models import Token
print(Token.objects.filter(grant__service__client_id="{client_id}", kind="refresh", used_at__isnull=False).count())
"""
TRIAL = """
import json
from openid.models import ConnectedService
from openid.trial import flow, outside
service = ConnectedService.objects.get(client_id="{client_id}")
lines = [*flow.through_the_portal(service), *outside.addresses_of(service)]
print(json.dumps([[str(line.outcome), line.step, line.said] for line in lines]))
"""
numbers = count(1)


@pytest.fixture(scope="module")
def party(request: pytest.FixtureRequest, portal: Portal, tmp_path_factory) -> Iterator[RelyingParty]:
    """The started service of the client that the test names."""
    kind = request.param
    with kind(portal, tmp_path_factory.mktemp(kind.name)).started() as started:
        yield started


@pytest.fixture
def citizen(portal: Portal) -> Citizen:
    """Somebody with an account."""
    number = next(numbers)
    person = Citizen(national_id=citizens.national_id(number), mobile=citizens.mobile(number))
    facts = {"national_id": person.national_id, "mobile": person.mobile[1:], "password": person.password}
    portal.home.manage("shell", "--no-imports", "-c", ACCOUNT.format(**facts))
    return person


@pytest.fixture
def browser(portal: Portal, citizen: Citizen) -> Browser:
    return Browser(portal, citizen)


def for_all_that_can(feature: str) -> Callable:
    """The test runs with each client that has the feature."""

    def mark(test: Callable) -> Callable:
        return peers(pytest.mark.parametrize("party", that_can(feature), indirect=True)(test))

    return mark


def test_the_table_says_what_the_tests_show() -> None:
    """And nothing that none of them shows."""
    table = (ROOT / "docs/connect-a-service.md").read_text(encoding="utf-8").partition("## Clients that were tried")[2]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in re.findall(r"^\|.+\|$", table, re.MULTILINE)]
    names = [name.strip("`*") for name in rows[0][1:]]
    said = {feature: dict(zip(names, cells, strict=True)) for feature, *cells in rows[2:]}

    assert set(said) == set(FEATURES.values())
    for party in PARTIES:
        shown = {FEATURES[feature] for feature in party.can}
        assert {feature for feature, cells in said.items() if cells[party.name].startswith("yes")} == shown


def test_the_settings_of_mozilla_django_oidc_are_those_that_run() -> None:
    told = (ROOT / "docs/connect-a-service.md").read_text(encoding="utf-8")
    run = (ROOT / "tests/support/relying_parties/django_service.py").read_text(encoding="utf-8")

    assert {name.partition(" ")[0] for name in re.findall(r"^OIDC_\w+ = .+", told, re.MULTILINE)} == set(
        re.findall(r"^    (OIDC_\w+)=", run, re.MULTILINE)
    )
    for name, value in re.findall(r"^(OIDC_\w+) = (True|\d+|\"[A-Z0-9]+\")$", told, re.MULTILINE):
        assert f"    {name}={value},\n" in run


@for_all_that_can("sign-in")
def test_a_citizen_signs_in_and_the_service_reads_the_claims(party: RelyingParty, browser: Browser) -> None:
    party.sign_in(browser)
    told = party.told(browser)

    answer = browser.parameters(party.url + party.callback)
    assert answer["iss"] == party.portal.url
    said, about = told["id_token"], told["userinfo"]
    assert about.pop("national_id", browser.citizen.national_id) == browser.citizen.national_id
    assert (said["iss"], said["aud"], said["acr"]) == (party.portal.url, party.client_id, PASSWORD_LEVEL)
    assert len(said["sub"]) == 43
    assert about == {
        "sub": said["sub"],
        "name": "رضا کریمی",
        "given_name": "رضا",
        "family_name": "کریمی",
        "birthdate": "1991-08-08",
        "birthdate_jalali": "1370-05-17",
        "gender": "male",
        "phone_number": f"+98{browser.citizen.mobile[1:]}",
        "phone_number_verified": True,
    }


@for_all_that_can("sign-in")
def test_cookies_from_before_the_sign_in_open_nothing(
    party: RelyingParty, portal: Portal, browser: Browser, monkeypatch
) -> None:
    """Whoever has planted them in the citizen's browser is not signed in with the citizen (session fixation)."""
    stranger, prove = Browser(portal, browser.citizen), browser.prove

    def copied_first() -> Any:
        for cookie in browser.cookies:
            stranger.cookies.set_cookie(cookie)
        return prove()

    browser.go(f"{party.url}/")
    monkeypatch.setattr(browser, "prove", copied_first)
    party.sign_in(browser)

    assert party.told(browser)["id_token"]
    assert len(list(stranger.cookies))
    assert party.told(stranger) == {}


@for_all_that_can("step-up")
def test_a_service_asks_for_a_code_by_sms_and_sees_that_it_was_right(party: RelyingParty, browser: Browser) -> None:
    party.sign_in(browser)
    before = party.told(browser)["id_token"]

    party.step_up(browser)

    said = party.told(browser)["id_token"]
    assert (said["acr"], said["amr"]) == (CODE_LEVEL, ["pwd", "sms", "mfa"])
    assert (said["sub"], said["sid"]) == (before["sub"], before["sid"])
    assert len(browser.home.codes(browser.citizen.mobile)) == 1


@for_all_that_can("sign-out")
def test_a_citizen_signs_out_at_the_service_and_of_the_portal(party: RelyingParty, browser: Browser) -> None:
    party.sign_in(browser)

    party.sign_out(browser)
    assert urlsplit(browser.page.url).path == "/openid/end-session"
    browser.press_way("/openid/end-session/confirm")

    assert browser.been[-1].partition("?")[0] == party.url + party.signed_out
    assert party.told(browser) == {}
    browser.go("/portal/home")
    assert browser.page.typed_into(["گذرواژه"])


@for_all_that_can("back-channel")
def test_a_sign_out_of_the_portal_ends_that_session_at_the_service(
    party: RelyingParty, portal: Portal, browser: Browser
) -> None:
    elsewhere = Browser(portal, browser.citizen)
    for each in (browser, elsewhere):
        party.sign_in(each)
    assert party.told(browser)["id_token"]["sid"] != party.told(elsewhere)["id_token"]["sid"]

    sign_out_of_portal(browser)

    until(lambda: party.told(browser) == {}, what="the session's end at the service", seconds=WITHIN)
    assert party.told(elsewhere)


@for_all_that_can("back-channel")
def test_a_logout_token_that_is_not_right_ends_nothing(party: RelyingParty, portal: Portal, browser: Browser) -> None:
    """Signed by the portal, but over, of another service or issuer, with a nonce, or without the event."""

    def heard(token: str) -> int:
        body = urlencode({"logout_token": token}).encode()
        asked = urllib.request.Request(party.url + party.backchannel, body)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    party.sign_in(browser)
    facts = {name: party.told(browser)["id_token"][name] for name in ("iss", "aud", "sid", "sub")}
    *wrong, right = portal.home.manage("shell", "--no-imports", "-c", LOGOUT_TOKENS.format(**facts)).split()

    assert [heard(token) for token in wrong] == [400] * 5
    assert party.told(browser)["id_token"]
    assert heard(right) == 200
    assert party.told(browser) == {}


@for_all_that_can("refresh")
def test_a_service_uses_its_refresh_token(party: RelyingParty, portal: Portal, browser: Browser) -> None:
    def used() -> int:
        return int(portal.home.manage("shell", "--no-imports", "-c", REFRESHED.format(client_id=party.client_id)))

    party.sign_in(browser)
    before = used()
    for _twice in range(2):  # the second time with the new one
        party.ask_again(browser)

    assert used() == before + 2
    assert party.told(browser)


@for_all_that_can("silence")
def test_a_service_asks_anew_in_silence(party: RelyingParty, portal: Portal, browser: Browser) -> None:
    party.sign_in(browser)
    before = party.told(browser)["id_token"]
    browser.been.clear()

    party.ask_again(browser)

    assert browser.parameters(f"{portal.url}/openid/authorize")["prompt"] == "none"
    assert party.told(browser)["id_token"]["nonce"] != before["nonce"]
    browser.forget("sessionid")  # of the portal, which answers login_required then
    party.ask_again(browser)
    assert party.told(browser) == {}


@for_all_that_can("pushed")
def test_a_service_pushes_its_request(party: RelyingParty, portal: Portal, browser: Browser) -> None:
    party.sign_in(browser)

    assert set(browser.parameters(f"{portal.url}/openid/authorize?")) <= {"client_id", "request_uri", "response_type"}
    assert party.told(browser)


@for_all_that_can("issuer")
def test_an_answer_of_another_issuer_is_refused(party: RelyingParty, portal: Portal, browser: Browser) -> None:
    def other_issuer(address: str) -> str:
        return re.sub(r"(?<=[?&]iss=)[^&]+", "https%3A%2F%2Fother.example", address)

    browser.changes = other_issuer
    party.sign_in(browser)

    assert browser.parameters(party.url + party.callback)["iss"] == "https://other.example"
    assert party.told(browser) == {}


@for_all_that_can("keys")
def test_new_keys_in_time_and_at_once(party: RelyingParty, portal: Portal, citizen: Citizen) -> None:
    """The service holds the keys of before, of both kinds of token: one citizen signed in and out with them."""

    def in_and_out() -> None:
        browser = Browser(portal, citizen)
        party.sign_in(browser)
        assert party.told(browser)
        sign_out_of_portal(browser)
        until(lambda: party.told(browser) == {}, what="the session's end at the service", seconds=WITHIN)

    in_and_out()
    rotate(portal)
    in_and_out()
    before = kids(portal)
    rotate(portal, "--now")
    until(lambda: not kids(portal) & before, what="the new keys")
    party.let_keys_be_read_again()
    in_and_out()


@for_all_that_can("sign-in")
def test_an_administrator_who_tries_the_service_finds_nothing_wrong(party: RelyingParty, portal: Portal) -> None:
    """A logout token of a stranger, which is sent then, is refused by each of them."""
    lines = json.loads(portal.home.manage("shell", "--no-imports", "-c", TRIAL.format(client_id=party.client_id)))

    assert {"ok"} >= {outcome for outcome, step, said in lines if outcome != "skipped"}, lines
    assert ["ok", "logout", "logout_ok"] in lines
    assert ["ok", "forged", "forged_refused"] in lines


@peers
@pytest.mark.parametrize("party", [pytest.param(OpenidClient, id=OpenidClient.name)], indirect=True)
def test_the_way_in_chromium(party: RelyingParty, portal: Portal, citizen: Citizen, chromium: Chromium) -> None:
    """What only a browser holds to: the policies of pages, cookies between sites, the page that leads on by itself."""
    page = chromium.new_context(locale="fa-IR").new_page()
    page.set_default_timeout(15_000)
    page.goto(party.url)
    page.get_by_role("link", name="ورود با حساب کاربری").click()
    page.get_by_label("کد ملی").fill(citizen.national_id)
    page.get_by_label("گذرواژه", exact=True).fill(citizen.password)
    page.locator("main form button.btn-main").click()
    page.get_by_role("heading", name="رضا کریمی").wait_for()
    assert page.url == f"{party.url}/"
    page.get_by_role("link", name="با کد پیامکی").click()
    page.locator("main form button.btn-main").click()
    page.get_by_label("کد شناسه").fill(portal.home.new_code(citizen.mobile))
    page.locator("main form button.btn-main").click()
    page.get_by_text(CODE_LEVEL).wait_for()
    page.get_by_role("button", name="خروج").click()
    page.locator("main form button.btn-main").click()
    page.get_by_role("heading", name="وارد نشده‌اید").wait_for()
    assert page.url == f"{party.url}/"


def sign_out_of_portal(browser: Browser) -> None:
    browser.go("/portal/home")
    browser.press_way("/sign-out")


def rotate(portal: Portal, *how: str) -> None:
    portal.home.manage("rotate_signing_key", "--by", "test", "--reason", "test", *how)


def kids(portal: Portal) -> set[str]:
    with urllib.request.urlopen(f"{portal.url}/openid/jwks") as answer:
        return {key["kid"] for key in json.load(answer)["keys"]}
