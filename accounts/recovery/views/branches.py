"""The pages of the branches: for a recovery that only a branch can continue, and by city for anybody."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.recovery import branch_list
from accounts.recovery.forms import BranchForm
from accounts.recovery.service import Standing, Step
from accounts.recovery.session import Recovering, own_city


@require_safe
@never_cache
def recovery_branch(request: HttpRequest) -> HttpResponse:
    """Why a recovery cannot continue here (only for the browser that has proven the number), and what to do at a
    branch."""
    browser = Recovering(request)
    row = browser.challenge() if browser.has_proven else None
    found = browser.standing(row) if row else Standing(Step.OVER)
    own = (row.account.city if row.account else "") if row else own_city(request)
    return render(request, "accounts/recovery_branch.html", {"found": found, **_context(request, own)})


@require_safe
@never_cache
def branches(request: HttpRequest) -> HttpResponse:
    """The branches by city, first of the person's own. It tells a stranger nothing about anybody."""
    return render(request, "accounts/branches.html", _context(request, own_city(request)))


def _context(request: HttpRequest, own: str) -> dict[str, Any]:
    asked = request.GET.get("city")
    nearby = branch_list.nearby(asked=asked, own=own)
    form = BranchForm(initial={"city": nearby.city}, cities=nearby.cities)
    return {"form": form, "nearby": nearby, "is_own": asked is None and bool(own)}
