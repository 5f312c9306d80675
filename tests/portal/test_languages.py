"""The language of the pages: Persian for everybody, English for who chose it, and a third by its catalogue alone."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polib
import pytest
from django.conf import settings as portal_settings
from django.template import Context, Template
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import translation

from accounts.models import Branch
from common import languages, sentences
from common.middleware import ChosenLanguage
from mail.models import Letter
from registration import cities
from registration.services import matching
from registration.states import State
from sms.models import Message
from tests.support.accounts import PASSWORD
from tests.support.journeys import MATCHES, URL, Answers, Browser, code_on, registration_in, row_of
from tests.support.paths import ROOT
from tests.support.profile import owner
from tests.support.recoveries import Recoverer, account_of

pytestmark = pytest.mark.django_db
PERSIAN = re.compile("[\u0600-\u06ff]+")
SERIES_LETTER = re.compile("^\\s*(الف|ب|ل|د|ر) \\((?=[a-z]+\\)$)")  # with its name: it is on the certificate
VOID = ("area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr")
SAID_BY = ("aria-label", "title", "alt", "placeholder", "label", "data-show", "data-hide", "data-ready-text")
BORN = dt.date(1991, 8, 8)


class Said(HTMLParser):
    """What a page says to who reads or hears it, without what is marked as Persian: names, and what people wrote."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[bool] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        marked = given.get("lang") == "fa" or (bool(self.open) and self.open[-1])
        if tag not in VOID:
            self.open.append(marked or tag in ("script", "style"))
        if not marked:
            self.words += [given.get(name) or "" for name in SAID_BY]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not (self.open and self.open[-1]):
            self.words.append(data)


def persian_in(page: Any) -> list[str]:
    """The Persian words on a page that nothing marks as Persian. «رضا» is a name in the middle of a sentence."""
    html = page.content.decode().replace(f"{MATCHES.first_name} {MATCHES.last_name}", "")
    return PERSIAN.findall(" ".join(SERIES_LETTER.sub("", word) for word in Said(html).words))


def in_english(browser: Client) -> Client:
    browser.cookies[portal_settings.LANGUAGE_COOKIE_NAME] = "en"
    return browser


def page_in(browser: Client, address: str, **query: str) -> Any:
    page = browser.get(address, query)
    assert page.status_code == 200, (address, page.status_code, page.headers)
    return page


# Which language.


@pytest.mark.parametrize("wish", ["en-US,en;q=0.9", "de", "fa-IR", "*", ""])
def test_a_browser_in_any_language_gets_persian(wish: str) -> None:
    page = page_in(Client(headers={"accept-language": wish}), URL)
    assert '<html lang="fa" dir="rtl">' in page.content.decode()
    assert page["Content-Language"] == "fa"
    assert "Accept-Language" not in page["Vary"]


def test_the_link_leads_to_the_same_page_in_english_and_stays() -> None:
    browser = Client()
    page = page_in(browser, "/portal/", next="/portal/profile")
    [link] = re.findall(r'<a href="([^"]*)" lang="en"[^>]*>English</a>', page.content.decode())
    answer = browser.get("/portal/" + link, HTTP_REFERER="http://testserver/portal/?next=%2Fportal%2Fprofile")
    assert (answer.status_code, answer["Location"]) == (302, "/portal/?next=%2Fportal%2Fprofile")
    page = page_in(browser, "/portal/", next="/portal/profile")
    assert '<html lang="en" dir="ltr">' in page.content.decode()
    assert "Sign in to the portal" in page.content.decode()
    assert '<html lang="en" dir="ltr">' in page_in(browser, URL).content.decode()
    [back] = re.findall(r'<a href="\?([^"]*)" lang="fa"[^>]*>فارسی</a>', page_in(browser, URL).content.decode())
    browser.get(f"{URL}?{back}")
    assert '<html lang="fa" dir="rtl">' in page_in(browser, URL).content.decode()


def test_the_choice_is_kept_a_year_by_a_cookie_that_no_script_reads() -> None:
    cookie = Client().get(URL, {"language": "en"}).cookies[portal_settings.LANGUAGE_COOKIE_NAME]
    assert cookie.value == "en"
    assert cookie["max-age"] == timedelta(days=365).total_seconds()
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", "/", "")


def test_the_choice_costs_no_query_and_makes_no_session(django_assert_num_queries: Any) -> None:
    browser = Client()
    with django_assert_num_queries(0):
        browser.get(URL, {"language": "en"})
    assert set(browser.cookies) == {portal_settings.LANGUAGE_COOKIE_NAME}


def test_a_page_in_a_cache_is_not_shown_to_who_chose_another_language() -> None:
    for page in (page_in(Client(), URL), page_in(in_english(Client()), URL)):
        assert "Cookie" in page["Vary"]
        assert "no-store" in page["Cache-Control"] or "no-cache" in page["Cache-Control"]


@pytest.mark.parametrize("value", ["de", "EN", "../fa", "en\x00", "fa-IR", "ar", "", "x" * 5000])
def test_a_language_that_is_not_there_is_persian(value: str) -> None:
    browser = Client()
    browser.cookies[portal_settings.LANGUAGE_COOKIE_NAME] = value
    assert '<html lang="fa"' in page_in(browser, URL).content.decode()
    asked = Client().get(URL, {"language": value})
    assert asked.status_code == 200
    assert portal_settings.LANGUAGE_COOKIE_NAME not in asked.cookies


@pytest.mark.parametrize("path", ["//evil.example/", "///evil.example", "/\\evil.example", "//evil.example/%2e%2e"])
def test_the_link_leads_to_no_other_host(path: str) -> None:
    answer = Client().get("/", {"language": "en"}, PATH_INFO=path)
    assert answer.status_code == 302
    assert re.match(r"/(%2F|%5C|portal)", answer["Location"]), answer["Location"]


def test_the_link_keeps_what_the_address_asked_for_by_the_referrer_of_this_page_alone() -> None:
    def leads_to(referrer: str) -> str:
        return str(Client().get("/portal/branches", {"language": "en"}, HTTP_REFERER=referrer)["Location"])

    assert leads_to("http://testserver/portal/branches?city=x&language=fa") == "/portal/branches?city=x"
    assert leads_to("http://testserver/portal/registration?part=contact") == "/portal/branches"
    assert leads_to("http://evil.example/portal/branches?city=x") == "/portal/branches"
    assert leads_to("http://[::1") == "/portal/branches"  # no address at all


def test_a_form_that_is_sent_chooses_nothing() -> None:
    answer = Client().post(f"{URL}?language=en", {})
    assert portal_settings.LANGUAGE_COOKIE_NAME not in answer.cookies


def test_one_persons_choice_does_not_reach_the_next_one() -> None:
    page_in(in_english(Client()), URL)
    assert translation.get_language() == "fa"
    assert '<html lang="fa"' in Client().get("/no-such-page").content.decode()


def test_what_is_refused_before_the_page_is_in_the_chosen_language_too() -> None:
    refused = in_english(Client()).post(URL, "x" * 300_000, content_type="text/plain")
    assert refused.status_code == 413
    assert '<html lang="en" dir="ltr">' in refused.content.decode()


def test_the_desk_stays_persian(boss: Client) -> None:
    page = page_in(in_english(boss), "/admin/")
    assert 'lang="fa"' in page.content.decode()
    assert 'dir="rtl"' in page.content.decode()
    assert portal_settings.LANGUAGE_COOKIE_NAME not in boss.get("/admin/", {"language": "en"}).cookies


# What is in it.


def test_every_page_without_a_sign_in_is_in_english() -> None:
    Branch.objects.create(code="0001", name="شعبه ۱ تهران", city="تهران", address="خیابان آزادی")
    browser = in_english(Client())
    addresses = [reverse(name) for name in ("sign_in", "registration", "registration_status", "recovery", "branches")]
    for address in (*addresses, "/portal/inbox/"):
        assert persian_in(page_in(browser, address)) == [], address
    assert persian_in(page_in(browser, "/portal/branches", city="تهران")) == []
    for address in ("/portal/nowhere", "/portal/not-me/abcdefgh", "/portal/email/abcdefgh"):
        assert persian_in(browser.get(address)) == [], address


@pytest.mark.django_db(transaction=True)
def test_the_whole_registration_is_in_english_and_its_sms_in_persian(browser: Browser) -> None:
    in_english(browser)
    wrong = browser.step_one(MATCHES, national_id="1234567890", mobile="1")
    assert "This national ID is not correct" in wrong.content.decode()
    assert persian_in(wrong) == []
    browser.step_one()
    assert persian_in(page_in(browser, URL)) == []
    assert persian_in(browser.step_two("000000")) == []
    browser.step_two(code_on(MATCHES.mobile))
    page = page_in(browser, URL)
    assert persian_in(page) == []
    assert ">Mordad</option>" in page.content.decode()
    for wrong in ({"birth_day": "32"}, {"city": ""}, {"password": "short"}):
        assert persian_in(browser.step_three(Answers.of(MATCHES, **wrong))) == []
    contact, review = (page_in(browser, URL + asked) for asked in ("?part=contact", ""))
    assert ">Tehran</option>" in contact.content.decode()
    assert "17 Mordad 1370" in review.content.decode()
    assert persian_in(contact) == []
    assert [word for word in persian_in(review) if word not in (MATCHES.first_name, MATCHES.last_name)] == []
    browser.step_three(Answers.of(MATCHES))
    row = row_of(MATCHES)
    assert row.city == "تهران، تهران"
    assert persian_in(page_in(browser, f"{URL}/done")) == []
    matching.match_due()
    assert persian_in(page_in(browser, f"{URL}/done")) == []
    assert persian_in(page_in(browser, f"{URL}/status")) == []
    texts = list(Message.objects.values_list("text", flat=True))
    assert len(texts) >= 2
    assert all(PERSIAN.search(text) and not re.search("[A-Za-z]{4}", text.partition("@")[0]) for text in texts), texts


@pytest.mark.parametrize("state", list(State))
def test_every_state_of_a_request_is_told_in_english(state: State) -> None:
    row = registration_in(state)
    browser = in_english(Client())
    browser.post(f"{URL}/status", {"national_id": row.national_id, "tracking_code": row.tracking_code or "0"})
    assert persian_in(page_in(browser, f"{URL}/status")) == []


@pytest.mark.django_db(transaction=True)
def test_the_pages_of_a_recovery_are_in_english() -> None:
    account_of()
    browser = Recoverer()
    in_english(browser)
    browser.begin()
    assert persian_in(browser.look("recovery_code")) == []
    browser.step("recovery_code", code=code_on(MATCHES.mobile))
    assert persian_in(browser.look("recovery_answer")) == []
    assert persian_in(browser.step("recovery_answer", answer="نه")) == []
    assert persian_in(browser.look("recovery_branch")) == []


@pytest.mark.django_db(transaction=True)
def test_the_pages_of_an_account_are_in_english_and_its_notices_in_persian() -> None:
    user, browser = owner()
    in_english(browser)
    for name in ("home", "profile", "profile_password", "profile_question", "profile_sign_in_code", "profile_email",
                 "profile_mobile", "profile_devices", "profile_history"):  # fmt: skip
        assert persian_in(page_in(browser, reverse(name))) == [], name
    profile = page_in(browser, reverse("profile")).content.decode()
    assert "17 Mordad 1370 (8 August 1991)" in profile
    assert ">Tehran<" in profile
    browser.post(reverse("profile_email"), {"email": "new@example.com", "current_password": PASSWORD})
    browser.post(reverse("profile_sign_in_code"), {"on": "on", "current_password": PASSWORD})
    browser.post(
        reverse("profile_question"),
        {"security_question": "first_book", "security_answer": "شازده", "current_password": PASSWORD},
    )
    assert persian_in(page_in(browser, reverse("profile_history"))) == []
    texts = [*Message.objects.values_list("text", flat=True), *Letter.objects.values_list("text", flat=True)]
    assert len(texts) >= 2, user
    assert all(PERSIAN.search(text) and "account" not in text for text in texts), texts


def test_a_guides_notice_says_that_it_is_translated_and_only_then() -> None:
    mark = "Translated from the organization's Persian guide"
    assert mark in page_in(in_english(Client()), URL).content.decode().replace("&#x27;", "'")
    assert "translated" not in page_in(Client(), URL).content.decode()


@pytest.mark.django_db(transaction=True)
def test_names_are_typed_in_persian_on_an_english_page_too(browser: Browser) -> None:
    in_english(browser)
    browser.step_one()
    browser.step_two(code_on(MATCHES.mobile))
    page = page_in(browser, URL).content.decode()
    for name in ("last_name", "first_name"):
        [box] = re.findall(rf'<input[^>]*name="identity-{name}"[^>]*>', page)
        assert 'lang="fa"' in box
        assert 'dir="rtl"' in box


def test_every_city_and_country_has_a_name_of_its_own_in_english() -> None:
    with translation.override("en"):
        grouped = [choice for choice in cities.city_choices() if isinstance(choice[1], tuple)]
        provinces = [str(province) for province, _cities in grouped]
        assert provinces == sorted(provinces)
        for province, choices in grouped:
            names = [str(name) for _value, name in choices]  # type: ignore[union-attr]
            assert len(set(names)) == len(names), province
            assert names[1:] == sorted(names[1:])
            assert not PERSIAN.search(" ".join(names))
        countries = [str(name) for _code, name in cities.country_choices()]
        assert countries[0] == "Iran"
        assert len(set(countries)) == len(countries)
        values = {value for _province, choices in grouped for value, _name in choices}
    assert values == {value for _p, choices in cities.CITIES if isinstance(choices, tuple) for value, _n in choices}


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("fa", ["۱۳۷۰/۰۵/۱۷", "۱۷ مهر", "پنج", "ده دقیقه", "سه بار", "یک هفته", "۱۲ روز", "۱:۰۵", "۹۷٫۵٪"]),
        (
            "en",
            ["17 Mordad 1370 (8 August 1991)", "17 مهر", "five", "ten minutes", "three times", "one week", "12 days",
             "1:05", "97.5%"],
        ),
    ],
)  # fmt: skip
def test_dates_numbers_and_spans_are_written_as_the_language_does(language: str, shown: list[str]) -> None:
    with translation.override(language):
        template = Template("{% load persian_text %}{{ share|percent }}")
        assert [
            sentences.jalali(BORN),
            sentences.digits("17 مهر"),
            sentences.in_words(5),
            sentences.in_words(timedelta(minutes=10)),
            sentences.times(3),
            sentences.in_words(timedelta(weeks=1)),
            sentences.in_digits(timedelta(days=12)),
            sentences.clock(65),
            template.render(Context({"share": 0.975})),
        ] == shown


def test_one_of_something_is_no_plural_in_english() -> None:
    with translation.override("en"):
        assert sentences.in_words(timedelta(minutes=1)) == "one minute"
        assert sentences.wait_in_words(1) == "1 second"
        assert sentences.number_in_words(11) == "11"


# A third language.


@pytest.fixture
def kurdish(tmp_path: Path) -> Iterator[None]:
    """A made-up beginning of Central Kurdish: one catalogue in a folder, with its digits, one month and two words."""
    home = tmp_path / "locale"
    shutil.copytree(ROOT / "locale", home)
    catalogue = polib.POFile()
    catalogue.metadata = {"Language": "ckb", "Content-Type": "text/plain; charset=UTF-8",
                          "Plural-Forms": "nplurals=2; plural=(n != 1);"}  # fmt: skip
    for context, msgid, msgstr in (
        (None, languages.DIGITS, "٠١٢٣٤٥٦٧٨٩"),
        ("month", "مرداد", "گەلاوێژ"),
        (None, "National ID", "ژمارەی نیشتمانی"),
    ):
        catalogue.append(polib.POEntry(msgctxt=context, msgid=msgid, msgstr=msgstr))
    folder = home / "ckb" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    catalogue.save_as_mofile(str(folder / "django.mo"))
    found = languages.found(home, "fa")
    with override_settings(LOCALE_PATHS=[home], LANGUAGES=found, LANGUAGES_BIDI=languages.right_to_left(found)):
        yield
    cities._cities_in.cache_clear()
    cities._countries_in.cache_clear()


@pytest.mark.usefixtures("kurdish")
def test_a_third_language_needs_its_catalogue_alone() -> None:
    assert portal_settings.LANGUAGES == [("fa", "فارسی"), ("ckb", "کوردی"), ("en", "English")]
    browser = Client()
    page = page_in(browser, URL).content.decode()
    assert re.findall(r'href="\?language=(\w+)" lang="\w+" hreflang="\w+" dir="(\w+)"', page) == [
        ("ckb", "rtl"),
        ("en", "ltr"),
    ]
    browser.get(URL, {"language": "ckb"})
    page = page_in(browser, URL).content.decode()
    assert '<html lang="ckb" dir="rtl">' in page
    assert "ژمارەی نیشتمانی" in page
    assert 'data-digits="٠١٢٣٤٥٦٧٨٩"' in page
    assert "اپراتور" in page  # not translated: the portal's own language
    with translation.override("ckb"):
        assert sentences.jalali(BORN).startswith("١٧ گەلاوێژ ١٣٧٠ (٨")
        assert sentences.in_words(timedelta(days=5)) == "٥ روز"
        assert languages.place("فارس، شیراز") == "فارس, شیراز"
        assert [name for _code, name in cities.country_choices()][:2] == ["ایران", "آرژانتین"]


def test_a_middleware_that_starts_later_knows_the_languages_of_then() -> None:
    with override_settings(LANGUAGES=[("fa", "فارسی")]):
        only_persian = ChosenLanguage(lambda request: None)  # type: ignore[arg-type,return-value]
    assert only_persian.codes == {"fa"}
