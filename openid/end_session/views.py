"""The sign-out that a service asked for: the page that asks, and the one that says that it is done.

GET and POST of the service's request come to the same: a page of ours whose address holds no token. Nobody is signed
out of the portal without a press of a button there; a browser without a session of ours is led on at once.
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.sessions.guards import is_citizen
from openid.end_session import asking, texts
from openid.end_session.asking import Asked

_ASK, _DONE = "ask", "done"
_SEALED = "asked"


@csrf_exempt  # a service's form may send it; it signs nobody out of the portal
@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def end_session(request: HttpRequest) -> HttpResponse:
    """Where services lead their citizens to sign out."""
    if request.method != "POST" and _SEALED in request.GET:
        return _ask(request, request.GET[_SEALED])
    given = request.POST if request.method == "POST" else request.GET
    sealed = asking.seal(asking.read(dict(given.lists())), purpose=_ASK)
    return HttpResponseRedirect(f"{reverse('openid_end_session')}?{urlencode({_SEALED: sealed})}", status=303)


@require_POST
@never_cache
def confirm(request: HttpRequest) -> HttpResponse:
    """What the citizen pressed: out of the portal and of all services, or on."""
    asked = asking.unseal(request.POST.get(_SEALED, ""), purpose=_ASK)
    if request.POST.get("said") != "sign_out":
        messages.info(request, _("You are still signed in to the portal."))
        return redirect("home")
    asking.finish(asked)
    if is_citizen(request.user):
        logout(request)
    return HttpResponseRedirect(
        f"{reverse('openid_signed_out')}?{urlencode({_SEALED: asking.seal(asked, purpose=_DONE)})}", status=303
    )


@never_cache
@require_safe
def signed_out(request: HttpRequest) -> HttpResponse:
    """Says that it is done, and leads on to the service by itself: not by a redirect, which Chromium would not let
    leave the addresses to which the page before may send its form (`form-action`)."""
    if is_citizen(request.user):  # again, perhaps in another tab
        return redirect("home")
    asked = asking.unseal(request.GET.get(_SEALED, ""), purpose=_DONE)
    context = {"service": asking.service_of(asked.client_id), "way_on": asked.way_on}
    response = render(request, "openid/signed_out.html", context)
    if asked.way_on:
        response["Refresh"] = f"0;url={asked.way_on}"
    return response


def _ask(request: HttpRequest, sealed: str) -> HttpResponse:
    asked = asking.unseal(sealed, purpose=_ASK)
    if not is_citizen(request.user):
        if asked.fault:
            return _page(request, asked, sealed)
        asking.finish(asked)
        if asked.way_on:
            return HttpResponseRedirect(asked.way_on)
        return redirect("openid_signed_out")
    return _page(request, asked, sealed)


def _page(request: HttpRequest, asked: Asked, sealed: str) -> HttpResponse:
    context = {
        "service": asking.service_of(asked.client_id),
        "sealed": sealed,
        "is_citizen": is_citizen(request.user),
        "said": texts.sentence(asked.fault) if asked.fault else "",
        "details": texts.DETAILS.get(asked.fault, ""),
    }
    return render(request, "openid/end_session.html", context, status=400 if asked.fault else 200)
