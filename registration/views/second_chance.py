"""The pages of the second chance: what a referred citizen may do besides going to a branch. They need a grant."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.codes import delivery as code_delivery
from accounts.codes import proof_of_work
from accounts.codes import texts as code_texts
from accounts.models import CodePurpose
from accounts.sessions import given_back
from accounts.sessions.store import asked_by_itself, renews_itself
from common.abuse.origins import origin_of
from common.errors import PortalError
from common.persian import local_mobile, mask_mobile
from common.sentences import digits
from identity.matching import IDENTITY, OWNER
from registration import late_answers, tracking
from registration.forms.second_chance import CorrectionForm, OtherNumberForm
from registration.forms.steps import CodeForm
from registration.models import Registration
from registration.services import lookup
from registration.services import second_chance as service
from registration.services import status as status_service
from registration.services.journey import save_draft
from registration.session import Journey
from registration.states import State
from registration.texts import sentence

_Page = Callable[[HttpRequest, Journey, Registration], HttpResponse]
_MOVED_ON = ("grant_ended", "registration_closed")


def referred(kind: str = "") -> Callable[[_Page], Callable[[HttpRequest], HttpResponse]]:
    """Guard: only for a browser with the grant of a referred registration (of this `kind`); others are redirected."""

    def of_kind(page: _Page) -> Callable[[HttpRequest], HttpResponse]:
        @wraps(page)
        @never_cache
        def guarded(request: HttpRequest) -> HttpResponse:
            journey = Journey(request)
            row = lookup.by_token(journey.token) if journey.token else None
            refused = given_back.refused(request)
            sent = refused.posted if refused else request.POST if request.method == "POST" else None
            draft = sent.get("draft", "") if sent is not None else journey.token
            if row is None and draft and draft == journey.receipt:
                return redirect("registration_done")  # a double click: the first one ended the journey
            if row is None or draft != journey.token:
                if sent is not None:
                    messages.warning(request, sentence(_keep_late(request, sent, draft, other=row)))
                return redirect("registration")
            if not journey.holds(row) or row.state != State.REFERRED:
                return _moved_on(request, row)
            if kind and row.verdict_kind != kind:
                return redirect("registration_second_chance")
            return page(request, journey, row)

        return guarded

    return of_kind


@require_safe
@referred()
def second_chance(request: HttpRequest, journey: Journey, row: Registration) -> HttpResponse:
    """What did not agree (identity or mobile), what can be done about it here, and the branch."""
    journey.shown()
    context = {
        "status": status_service.of(row),
        "tracking_code": digits(tracking.grouped(row.tracking_code or "")),
        "tries": service.tries_left(national_id=row.national_id),
        "draft": journey.token,
    }
    return render(request, "registration/second_chance.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@referred(IDENTITY)
def correct(request: HttpRequest, journey: Journey, row: Registration) -> HttpResponse:
    """The identity as it was typed, to be corrected. A good POST sends it to matching again."""
    tries = service.tries_left(national_id=row.national_id)
    if not tries:
        return redirect("registration_second_chance")
    if request.method == "POST":
        form = CorrectionForm(request.POST, registration=row)
        save_draft(registration=row, grant=journey.grant, answers=form.answers_to_keep())
        answer = form.is_valid() and _handed_in(request, form, lambda: _correct(journey, row, form))
        if answer:
            return answer
    else:
        page = {"revision": row.revision, "draft": journey.token, "made_for": late_answers.mark_of(row)}
        initial = CorrectionForm.typed(row) | row.draft | page
        form = CorrectionForm(initial=initial, registration=row)
    return render(request, "registration/correct.html", {"form": form, "registration": row, "tries": tries})


def _correct(journey: Journey, row: Registration, form: CorrectionForm) -> HttpResponse:
    corrected = service.correct(
        registration=row, grant=journey.grant, revision=form.cleaned_data["revision"], identity=form.identity()
    )
    return _over(journey, corrected)


@require_http_methods(["GET", "HEAD", "POST"])
@referred(OWNER)
def number(request: HttpRequest, journey: Journey, row: Registration) -> HttpResponse:
    """Another mobile of the citizen: a good POST sends a code to it."""
    if request.method == "POST":
        form = OtherNumberForm(request.POST)
        answer = form.is_valid() and _handed_in(
            request, form, lambda: _change(request, journey, row, form), field="mobile"
        )
        if answer:
            return answer
    else:
        pending = service.pending_number(row)
        initial = {
            "draft": journey.token,
            "operator": pending.operator or row.operator,
            "made_for": late_answers.mark_of(row),
        }
        form = OtherNumberForm(initial=initial | {"mobile": local_mobile(pending.mobile) if pending.mobile else ""})
    return render(request, "registration/number.html", {"form": form, "masked_mobile": mask_mobile(row.mobile)})


def _change(request: HttpRequest, journey: Journey, row: Registration, form: OtherNumberForm) -> HttpResponse:
    typed = {name: form.cleaned_data[name] for name in ("mobile", "operator")}
    origin = origin_of(request.client_address)  # type: ignore[attr-defined]
    service.change_number(registration=row, grant=journey.grant, asker=journey.asker, origin=origin, **typed)
    return redirect("registration_number_code")


@renews_itself
@require_http_methods(["GET", "HEAD", "POST"])
@referred(OWNER)
def number_code(request: HttpRequest, journey: Journey, row: Registration) -> HttpResponse:
    """The page of the code that was sent to the other number."""
    pending = service.pending_number(row)
    if not pending.mobile:
        return redirect("registration_number")
    form = CodeForm(request.POST if request.method == "POST" else None, initial={"draft": journey.token})
    answer = form.is_valid() and _handed_in(request, form, lambda: _confirm(journey, row, form), field="code")
    if answer:
        return answer
    mine: dict[str, Any] = {"purpose": CodePurpose.NEW_MOBILE, "mobile": pending.mobile, "asker": journey.asker}
    now = code_delivery.standing(**mine)
    context = {
        "form": form,
        "masked_mobile": mask_mobile(pending.mobile),
        "wait": now.wait,
        "delivery": now.delivery,
        "proof": proof_of_work.for_place(delivery=now.delivery, **mine),
        "turn": code_delivery.renews(now.delivery),
    }
    return render(request, "registration/number_code.html", context)


def _confirm(journey: Journey, row: Registration, form: CodeForm) -> HttpResponse:
    found = service.confirm_number(
        registration=row, grant=journey.grant, asker=journey.asker, typed_code=form.cleaned_data["code"]
    )
    if not found.grant:
        return _over(journey, found.registration)
    journey.granted(found.registration, found.grant)
    return redirect("registration")


@asked_by_itself
@require_POST
@referred(OWNER)
def number_proof(request: HttpRequest, journey: Journey, row: Registration) -> HttpResponse:
    """Take the solution of the proof of work, as `registration.views.journey.proof`."""
    pending = service.pending_number(row)
    mine: dict[str, Any] = {"purpose": CodePurpose.NEW_MOBILE, "mobile": pending.mobile, "asker": journey.asker}
    proof_of_work.pay_place(solution=request.POST.get("proof", ""), **mine)
    context = {"delivery": code_delivery.of_newest(**mine), "masked_mobile": mask_mobile(pending.mobile)}
    return render(request, "shared/_delivery.html", context)


@require_POST
@referred(OWNER)
def number_resend(request: HttpRequest, journey: Journey, row: Registration) -> HttpResponse:
    """Send another code to the other number."""
    pending = service.pending_number(row)
    if not pending.mobile:
        return redirect("registration_number")
    try:
        issued = service.change_number(
            registration=row,
            grant=journey.grant,
            asker=journey.asker,
            mobile=pending.mobile,
            operator=pending.operator,
            origin=origin_of(request.client_address),  # type: ignore[attr-defined]
        )
    except PortalError as error:
        messages.error(request, sentence(error))
    else:
        messages.info(request, code_texts.sentence_of(issued))
    return redirect("registration_number_code")


def _keep_late(request: HttpRequest, sent: QueryDict, draft: str, *, other: Registration | None) -> str:
    """A page of the second chance came after its session's end, or while the browser is at the `other` request; which
    sentence says what became of it."""
    row = lookup.by_token(draft)
    form: CorrectionForm | OtherNumberForm | None = None
    if row and request.path == reverse("registration_correct"):
        form = CorrectionForm(sent, registration=row)
    elif row and request.path == reverse("registration_number"):
        form = OtherNumberForm(sent)
    answers = form.answers_to_keep() if form else {}
    kept = late_answers.keep(request.session, row, mark=sent.get("made_for", ""), answers=answers)
    if kept and (refused := given_back.refused(request)):
        refused.keep_all()
    if other:
        return "other_tab_kept" if kept else "other_tab"
    return "session_ended_kept" if kept else "session_ended"


def _moved_on(request: HttpRequest, row: Registration | None = None) -> HttpResponse:
    """Continued on another device, or decided meanwhile: the wizard's page says where the request is now."""
    if request.method == "POST" and not (row and row.state in (State.SUBMITTED, State.REFERRED)):
        messages.warning(request, sentence("registration_changed"))
    return redirect("registration")


def _over(journey: Journey, row: Registration) -> HttpResponse:
    journey.finish(row, submitted=row.state == State.SUBMITTED)
    return redirect("registration_done")


def _handed_in(
    request: HttpRequest, form: forms.Form, hand_in: Callable[[], HttpResponse], field: str | None = None
) -> HttpResponse | None:
    """The service's answer; None: it refused, and the form says why."""
    try:
        return hand_in()
    except PortalError as error:
        if error.code in _MOVED_ON:
            return _moved_on(request)
        form.add_error(field, forms.ValidationError(sentence(error), code=error.code))
        return None
