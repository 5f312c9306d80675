"""The design page (demo mode only): every component of the pages, in every state, with made-up values.

It changes nothing and knows nobody. What is looked at here is looked at by tests/browser/test_browser_design.py too.
"""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from common.qr import qr_code
from tamin_portal.design.forms import SampleCode, SampleForm

TRACKING_CODE = "۱۲۳ ۴۵۶ ۷۸۹۰"


@require_safe
def design(request: HttpRequest) -> HttpResponse:
    """The page with all components. 404 outside demo mode."""
    if not settings.DEMO:
        raise Http404
    now = timezone.now()
    checking = SimpleNamespace(
        checking=True, received_at=now - timedelta(minutes=2), usual_minutes=3, state="submitted"
    )
    approved = SimpleNamespace(received_at=now - timedelta(minutes=2), decided_at=now, state="approved")
    referred = SimpleNamespace(received_at=now - timedelta(minutes=2), decided_at=now, state="referred", kind="owner")
    context = {
        "empty": SampleForm(prefix="empty"),
        "wrong": SampleForm({}, prefix="wrong"),
        "code": SampleCode(prefix="code"),
        "timelines": [checking, approved, referred],
        "tracking_code": TRACKING_CODE,
        "qr": qr_code("1234567890"),
        "now": now,
    }
    return render(request, "portal/design.html", context)
