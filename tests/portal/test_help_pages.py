"""The guide, the privacy notice and the accessibility statement; where they are reached; the help by phone."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tamin_portal.front_pages import PAGES
from tamin_portal.guide import pictures
from tests.support.accounts import citizen
from tests.support.commands import run
from tests.support.entrances import PAGE, sign_in
from tests.support.journeys import URL, Browser
from tests.support.pages import assert_fits_the_policy, text_of
from tests.support.paths import ROOT

pytestmark = pytest.mark.django_db
GUIDE, PRIVACY, ACCESSIBILITY = "/portal/guide", "/portal/help/privacy", "/portal/help/accessibility"
WORDS = json.loads((ROOT / "tests" / "guide_sentences.json").read_text(encoding="utf-8"))
HEAVIEST = 40_000  # bytes of one picture


def html_of(page: str, client: Client | None = None) -> str:
    answer = (client or Client()).get(page)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_guide_has_the_words_of_the_organisations_guide_in_their_order() -> None:
    text = text_of(html_of(GUIDE))
    at = -1
    for sentence in WORDS["guide page"]:
        found = text.find(" ".join(sentence.split()), at + 1)
        assert found > at, sentence
        at = found


def test_what_was_misread_when_the_guide_was_copied_is_mended() -> None:
    text = text_of(html_of(GUIDE))
    for slip in ("میباز به", "گرمی", "ثبت قانونی", "بعهدہ", "کفایست", "ایرانشهر", "خدمات مشتریان", "ماشینین"):
        assert slip not in text


@pytest.mark.parametrize("page", [GUIDE, PRIVACY, ACCESSIBILITY])
def test_a_help_page_needs_no_database_and_fits_the_policy(page: str, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        html = html_of(page)
    assert_fits_the_policy(html)
    assert html.count("<h1") == 1


def test_every_picture_is_there_and_light_and_says_what_it_shows() -> None:
    html = html_of(GUIDE)
    shown = re.findall(r"<img [^>]*>", html)
    assert {name for name in pictures() if f"/guide/{name}.png" in html} == set(pictures())
    assert {"sign-in", "step-one", "step-two", "step-three-1", "done", "duplicate", "wrong-code", "profile"} <= set(
        pictures()
    )
    for tag in shown:
        assert 'loading="lazy"' in tag
        assert re.search(r'alt="[^"]{10,}"', tag)
    for picture in pictures().values():
        file = ROOT / "static" / "src" / picture.file
        head = file.read_bytes()[:24]
        assert struct.unpack(">II", head[16:24]) == (picture.width, picture.height)
        assert file.stat().st_size < HEAVIEST


PAGES_OF_CITIZENS = [
    URL,
    PAGE,
    "/portal/registration/status",
    "/portal/recovery",
    "/portal/branches",
    GUIDE,
    PRIVACY,
    "/nowhere",
]


@pytest.mark.parametrize("page", PAGES_OF_CITIZENS)
def test_help_is_at_the_foot_of_every_page(page: str) -> None:
    foot = Client().get(page).content.decode().partition("<footer")[2]
    for way in (GUIDE, PRIVACY, ACCESSIBILITY):
        assert f'href="{way}"' in foot


def test_help_is_at_the_foot_of_pages_behind_a_sign_in_and_of_a_registration() -> None:
    citizen()
    client = Client()
    sign_in(client)
    browser = Browser()
    browser.step_one()
    for html in (html_of("/portal/home", client), html_of("/portal/profile", client), html_of(URL, browser)):
        assert f'href="{GUIDE}"' in html.partition("<footer")[2]


@pytest.mark.parametrize("page", [URL, PAGE])
def test_the_first_pages_lead_to_the_guide(page: str) -> None:
    assert f'href="{GUIDE}"' in html_of(page).partition("<main")[2].partition("</main>")[0]


def test_the_phone_of_the_help_is_named_where_there_is_one(settings: Any) -> None:
    for page in (URL, PRIVACY, ACCESSIBILITY, "/nowhere"):
        assert "tel:" not in Client().get(page).content.decode()
    settings.HELP_PHONE = "+982112345678"
    for page in (URL, PRIVACY, ACCESSIBILITY, "/nowhere"):
        html = Client().get(page).content.decode()
        assert 'href="tel:+982112345678"' in html
        assert "+۹۸۲۱۱۲۳۴۵۶۷۸" in html


@pytest.mark.parametrize("number", ["call us", "021 1234", "<b>1420</b>", "1" * 20])
def test_a_phone_that_nobody_can_dial_is_refused(number: str) -> None:
    env = {**os.environ, "HELP_PHONE": number, "PORTAL_MODE": "demo", "SECRET_KEY": "x" * 50}
    command = [sys.executable, "-c", "import tamin_portal.settings"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode
    assert "HELP_PHONE" in done.stderr


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_fronts_own_pages_are_as_the_command_prints_them(name: str) -> None:
    """`manage.py front_page --into tools/front` makes them anew."""
    assert (ROOT / "tools" / "front" / f"{name}.html").read_text(encoding="utf-8") == run("front_page", name)


def test_all_of_them_are_written_into_a_folder(tmp_path: Path, settings: Any) -> None:
    settings.HELP_PHONE = "1420"
    run("front_page", "--into", str(tmp_path / "new"))
    written = {file.name for file in (tmp_path / "new").iterdir()}
    assert written == {f"{name}.html" for name in PAGES} | {"away.css"}
    assert 'href="tel:1420"' in (tmp_path / "new" / "away.html").read_text(encoding="utf-8")


def test_the_fronts_own_page_names_the_phone_of_the_help(settings: Any) -> None:
    settings.HELP_PHONE = "1420"
    assert 'href="tel:1420"' in run("front_page")
