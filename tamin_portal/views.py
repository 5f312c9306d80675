"""Pages of no app: health, security.txt, guide and help, errors."""

from __future__ import annotations

import re
import sys
from datetime import UTC

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.sessions import given_back
from common import limits, maintenance
from common.database import is_locked
from common.links import absolute
from tamin_portal.guide import pictures as pictures_of_guide


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when a citizen can register: the database answers. Redis is not asked: it is only a hint.

    Maintenance is 200 as well, and said in the text: with anything else whoever spreads requests would take the webs
    out, and neither staff nor the page about it would be reached.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM registration_registration LIMIT 1")
    except DatabaseError:
        return HttpResponse("database", status=503, content_type="text/plain")
    return HttpResponse("maintenance" if maintenance.standing() else "ready", content_type="text/plain")


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
    """500; or 503 for whoever found something locked for too long (`common.database`): nothing is broken."""
    error = sys.exc_info()[1]
    if not (isinstance(error, OperationalError) and is_locked(error)):
        return render(request, "500.html", status=500)
    response = render(request, "503.html", status=503)
    response["Retry-After"] = str(int(limits.BUSY_COME_BACK.total_seconds()))
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form of ours comes back with what was typed and the reason; for any other sender the plain refusal."""
    return given_back.answer(request) or render(request, "403_csrf.html", status=403)
