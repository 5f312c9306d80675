"""The authorization endpoint, and the pages between a service's redirect and its answer."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode

from authlib.oauth2 import OAuth2Error
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.models import User
from common.secrets import keyed_hash, keyed_hash_matches
from openid import logos, requests, throttling, ways_back
from openid.authorize import flow, telling, texts
from openid.authorize.flow import Checked
from openid.authorize.next_steps import PROOFS, Step
from openid.authorize.session import remember, secret_of
from openid.models import AuthorizationRequest, ConnectedService
from openid.protocol import server
from openid.requests import Standing

_PAGE_FOR = "openid-page"


@csrf_exempt  # a service's form may send it; a POST only keeps the request
@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    """Take a service's request. Answered at once where no page is needed; else it is kept, and waits."""
    values: dict[str, list[str]] = {}
    for given in (request.GET, request.POST):
        for name, texts_given in given.lists():
            values.setdefault(name, []).extend(texts_given)
    pushed = _pushed(values)
    if pushed is not None:
        if request.method == "POST":  # of another site: it brings no cookie of ours
            named = {"client_id": values["client_id"][0], "request_uri": values["request_uri"][0]}
            return HttpResponseRedirect(f"{reverse('openid_authorize')}?{urlencode(named)}", status=303)
        return _go_on(request, pushed, requests.find(pushed), client_id=values["client_id"][0])
    try:
        checked = flow.check(values)
        if request.method == "POST":
            handle = requests.keep(service=checked.service, parameters=checked.parameters)
            return HttpResponseRedirect(reverse("openid_go_on", args=[handle]), status=303)
        flow.refuse_number_in_address(checked)
        step = flow.next_of(request, checked)
        if step == Step.ANSWER:
            return HttpResponseRedirect(flow.answer(request, checked))
    except OAuth2Error as error:
        flow.count_error(error, values.get("client_id", [""])[0])
        address = server.address_of_error(error)
        return HttpResponseRedirect(address) if address else _error_page(request, error)
    wait = throttling.kept(address=request.client_address)  # type: ignore[attr-defined]
    if wait:
        return _too_many_page(request, wait)
    handle = requests.keep(service=checked.service, parameters=checked.parameters, browser=secret_of(request))
    return _led(request, _lead(step, handle) or redirect("openid_go_on", handle), checked)


@never_cache
@require_http_methods(["GET", "POST"])
def go_on(request: HttpRequest, handle: str) -> HttpResponse:
    """Where a kept request goes on: after a sign-in, and as the page that asks its citizen. With a service's key for a
    handle, the newest that this browser brought from there; else the service begins a fresh one."""
    service = ways_back.service_by(handle)
    if service is None:
        return _go_on(request, handle, requests.find(handle))
    row = requests.newest(service=service, browser=secret_of(request))
    if row is not None:
        return _go_on(request, handle, row)
    address = ways_back.way_back(service)
    return _hand_over(request, service, address) if address else _over_page(request, None, status=410)


def _go_on(request: HttpRequest, handle: str, row: AuthorizationRequest | None, *, client_id: str = "") -> HttpResponse:
    if row is None or (client_id and row.service.client_id != client_id):
        return _over_page(request, None)
    if requests.claim(row=row, browser=secret_of(request)) != Standing.OPEN:
        return _over_page(request, row)
    try:
        checked = flow.check_kept(row)
        if request.method == "POST" and not client_id:
            return _decide(request, checked, handle)
        if row.refused_at is not None:
            return _hand_over(request, row.service, flow.refusal(checked))
        step = flow.next_of(request, checked)
        if step == Step.ANSWER:
            return _hand_over(request, row.service, flow.answer(request, checked), at_once=bool(client_id))
    except OAuth2Error as error:
        flow.count_error(error, row.service.client_id)
        address = server.address_of_error(error)
        if not address:
            return _error_page(request, error)
        return _hand_over(request, row.service, address, at_once=bool(client_id))
    led = _lead(step, handle)
    if led is None:
        # A page that asks stands at the request's own address: its form goes there, with the token against CSRF.
        led = redirect("openid_go_on", handle) if client_id else _ask(request, checked, step)
    return _led(request, led, checked)


def _pushed(values: dict[str, list[str]]) -> str | None:
    """The handle of a pushed request; None where none is brought. Whatever else is in the address does not count."""
    uris, clients = values.get("request_uri", []), values.get("client_id", [])
    return (requests.handle_of(uris[0]) or None) if len(uris) == len(clients) == 1 else None


def _lead(step: Step, handle: str) -> HttpResponse | None:
    """To the portal's own pages of signing in, and from there back; None: the page is one of ours."""
    back = reverse("openid_go_on", args=[handle])
    if step == Step.SIGN_IN:
        return redirect_to_login(back, reverse("sign_in"))
    if step in PROOFS:
        return redirect(f"{reverse('sign_in_again')}?{urlencode({'next': back, 'need': step.value}, doseq=True)}")
    return None


def _led(request: HttpRequest, response: HttpResponse, checked: Checked) -> HttpResponse:
    """The same answer, with what the browser has to keep: its secret, and the language that the service asks for where
    the person has chosen none."""
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        known = {code for code, _name in settings.LANGUAGES}
        wanted = next((code for code in checked.asked.locales if code in known), "")
        if wanted and wanted != settings.LANGUAGE_CODE:
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME,
                wanted,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
    return remember(request, response)


def _ask(request: HttpRequest, checked: Checked, step: Step) -> HttpResponse:
    """The page that asks who goes on, or whether the service may be told."""
    service = checked.service
    context: dict[str, Any] = {"service": service, "page": _page_for(request, checked)}
    if step == Step.CHOOSE:
        return render(request, "openid/choose.html", context)
    context["logo"] = logos.address(service.logo)
    context["parts"] = telling.parts(
        account=cast(User, request.user),
        service=service,
        scopes=checked.scopes,
        requested=checked.grant.request.claims,
    )
    context["proof"] = telling.proof(cast(User, request.user))
    return render(request, "openid/agree.html", context)


def _decide(request: HttpRequest, checked: Checked, handle: str) -> HttpResponse:
    """What the citizen pressed. A page that was made for another person, or told less, decides nothing. Then the
    request goes on by GET."""
    said, account = request.POST.get("said", ""), request.user
    row = checked.row
    if row is not None and keyed_hash_matches(_PAGE_FOR, _whose(request, checked), request.POST.get("page", "")):
        if said == "another":
            logout(request)
        elif said == "me":
            requests.choose(row=row, account=cast(User, account))
        elif said == "agree":
            requests.agree(row=row, account=cast(User, account))
        elif said == "refuse":
            requests.refuse(row=row)
    return HttpResponseRedirect(reverse("openid_go_on", args=[handle]), status=303)


def _page_for(request: HttpRequest, checked: Checked) -> str:
    return keyed_hash(_PAGE_FOR, _whose(request, checked))


def _whose(request: HttpRequest, checked: Checked) -> str:
    """For which account and request a page is made, and for which scopes: the service may get more of them meanwhile,
    which this page did not show."""
    return f"{request.user.pk} {checked.row.pk if checked.row else ''} {' '.join(checked.scopes)}"


def _hand_over(request: HttpRequest, service: ConnectedService, address: str, *, at_once: bool = False) -> HttpResponse:
    """Lead the browser to the service; `at_once`: it has just come from there.

    Else not by a redirect: what came before was the form of a page of ours, and Chromium lets no redirect after it
    leave the addresses to which the policy of that page lets forms be sent (`form-action`).
    """
    if at_once:
        return HttpResponseRedirect(address)
    response = render(request, "openid/hand_over.html", {"address": address, "service": service})
    response["Refresh"] = f"0;url={address}"
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _over_page(request: HttpRequest, row: AuthorizationRequest | None, *, status: int = 0) -> HttpResponse:
    """The request is over, answered, or another browser's: only the service is remembered."""
    service = row.service if row is not None and row.service.suspended_at is None else None
    context = {"service": service, "way_back": ways_back.way_back(service) if service else ""}
    return render(request, "openid/over.html", context, status=status or (410 if row else 404))


def _error_page(request: HttpRequest, error: OAuth2Error) -> HttpResponse:
    """A mistake of the service, told to the citizen in plain words, and to its developer in the protocol's."""
    context = {"said": texts.sentence_of(error), "code": error.error, "details": error.description}
    return render(request, "openid/error.html", context, status=400)


def _too_many_page(request: HttpRequest, wait: int) -> HttpResponse:
    response = render(request, "429.html", {"wait": wait}, status=429)
    response["Retry-After"] = str(wait)
    return response
