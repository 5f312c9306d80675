"""The page of the account's history, for its owner."""

from __future__ import annotations

from typing import cast

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.life import history as account_history
from accounts.models import User
from accounts.sessions.guards import citizen_required
from common import limits


@citizen_required
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """Newest first. For a page number that does not exist the nearest page is shown."""
    entries = account_history.entries(cast(User, request.user), for_owner=True)
    page = Paginator(entries, limits.HISTORY_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/history.html", {"page": page})
