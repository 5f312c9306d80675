"""The page of devices: where the account is signed in or trusted, and how its owner ends that."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.profile import device_list
from accounts.sessions import texts as session_texts
from accounts.sessions.guards import citizen_required
from accounts.sessions.keys import key_of_row
from accounts.sessions.store import BROWSER
from common.errors import PortalError


@citizen_required
@require_safe
def devices(request: HttpRequest) -> HttpResponse:
    """The open sessions and the trusted devices."""
    account = _account(request)
    lists = {
        "sessions": device_list.open_sessions(account=account, key=_key(request)),
        "devices": device_list.trusted_devices(account=account),
    }
    return render(request, "accounts/devices.html", lists)


@citizen_required
@require_POST
def end_session(request: HttpRequest) -> HttpResponse:
    return _done(request, device_list.end_session, session_texts.sentence("session_ended"))


@citizen_required
@require_POST
def forget_device(request: HttpRequest) -> HttpResponse:
    return _done(request, device_list.forget_device, session_texts.sentence("device_forgotten"))


@citizen_required
@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """End all other sessions; this one gets a new key, which nobody else can know."""
    try:
        device_list.end_other_sessions(account=_account(request), key=_key(request), browser=_browser(request))
    except PortalError:  # the session or the account is over: home leads to the sign-in
        return redirect("home")
    request.session.cycle_key()
    messages.success(request, session_texts.sentence("other_sessions_ended"))
    return redirect("profile_devices")


def _done(request: HttpRequest, end: Callable[..., None], sentence: str) -> HttpResponse:
    """End what the page's reference names. Raises Http404 where it names nothing of this account."""
    try:
        reference = request.POST.get("reference", "")
        end(account=_account(request), key=_key(request), reference=reference, browser=_browser(request))
    except PortalError as error:
        if error.code == "no_such_row":
            raise Http404 from None
        return redirect("home")  # the session or the account is over: home leads to the sign-in
    messages.success(request, sentence)
    return redirect("profile_devices")


def _account(request: HttpRequest) -> User:
    return cast(User, request.user)  # `citizen_required`


def _key(request: HttpRequest) -> str:
    return key_of_row(request.session)


def _browser(request: HttpRequest) -> str:
    return str(request.session.get(BROWSER, ""))
