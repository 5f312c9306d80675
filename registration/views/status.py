"""The status page and the branch pass of a request that was handed in."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.sessions.store import asked_by_itself, renews_itself
from accounts.sign_in import destinations
from common import limits
from common.abuse.origins import origin_of
from common.errors import PortalError
from common.qr import qr_code
from common.sentences import digits
from registration import tracking
from registration.forms.status import StatusForm
from registration.models import Registration
from registration.services import status as service
from registration.session import StatusAccess
from registration.states import State
from registration.texts import sentence

_ANOTHER = "another"  # in the address: asks for another request than that of this browser's journey


@renews_itself
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def status(request: HttpRequest) -> HttpResponse:
    """The form, or the time line of the request that this browser may see."""
    if request.method == "POST":
        return _look(request)
    looking = StatusAccess(request)
    row = None if _ANOTHER in request.GET else looking.registration()
    if row is None:
        return render(request, "registration/status_form.html", {"form": StatusForm()})
    context = _context(request, row) | {"renews": _renews(looking, row), "closes_in": looking.closes_in}
    return render(request, "registration/status.html", context)


@asked_by_itself
@never_cache
@require_safe
def timeline(request: HttpRequest) -> HttpResponse:
    """The part of the status page that the script renews. 404 once there is nothing to renew."""
    looking = StatusAccess(request)
    row = looking.registration()
    if row is None:
        raise Http404
    return render(request, "registration/_status.html", _context(request, row))


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """An empty status form: for the next request, or the next person at this browser."""
    StatusAccess(request).forget()
    return redirect(f"{reverse('registration_status')}?{_ANOTHER}")


@never_cache
@require_safe
def branch_pass(request: HttpRequest) -> HttpResponse:
    """What to take to a branch: the tracking code as text and for a scanner, the papers, and until when."""
    looking = StatusAccess(request)
    row = looking.registration()
    if row is None:
        return redirect("registration_status")
    context = _context(request, row) | {"closes_in": looking.closes_in}
    if not context["status"].at_branch:
        return redirect("registration_status")
    return render(request, "registration/pass.html", context | {"qr": qr_code(row.tracking_code or "")})


def _look(request: HttpRequest) -> HttpResponse:
    form, seconds = StatusForm(request.POST), 0
    if form.is_valid():
        address: str = request.client_address  # type: ignore[attr-defined]
        try:
            StatusAccess(request).begin(
                service.look(**form.cleaned_data, address=address, network=origin_of(address).network)
            )
            return redirect("registration_status")
        except PortalError as error:
            seconds = int(str(error.values.get("seconds", 0)))
            form.add_error(None, sentence(error))
    response = render(request, "registration/status_form.html", {"form": form})
    if seconds:
        response.status_code, response["Retry-After"] = 429, str(seconds)
    return response


def _context(request: HttpRequest, row: Registration) -> dict[str, Any]:
    return {
        "status": service.of(row),
        "tracking_code": digits(tracking.grouped(row.tracking_code or "")),
        "way_back": destinations.way_back(row.came_from, request.COOKIES),
    }


def _renews(looking: StatusAccess, row: Registration) -> int:
    """After how many seconds the page loads itself anew; 0: not (any more)."""
    since = looking.since or row.submitted_at or row.state_since
    checking = row.state == State.SUBMITTED
    going_on = timezone.now() - since < limits.STATUS_RENEWS_UNTIL
    return int(limits.STATUS_RENEWS.total_seconds()) if checking and going_on else 0
