"""The page of all components: in a demo only, without the database, with every component of `shared/`."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from tests.support.pages import text_of
from tests.support.paths import ROOT


def test_a_demo_shows_every_component(client: Client) -> None:
    response = client.get("/portal/design/")
    assert response.status_code == 200
    html = response.content.decode()
    for part in ("stepper", "banner", "field", "button", "code", "summary", "timeline", "done", "pass"):
        assert f'id="part-{part}"' in html
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert sorted(ids) == sorted(set(ids))
    # It stands nowhere else: what a page includes from `shared/` is shown here, but for frames of whole pages.
    source = (ROOT / "templates/portal/design.html").read_text(encoding="utf-8")
    for name in ("_banner", "_cell", "_code_panel", "_pass", "_password_rules", "_summary_row", "_tab"):
        assert f'"shared/{name}.html"' in source


def test_outside_a_demo_there_is_no_such_page(client: Client, settings: Any) -> None:
    settings.DEMO = False
    assert client.get("/portal/design/").status_code == 404


@pytest.mark.django_db
def test_it_takes_nothing(client: Client) -> None:
    assert client.post("/portal/design/", {"code": "1"}).status_code == 405


def test_a_step_is_spoken_with_its_number_and_whether_it_is_done(client: Client) -> None:
    text = text_of(client.get("/portal/design/").content.decode())
    assert "گام ۱ از ۳، انجام شد:" in text
    assert "گام ۳ از ۳:" in text
    assert "بخش ۲ از ۳" in text
