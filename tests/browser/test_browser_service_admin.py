"""Connected services in the admin, with Chromium: the list, a trial from its button to its report, what was changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browsers import DESK, PHONE, Visitor
from tests.support.http_stub import serving
from tests.support.live import Portal
from tests.support.trial_stub import TriedService

pytestmark = pytest.mark.browser
LIST = "/admin/openid/connectedservice/"
BOSS, PASSWORD = "boss", "Toranj7sangak!"
# An administrator, and a service that was changed once; its addresses are on this machine.
MAKE = """
import dataclasses
from openid import services
from openid.service_facts import Facts
from tests.support.accounts import administrator
administrator()
facts = Facts(
    name="نسخه الکترونیک", redirect_uris=["{url}/callback", "https://nowhere.invalid/callback"],
    scopes={{"profile": "خوشامدگویی"}}, backchannel_logout_uri="{url}/logout", home_page="{url}/",
)
service = services.add(facts=facts, by="boss", reason="قرارداد ۱۲")[0]
more = dataclasses.replace(facts, scopes={{"profile": "خوشامدگویی", "national_id": "ماده ۱۲"}}, is_third_party=True)
services.change(service=service, revision=0, facts=more, by="boss", reason="قرارداد ۱۳")
services.add(facts=dataclasses.replace(facts, name="دارو"), by="boss", reason="قرارداد ۱۴")
"""


@pytest.fixture(scope="module")
def stub(portal: Portal) -> Iterator[TriedService]:
    with serving(TriedService()) as service:
        portal.home.manage("shell", "--no-imports", "-c", MAKE.format(url=service.url))
        yield service


@pytest.mark.parametrize("width", [DESK, PHONE])
@pytest.mark.usefixtures("stub")
def test_an_administrator_tries_a_service(chromium: Browser, portal: Portal, width: int) -> None:
    boss = Visitor(chromium, portal, width=width)
    boss.go(LIST)
    boss.page.locator("#id_username").fill(BOSS)
    boss.page.locator("#id_password").fill(PASSWORD)
    boss.page.locator("[type=submit]").first.click()
    boss.reads("نسخه الکترونیک")
    boss.seen("services-list")
    boss.page.get_by_role("link", name="نسخه الکترونیک").click()
    boss.seen("service-form")
    boss.page.get_by_role("link", name="امتحان سرویس").click()
    boss.press("شروع امتحان")
    boss.reads("nowhere.invalid")
    boss.seen("service-trial")
    boss.page.get_by_role("link", name="کارکرد و رویدادها").click()
    boss.reads("ماده ۱۲")
    boss.seen("service-usage")
