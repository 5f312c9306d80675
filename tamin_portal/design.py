"""The design page (demo mode only): every component of the pages, in every state, with made-up values.

It changes nothing and knows nobody. What is looked at here is looked at by tests/browser/test_browser_design.py too.
"""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from common.form_fields import CodeField, EmailAddressField, MobileField, NationalIdField, OperatorField
from common.qr import qr_code

TRACKING_CODE = "۱۲۳ ۴۵۶ ۷۸۹۰"


class SampleForm(forms.Form):
    """One field of each kind."""

    use_required_attribute = False
    national_id = NationalIdField()
    operator = OperatorField()
    mobile = MobileField()
    email = EmailAddressField()
    password = forms.CharField(label=_("Password"), widget=forms.PasswordInput(attrs={"dir": "ltr"}))
    day = forms.IntegerField(label=_("Day"), widget=forms.TextInput(attrs={"inputmode": "numeric", "dir": "ltr"}))
    month = forms.ChoiceField(label=_("Month"), choices=[("", _("Choose")), ("1", "۱"), ("2", "۲")])
    year = forms.IntegerField(label=_("Year"), widget=forms.TextInput(attrs={"inputmode": "numeric", "dir": "ltr"}))
    remember = forms.BooleanField(label=_("Sign in"), required=False)


class SampleCode(forms.Form):
    """The field of a code by SMS."""

    use_required_attribute = False
    code = CodeField()


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
