"""What pages weigh on their way to a phone, and that their weight tells nobody what stands in them."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from tamin_portal.middleware import CompressedPages
from tests.support.accounts import administrator, citizen
from tests.support.entrances import BY_CODE, PAGE, sign_in
from tests.support.journeys import MATCHES, URL, Answers, Browser, code_on
from tests.support.paths import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
LATER_STEP, WHOLE_FIRST_STEP = 15_000, 65_000  # bytes
GZIP = {"HTTP_ACCEPT_ENCODING": "gzip, deflate, br"}
MARK = "Qz7mark"
NAMES = ("next", "q", "to", "city", "national_id", "mobile", "draft", "made_for", "renewed", "page", "another", "lang",
         "code", "token", "wait", "message", "p", "o", "all")  # fmt: skip


def weight(response: Any) -> int:
    assert response.headers.get("Content-Encoding") == "gzip"
    assert "Accept-Encoding" in response["Vary"]
    assert gzip.decompress(response.content).startswith(b"<!doctype html>")
    return len(response.content)


def test_every_later_step_is_light() -> None:
    browser = Browser()
    browser.step_one()
    assert weight(browser.get(URL, **GZIP)) <= LATER_STEP
    browser.step_two(code_on(MATCHES.mobile))
    assert weight(browser.get(URL, **GZIP)) <= LATER_STEP
    wrong = browser.step_three(Answers.of(MATCHES, first_name="", last_name="", password="x", email="x"))
    assert wrong.status_code == 200
    assert len(gzip.compress(wrong.content)) <= LATER_STEP


def test_the_first_page_of_a_phone_that_has_nothing_yet() -> None:
    """With its style, font and scripts as they were built."""
    page = Client().get(URL, **GZIP)
    total = weight(page)
    files = re.findall(r'(?:href|src)="/static/([^"]+)"', gzip.decompress(page.content).decode())
    assert len(files) >= 4
    for name in set(files):
        built = ROOT / "build" / "static" / name
        packed = built.with_name(built.name + ".gz")
        total += (packed if packed.exists() else built).stat().st_size
    assert total <= WHOLE_FIRST_STEP


def test_who_cannot_unpack_gets_the_page_as_it_is() -> None:
    page = Client().get(URL)
    assert "Content-Encoding" not in page.headers
    assert page.content.startswith(b"<!doctype html>")


def test_the_same_page_has_not_always_the_same_length() -> None:
    assert len({len(Client().get("/portal/no-such-page", **GZIP).content) for _ in range(40)}) > 5


@pytest.mark.parametrize(
    ("site", "compressed"),
    [("same-origin", True), ("none", True), ("same-site", False), ("cross-site", False), ("anything", False)],
)
def test_a_page_with_cookies_that_another_site_caused_is_not_compressed(site: str, compressed: bool) -> None:
    browser = Browser()
    browser.step_one()
    page = browser.get(URL, **GZIP, HTTP_SEC_FETCH_SITE=site)
    assert ("Content-Encoding" in page.headers) == compressed


@pytest.mark.parametrize(("query", "compressed"), [("", True), ("?next=/portal/guess", False)])
def test_an_old_browser_does_not_say_who_caused_it(query: str, compressed: bool) -> None:
    browser = Browser()
    browser.step_one()
    assert ("Content-Encoding" in browser.get(PAGE + query, **GZIP).headers) == compressed


def test_who_brings_no_cookie_has_no_secret() -> None:
    assert "Content-Encoding" in Client().get(URL, **GZIP, HTTP_SEC_FETCH_SITE="cross-site").headers


def test_staffs_pages_are_not_compressed() -> None:
    client = Client()
    client.force_login(administrator())
    for page in ("/admin/", "/admin/sms/message/"):
        assert "Content-Encoding" not in client.get(page, **GZIP).headers


def test_files_are_left_alone() -> None:
    answer = CompressedPages(lambda _: HttpResponse(b"x" * 1000, content_type="font/woff2"))(
        RequestFactory().get("/", **GZIP)
    )
    assert "Content-Encoding" not in answer.headers


def pages(patterns: Any = None, prefix: str = "/") -> list[str]:
    """All addresses without a value in them, staff's left out."""
    found = []
    for each in patterns or get_resolver().url_patterns:
        address = prefix + str(each.pattern)
        if isinstance(each, URLResolver) and address != "/admin/":
            found += pages(each.url_patterns, address)
        elif isinstance(each, URLPattern) and "<" not in address:
            found.append(address)
    return found


def people() -> dict[str, Client]:
    nobody, waits, types, has_account = Client(), Browser(), Browser(), Client()
    waits.step_one()
    types.confirm()
    citizen()
    assert sign_in(has_account).status_code == 302
    return {"nobody": nobody, "who waits for a code": waits, "who types": types, "who has an account": has_account}


# What repeats a parameter on purpose. Where they have a query and cookies, they are compressed for our own pages only.
ON_THE_WAY = (
    PAGE,
    BY_CODE,
    "/portal/guide",
    *(f"/portal/{name}" for name in ("recovery", "recovery/branch", "registration", "registration/status")),
)
REPEATS = {("/portal/inbox/", "to"), *((page, "next") for page in ON_THE_WAY)}


def test_no_page_repeats_what_its_address_says() -> None:
    """Else another site could make it repeat a guess, and see by the length of the answer whether it was right."""
    marks = {name: f"/portal/{MARK}{name}" if name == "next" else MARK + name for name in NAMES}
    repeated = set()
    for client in people().values():
        for page in pages():
            answer = client.get(page, marks)
            text = "" if answer.streaming else answer.content.decode()
            repeated |= {(page, name) for name in NAMES if re.search(rf"{MARK}{name}\b", text)}
    assert repeated <= REPEATS


def test_no_page_repeats_the_path_or_the_headers() -> None:
    said = {"HTTP_REFERER": f"http://testserver/{MARK}", "HTTP_USER_AGENT": MARK, "HTTP_ACCEPT_LANGUAGE": MARK}
    for client in people().values():
        for page in (f"/{MARK}", f"/portal/{MARK}", URL, PAGE):
            assert MARK not in client.get(page, **said).content.decode()


def test_the_secret_of_every_form_is_another_one_on_each_page() -> None:
    browser = Browser()
    browser.confirm()
    seen = [
        re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(URL).content.decode()) for _ in range(3)
    ]
    assert len({each[0] for each in seen}) == 3
