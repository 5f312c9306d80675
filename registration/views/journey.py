"""The citizen's pages around the three steps: resend, change, next person, the closing page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.codes import delivery as code_delivery
from accounts.codes import proof_of_work
from accounts.codes import texts as code_texts
from accounts.life.lifecycle import account_exists
from accounts.models import CodePurpose
from accounts.sessions.store import asked_by_itself, renews_itself
from accounts.sign_in import destinations
from common import limits
from common.abuse.origins import origin_of
from common.errors import PortalError
from common.persian import mask_mobile
from common.sentences import digits
from registration import tracking
from registration.models import Registration
from registration.services import journey as service
from registration.services import lookup
from registration.services import status as status_service
from registration.session import Journey
from registration.states import State
from registration.texts import sentence


@require_POST
def resend(request: HttpRequest) -> HttpResponse:
    """Another code for this browser's row; also the way back after "continued elsewhere"."""
    journey, row = _journey(request)
    if row is None:
        messages.warning(request, sentence("session_ended"))
    elif request.POST.get("draft", journey.token) != journey.token:
        messages.warning(request, sentence("other_tab"))
    elif not journey.holds(row):
        _resend(request, journey, row)
    return redirect("registration")


def _resend(request: HttpRequest, journey: Journey, row: Registration) -> None:
    if journey.grant:  # ended by another device: from here on this browser waits for a code again
        journey.begin(row, duplicate=False)
    try:
        origin = origin_of(request.client_address)  # type: ignore[attr-defined]
        issued = service.resend(registration=row, asker=journey.asker, origin=origin)
    except PortalError as error:
        messages.error(request, sentence(error))
        return
    say = messages.success if issued.sent else messages.info
    say(request, code_texts.sentence_of(issued))


@asked_by_itself
@never_cache
@require_safe
def delivery(request: HttpRequest) -> HttpResponse:
    """The part of step two that the script renews: whether the code was delivered. 404 for any other session."""
    journey, row = _journey(request)
    if row is None or journey.holds(row):
        raise Http404
    return _delivery(request, journey, row)


def _delivery(request: HttpRequest, journey: Journey, row: Registration) -> HttpResponse:
    found = code_delivery.of_newest(purpose=CodePurpose.REGISTER, mobile=row.mobile, asker=journey.asker)
    context = {"delivery": found, "masked_mobile": mask_mobile(row.mobile)}
    return render(request, "shared/_delivery.html", context)


@asked_by_itself
@require_POST
@never_cache
def proof(request: HttpRequest) -> HttpResponse:
    """Take the solution of step two's proof of work, and send a held code. Answers with the page's part about it."""
    journey, row = _journey(request)
    if row is None or journey.holds(row):
        raise Http404
    proof_of_work.pay_place(
        purpose=CodePurpose.REGISTER,
        mobile=row.mobile,
        asker=journey.asker,
        solution=request.POST.get("proof", ""),
    )
    return _delivery(request, journey, row)


@require_POST
def change(request: HttpRequest) -> HttpResponse:
    """Back to step one with what was typed, to correct it."""
    journey, row = _journey(request)
    if row is not None:
        journey.change()
    return redirect("registration")


@require_POST
def restart(request: HttpRequest) -> HttpResponse:
    """Begin with an empty step one, for the next person at this browser."""
    Journey(request).forget()
    return redirect("registration")


@renews_itself
@never_cache
@require_safe
def done(request: HttpRequest) -> HttpResponse:
    """The closing page of a journey: where the request is now, or that an account exists."""
    journey = Journey(request)
    row = lookup.by_token(journey.receipt) if journey.receipt else None
    if row is None:
        return redirect("registration")
    journey.shown()
    return render(request, "registration/done.html", _closing(request, journey, row))


@asked_by_itself
@never_cache
@require_safe
def progress(request: HttpRequest) -> HttpResponse:
    """The part of the closing page that the script renews. 404 for a browser that finished nothing, or long ago."""
    journey = Journey(request)
    row = lookup.by_token(journey.receipt) if journey.receipt else None
    if row is None:
        raise Http404
    return render(request, "registration/_closing.html", _closing(request, journey, row))


def _closing(request: HttpRequest, journey: Journey, row: Registration) -> dict[str, Any]:
    """`state` as the page shows it; `had_account`: this browser comes too late, an account is there; `way_back`: to the
    service from which the person came."""
    state = _state_to_show(journey, row)
    waits = state == State.SUBMITTED
    late = state == State.SUPERSEDED or (state == State.APPROVED and not journey.submitted_here)
    return {
        "closes_in": journey.receipt_left,
        "state": state,
        "status": status_service.of(row) if row.tracking_code and not waits else None,
        "had_account": late and account_exists(national_id=row.national_id),
        "overtaken": state == State.SUPERSEDED and lookup.was_overtaken(row),
        "renews": int(limits.STATUS_RENEWS.total_seconds()) if waits else 0,
        "looks_every": int(limits.CLOSING_RENEWS.total_seconds()),
        "corrected": row.revision > 0,
        "way_back": destinations.way_back(row.came_from, request.COOKIES),
        "policy": settings.ACTIVATION_POLICY,
        "tracking_code": digits(tracking.grouped(row.tracking_code)) if row.tracking_code else "",
    }


def _state_to_show(journey: Journey, row: Registration) -> State:
    """Where the request is. Who has just submitted first reads the guide's system message, however quick matching
    was."""
    since = timezone.now() - row.submitted_at if row.submitted_at else None
    if journey.submitted_here and since is not None and since < limits.SYSTEM_MESSAGE_FIRST:
        return State.SUBMITTED
    return State(row.state)


def _journey(request: HttpRequest) -> tuple[Journey, Registration | None]:
    journey = Journey(request)
    return journey, lookup.by_token(journey.token) if journey.token else None
