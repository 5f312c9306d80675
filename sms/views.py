"""The inbox page: in demo mode, the phone that codes and results arrive on."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from sms.phone import conversations, received
from tamin_portal.form_fields import MobileField


class NumberForm(forms.Form):
    """Whose phone to look at."""

    use_required_attribute = False
    to = MobileField()


@never_cache
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """`?to=` shows one number's SMS, newest first; without it, the newest of each. 404 outside demo mode."""
    if not settings.DEMO:
        raise Http404
    form = NumberForm(request.GET if request.GET.get("to") else None)
    context: dict[str, object] = {"form": form}
    if form.is_valid():
        context |= {"number": form.cleaned_data["to"], "bubbles": received(to=form.cleaned_data["to"])}
    elif not form.is_bound:
        context["conversations"] = conversations()
    return render(request, "sms/inbox.html", context)
