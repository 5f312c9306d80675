"""A sentence that names a button says the button's own words, and the button is on the same page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.utils.translation import gettext

from accounts.models import Challenge, OneTimeCode
from common import limits
from tests.support.accounts import citizen
from tests.support.journeys import URL, Browser
from tests.support.paths import ROOT
from tests.support.profile import MOBILE, MOBILE_CODE, hand_in, owner
from tests.support.second_chances import owner_referred

TEMPLATES = ROOT / "templates"
INCLUDED = re.compile(r"{%\s*(?:include|extends)\s+[\"']([^\"']+)[\"']")
SHOWN = re.compile(r"<(?:button|a|summary|option)\b[^>]*>(.*?)</(?:button|a|summary|option)>", re.S)
WORDS = re.compile(r"{%\s*translate\s+[\"']([^\"']+)[\"']")
NAMED = re.compile(r"[Pp]ress “([^”]+)”")
GIVEN = re.compile(r"button=_\([\"']([^\"']+)[\"']\)")
PAGES = sorted(path for path in TEMPLATES.rglob("*.html") if not path.name.startswith("_"))
NEW_NUMBER = "09351234567"
# The number on record cannot be changed there, and `shared/_delivery.html` does not say that it can.
NOT_SAID = dict.fromkeys(("sign_in_code.html", "sign_in_again_code.html"), frozenset({"Change the mobile number"}))
SEND_AGAIN = "Send the code again"


@cache
def whole(name: str) -> str:
    """The source of a template with all that it includes or extends."""
    path = TEMPLATES / name
    source = path.read_text(encoding="utf-8") if path.exists() else ""  # else it is Django's own
    return source + "".join(whole(other) for other in INCLUDED.findall(source) if other != name)


def buttons(source: str) -> set[str]:
    return {words for shown in SHOWN.findall(source) for words in WORDS.findall(shown)} | set(GIVEN.findall(source))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(TEMPLATES).as_posix())
def test_a_button_that_a_page_names_is_on_it(path: Any) -> None:
    source = whole(path.relative_to(TEMPLATES).as_posix())

    assert set(NAMED.findall(source)) - NOT_SAID.get(path.name, set()) <= buttons(source)


def test_there_are_pages_that_name_buttons() -> None:
    naming = [path for path in PAGES if NAMED.search(whole(path.relative_to(TEMPLATES).as_posix()))]
    assert len(naming) >= 5


def test_no_sentence_of_the_code_pages_speaks_of_a_button_without_its_name() -> None:
    for path in sorted(ROOT.glob("accounts/**/texts.py")) + sorted(ROOT.glob("registration/**/texts.py")):
        source = path.read_text(encoding="utf-8")
        assert "the button below" not in source
        assert "the button above" not in source


# ── The five pages on which a code is typed.


def of_registration() -> Iterator[Any]:
    browser = Browser()
    browser.step_one()
    yield lambda code: browser.step_two(code)


def of_other_number() -> Iterator[Any]:
    browser = Browser()
    owner_referred(browser)
    browser.post(URL + "/number", {"draft": browser.draft(), "operator": "mci", "mobile": NEW_NUMBER})
    yield lambda code: browser.post(URL + "/number/code", {"draft": browser.draft(), "code": code})


def of_sign_in() -> Iterator[Any]:
    user = citizen()
    browser = Client()
    browser.post("/portal/sign-in/by-code", {"national_id": user.national_id})
    yield lambda code: browser.post("/portal/sign-in/code", {"code": code})


def of_recovery() -> Iterator[Any]:
    user = citizen()
    browser = Client()
    browser.post("/portal/recovery", {"national_id": user.national_id})
    yield lambda code: browser.post("/portal/recovery/code", {"code": code})


def of_profile() -> Iterator[Any]:
    _user, browser = owner()
    hand_in(browser, MOBILE, mobile=NEW_NUMBER)
    change = browser.get(MOBILE_CODE).context["form"].initial.get("change", "")
    yield lambda code: browser.post(MOBILE_CODE, {"change": change, "code": code})


CODE_PAGES: list[Callable[[], Iterator[Any]]] = [of_registration, of_other_number, of_sign_in, of_recovery, of_profile]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("page", CODE_PAGES, ids=lambda page: page.__name__)
@pytest.mark.parametrize("fault", ["late", "tries"])
def test_after_a_code_that_is_no_good_any_more_the_named_button_is_there(page: Any, fault: str) -> None:
    post = next(page())
    for _ in range(limits.CODE_TRIES if fault == "tries" else 1):
        post("000000")
    if fault == "late":
        OneTimeCode.objects.update(created_at=F("created_at") - limits.CODE_LIFE - timedelta(minutes=30))
    Challenge.objects.update(asked_at=F("asked_at") - limits.CODE_GAP)
    answer = post("000000")
    html = answer.content.decode()
    said = " ".join(answer.context["form"].errors["code"])
    named = re.findall("«([^»]+)» را بزنید", said)
    assert named == [gettext(SEND_AGAIN)], said
    assert re.search(rf"<button[^>]*>{named[0]}</button>", html)
