"""Pages of no app: health, security.txt, guide and help, errors."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from copy import copy
from datetime import UTC
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.sessions import given_back
from common import broker, limits, maintenance
from common.database import is_away, is_locked
from common.links import absolute
from sms import seen
from tamin_portal.guide import pictures as pictures_of_guide


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when a citizen can register: the database answers. Without Redis codes come some seconds later, and without a
    gateway that was seen none come: then the text says `degraded` and why.

    Maintenance is 200 as well, and said in the text: with anything else whoever spreads requests would take the webs
    out, and neither staff nor the page about it would be reached.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM registration_registration LIMIT 1")
        nobody_sends = seen.nobody_sends()
    except (DatabaseError, InterfaceError):
        return HttpResponse("database", status=503, content_type="text/plain")
    state = "maintenance" if maintenance.standing() else "ready"
    faults = []
    if fault := broker.fault():
        faults.append(f"redis ({fault}); workers look every few seconds by themselves")
    if nobody_sends:
        faults.append("sms (no gateway has been seen); every message waits for: manage.py sms_send_test")
    if faults:
        state = f"{state.replace('ready', 'degraded')}: {'. '.join(faults)}"
    return HttpResponse(state, content_type="text/plain")


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Whom to tell of a vulnerability (RFC 9116), from `SECURITY_CONTACT`; without it, 404."""
    if not settings.SECURITY_CONTACT:
        raise Http404
    expires = (timezone.now() + limits.SECURITY_TXT_LIFE).astimezone(UTC).replace(hour=0, minute=0, second=0)
    lines = [
        *(f"Contact: {contact}" for contact in settings.SECURITY_CONTACT),
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: fa, en",
        f"Canonical: {absolute(request.path)}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
def guide(request: HttpRequest) -> HttpResponse:
    """The organisation's guide to the registration, with pictures of the pages as they are now."""
    pictures = pictures_of_guide()
    context = {
        "pictures": {name.replace("-", "_"): picture for name, picture in pictures.items()},
        "filled": [picture for name, picture in pictures.items() if re.fullmatch(r"step-three-\d+", name)],
        "address": absolute(reverse("registration")),
    }
    return render(request, "portal/guide.html", context)


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """What the portal keeps of people, for how long, and who sees it."""
    return render(request, "portal/privacy.html")


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """For whom the pages were tried, what does not work yet, and whom to tell."""
    return render(request, "portal/accessibility.html")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 for a body larger than any form of ours."""
    if isinstance(exception, RequestDataTooBig):
        return render(request, "413.html", status=413)
    return render(request, "400.html", status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """500; or 503 where something was locked for too long or the database is away for a moment (`common.database`):
    nothing is broken, and it can be sent again."""
    error = sys.exc_info()[1]
    if isinstance(error, OperationalError) and is_locked(error):
        return _come_back(render(request, "503.html", status=503))
    if isinstance(error, DatabaseError | InterfaceError) and is_away(error):
        return _database_is_away(request)
    return render(request, "500.html", status=500)


def _database_is_away(request: HttpRequest) -> HttpResponse:
    """A page that asks the database nothing, with what was typed and a button that sends it once more."""
    bare = copy(request)
    for name in ("session", "user", "auser"):  # whoever reads these asks the database
        vars(bare).pop(name, None)
    context: dict[str, Any] = {"was_sent": request.method == "POST", "address": request.get_full_path()}
    if typed := given_back.typed_on_our_page(request):
        with suppress(DatabaseError, InterfaceError):  # the choices of a field may be rows
            context |= {"words": typed.words(), "again": typed.to_send_again()}
    response = _come_back(render(bare, "portal/database_away.html", context, status=503))
    response["Cache-Control"] = "no-store"
    return response


def _come_back(response: HttpResponse) -> HttpResponse:
    response["Retry-After"] = str(int(limits.BUSY_COME_BACK.total_seconds()))
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form of ours comes back with what was typed and the reason; for any other sender the plain refusal."""
    return given_back.answer(request) or render(request, "403_csrf.html", status=403)
