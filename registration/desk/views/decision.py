"""The pages on which a clerk decides about one registration. Each calls one service; a good POST ends in a redirect.

The admin (registration/admin.py) checks the permission and gives these views their URLs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.sessions import given_back
from common import limits
from common.errors import PortalError
from common.persian import to_persian_digits
from registration import sms_texts
from registration.desk import service as desk
from registration.desk import texts as desk_texts
from registration.desk.forms import RejectForm, WorkForm
from registration.desk.session import Desk
from registration.desk.views import page_context
from registration.models import Registration
from registration.states import AT_BRANCH

PAGE = "admin:registration_registration_change"
_Page = Callable[[HttpRequest, Registration], HttpResponse]
_GONE_BY = ("not_at_desk", "changed_meanwhile", "account_exists")  # no field of the page is to blame


def _from_this_page(page: _Page) -> _Page:
    """Accept a POST only from a page that shows the request as it is now. Otherwise (a double click, an old tab,
    another clerk was quicker, the citizen corrected something) tell the clerk what happened, and show it again."""

    @wraps(page)
    def checked(request: HttpRequest, row: Registration) -> HttpResponse:
        if request.method == "POST":
            try:
                desk.check_seen(registration=row, revision=_revision(request))
            except PortalError as error:
                return _refused(request, row, error)
        return page(request, row)

    return checked


def show(request: HttpRequest, row: Registration) -> HttpResponse:
    """The desk page, with the ticks and the note that were kept."""
    own_desk = Desk(request.session)
    own_desk.open()
    _give_back(request, row)
    return _page(request, row, WorkForm(initial=own_desk.work(row)))


@_from_this_page
def ask(request: HttpRequest, row: Registration) -> HttpResponse:
    """Ask the civil registry now, where that costs something. The one POST that is answered with the page itself:
    the registry's answer is stored nowhere, so a redirect could not show it. Reloading the page asks again."""
    if request.method != "POST":
        return _back(row)
    own_desk = _keep_work(request, row)
    return _page(request, row, WorkForm(initial=own_desk.work(row)), ask=True)


@_from_this_page
def send_code(request: HttpRequest, row: Registration) -> HttpResponse:
    """Send a code to this registration's mobile; ticks and note come back after the redirect."""
    if request.method == "POST":
        own_desk = _keep_work(request, row)
        number = desk_texts.masked_mobile(row)
        try:
            issued = desk.send_code(registration=row, revision=_revision(request), asker=own_desk.asker(row))
        except PortalError as error:
            return _refused(request, row, error)
        values = {"number": number, "wait": to_persian_digits(issued.wait)}
        if issued.sent:
            said = _("A code is on its way to %(number)s. Ask the citizen to read it out.") % values
        elif issued.comes:
            said = _("%(number)s got a code a moment ago. Yours follows by itself in %(wait)s seconds.") % values
        else:
            said = _("%(number)s got a code a moment ago. The next one can be sent in %(wait)s seconds.") % values
        messages.add_message(request, messages.SUCCESS if issued.sent else messages.WARNING, said)
    return _back(row)


@_from_this_page
def activate(request: HttpRequest, row: Registration) -> HttpResponse:
    """Activate with papers, note and code. What is missing or wrong is said beside its field."""
    if request.method != "POST":
        return _back(row)
    own_desk = Desk(request.session)
    form = WorkForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form)
    try:
        row = desk.activate(
            registration=row,
            revision=_revision(request),
            by=_clerk(request),
            asker=own_desk.asker(row),
            typed_code=form.cleaned_data["code"],
            papers=form.cleaned_data["papers"],
            note=form.cleaned_data["note"],
        )
    except PortalError as error:
        if error.code in _GONE_BY:
            return _refused(request, row, error)
        form.refuse(error)
        return _page(request, row, form)
    own_desk.done(row)
    said = _("The account of %(name)s is active. The citizen is told by SMS.") % {"name": row.full_name}
    messages.success(request, said)
    return _back(row)


@_from_this_page
def reject(request: HttpRequest, row: Registration) -> HttpResponse:
    """Reject: the page of the reason, then that of the SMS as the citizen will read it, then a redirect."""
    if row.state not in AT_BRANCH:
        return _refused(request, row, PortalError("not_at_desk", state=row.state))
    if request.method != "POST":
        return _reject_page(request, row, RejectForm(initial={"ready": ""}))
    if "leave" in request.POST:  # from the desk page: its ticks and note are kept
        _keep_work(request, row)
        return redirect("admin:registration_registration_reject", row.pk)
    form = RejectForm(request.POST)
    if not form.is_valid() or "change" in request.POST:
        return _reject_page(request, row, form)
    if "confirmed" not in request.POST:
        return _reject_page(request, row, form, reason=form.reason())
    return _reject(request, row, form.reason())


def _reject(request: HttpRequest, row: Registration, reason: str) -> HttpResponse:
    own_desk = Desk(request.session)
    papers = own_desk.work(row).get("papers", [])
    try:
        row = desk.reject(
            registration=row, revision=_revision(request), by=_clerk(request), reason=reason, papers=papers
        )
    except PortalError as error:
        return _refused(request, row, error)
    own_desk.done(row)
    messages.success(request, _("The request is rejected. The citizen is told the reason by SMS."))
    return _back(row)


def _keep_work(request: HttpRequest, row: Registration) -> Desk:
    """Keep ticks and note as they were typed, valid or not; never the code."""
    own_desk = Desk(request.session)
    papers = [paper for paper in request.POST.getlist("papers") if paper in desk_texts.PAPERS]
    own_desk.keep(row, papers=papers, note=_note(request))
    return own_desk


def _give_back(request: HttpRequest, row: Registration) -> None:
    """A note comes back after a sign-in in another tab; ticks only if the citizen has changed nothing meanwhile."""
    refused = given_back.refused(request)
    if refused and refused.posted.get("round", "") != str(row.revision):
        refused.leave_out("papers")


def _note(request: HttpRequest) -> str:
    return request.POST.get("note", "").replace("\r\n", "\n")[: limits.DESK_NOTE_LONGEST]


def _revision(request: HttpRequest) -> int:
    """The row's revision when the page was made (the field is called `round`); -1 where the page does not say."""
    typed = request.POST.get("round", "")
    return int(typed) if re.fullmatch("[0-9]{1,5}", typed) else -1


def _refused(request: HttpRequest, row: Registration, error: PortalError) -> HttpResponse:
    """Tell the clerk about a refusal that belongs to no field: somebody was quicker, or a limit is reached."""
    row.refresh_from_db(fields=["state", "revision"])
    if error.code == "changed_meanwhile" and _note(request):
        Desk(request.session).keep(row, papers=[], note=_note(request))
    decided = desk_texts.already_decided(row) if error.code in ("not_at_desk", "account_exists") else ""
    messages.warning(request, decided or desk_texts.error_words(error))
    return _back(row)


def _page(request: HttpRequest, row: Registration, form: WorkForm, *, ask: bool = False) -> HttpResponse:
    context = {
        **_around(request, row),
        **page_context.context_of(row, by=_clerk(request), asker=Desk(request.session).asker(row), ask=ask),
        "form": form,
        "errors": bool(form.errors),
    }
    return TemplateResponse(request, "admin/registration/desk.html", context)


def _reject_page(request: HttpRequest, row: Registration, form: RejectForm, reason: str = "") -> HttpResponse:
    text = sms_texts.rejected(name=row.full_name, gender=row.gender, reason=reason) if reason else ""
    context = {**_around(request, row), "registration": row, "form": form, "errors": bool(form.errors), "text": text}
    return TemplateResponse(request, "admin/registration/desk_reject.html", context)


def _around(request: HttpRequest, row: Registration) -> dict[str, Any]:
    return {
        **admin.site.each_context(request),
        "opts": Registration._meta,
        "title": row.full_name or _("Unfinished registration"),
    }


def _back(row: Registration) -> HttpResponse:
    return redirect(PAGE, row.pk)


def _clerk(request: HttpRequest) -> User:
    return cast(User, request.user)
