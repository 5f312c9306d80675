"""«Connected services» in the profile: which services know the citizen, and how the citizen ends that."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.sessions.guards import citizen_required
from accounts.sessions.store import BROWSER
from common.errors import PortalError
from openid import connections, logos
from openid.authorize.texts import PARTS


@citizen_required
@require_safe
def connected(request: HttpRequest) -> HttpResponse:
    """The services that know this citizen, the last used first."""
    services = [
        {
            "connection": known,
            "logo": logos.address(known.service.logo),
            "told": [PARTS[scope] for scope in known.scopes if scope in PARTS],
        }
        for known in connections.of(account=_account(request))
    ]
    return render(request, "openid/connected.html", {"services": services})


@citizen_required
@require_POST
def disconnect(request: HttpRequest) -> HttpResponse:
    """End what the citizen granted to the service that the form names. Again: nothing happens. Raises Http404 for a
    service that never knew this citizen."""
    try:
        service = connections.disconnect(
            account=_account(request),
            client_id=request.POST.get("service", ""),
            browser=str(request.session.get(BROWSER, "")),
        )
    except PortalError:
        raise Http404 from None
    messages.success(
        request, _("%(service)s is disconnected. It is told nothing more.") % {"service": f"«{service.name}»"}
    )
    return redirect("connected_services")


def _account(request: HttpRequest) -> User:
    return cast(User, request.user)  # `citizen_required`
