"""Sessions that end in a real browser: its clock and the rows of the portal are moved, nobody waits."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

from tests.support.browsers import Visitor
from tests.support.live import Portal

IDLE = """
from django.db.models import F
from accounts.models import Session
from common import limits
Session.objects.update(seen_at=F("seen_at") - limits.SESSION_IDLE)
"""
NEARLY_IDLE = IDLE.replace("limits.SESSION_IDLE", "limits.SESSION_IDLE + limits.SESSION_WARNING")


def shell(portal: Portal, program: str) -> str:
    return portal.home.manage("shell", "--no-imports", "-c", program)


def warning(page: Page) -> Locator:
    return page.get_by_role("alertdialog")


def passes(visitor: Visitor, minutes: float) -> None:
    visitor.context.clock.fast_forward(int(minutes * 60_000))
