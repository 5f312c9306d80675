"""The administrators' page in the admin: which requests wait to be checked, why, and the button that asks again now."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from common.persian import to_persian_digits
from registration.desk import texts as desk_words
from registration.models import Registration
from registration.services import held, waiting
from registration.services.waiting import Thresholds

NAME = "registration_registration_waiting"


def may_look(request: HttpRequest) -> bool:
    """Administrators; what holds up a whole queue is no clerk's work."""
    return bool(request.user.has_perm("registration.change_registration"))


def show(request: HttpRequest) -> HttpResponse:
    """GET: how it is now. POST: all that are held are due now."""
    if not may_look(request):
        raise PermissionDenied
    if request.method == "POST":
        count = to_persian_digits(held.match_all_again())
        messages.success(request, _("%(count)s held requests are due now.") % {"count": count})
        return redirect(f"admin:{NAME}")
    found = waiting.look()
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": _("Requests waiting for the registries"),
        "opts": Registration._meta,
        "found": found,
        "held": [(desk_words.held_words(each.outcome, each.kind), each) for each in found.held],
        "answers": [(desk_words.answer_words(answer), count) for answer, count in found.answers],
        "usage": [(desk_words.question_words(each.question), each) for each in found.usage],
        "wrong": bool(found.problems(Thresholds())),
        "looked_at": waiting.LOOKED_AT,
        "now": timezone.now(),
    }
    return TemplateResponse(request, "admin/registration/waiting.html", context)
