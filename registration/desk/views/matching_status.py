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
from registration.desk import texts as desk_texts
from registration.models import Registration
from registration.services import matching_status, retries
from registration.services.matching_status import Thresholds

NAME = "registration_registration_waiting"


def may_look(request: HttpRequest) -> bool:
    """Whether the user is an administrator: a queue that is held up is no clerk's work."""
    return bool(request.user.has_perm("registration.change_registration"))


def show(request: HttpRequest) -> HttpResponse:
    """GET: the state of the queue. POST: make all held requests due now."""
    if not may_look(request):
        raise PermissionDenied
    if request.method == "POST":
        count = to_persian_digits(retries.match_all_again())
        messages.success(request, _("%(count)s held requests are due now.") % {"count": count})
        return redirect(f"admin:{NAME}")
    found = matching_status.look()
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": _("Requests waiting for the registries"),
        "opts": Registration._meta,
        "found": found,
        "held": [(desk_texts.held_words(each.outcome, each.kind), each) for each in found.held],
        "answers": [(desk_texts.answer_words(answer), count) for answer, count in found.answers],
        "usage": [(desk_texts.question_words(each.question), each) for each in found.usage],
        "wrong": bool(found.problems(Thresholds())),
        "looked_at": matching_status.LOOKED_AT,
        "now": timezone.now(),
    }
    return TemplateResponse(request, "admin/registration/waiting.html", context)
