"""The home page of a signed-in citizen, and the sign-out."""

from __future__ import annotations

from typing import cast

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.home import catalogue
from accounts.models import User
from accounts.sessions.guards import citizen_required


@citizen_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The home page: the citizen's name, and the organisation's services."""
    return render(request, "accounts/home.html", {"services": catalogue.shown(account=cast(User, request.user))})


@require_POST
@never_cache
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session; nothing happens without one."""
    logout(request)
    return redirect("sign_in")
