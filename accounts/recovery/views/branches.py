"""The pages of the branches: for a recovery that only a branch can continue, and by city for anybody."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.recovery import branch_list
from accounts.recovery.forms import BranchForm
from accounts.recovery.service import Standing, Step
from accounts.recovery.session import Recovering
from accounts.sessions.guards import is_citizen


@require_safe
@never_cache
def recovery_branch(request: HttpRequest) -> HttpResponse:
    """Why a recovery cannot continue here (only for the browser that has proven the number), and what to do at a
    branch."""
    account, found = _recovering(request)
    return render(request, "accounts/recovery_branch.html", {"found": found, **_context(request, account)})


@require_safe
@never_cache
def branches(request: HttpRequest) -> HttpResponse:
    """The branches by city. It tells a stranger nothing about anybody."""
    account = request.user if is_citizen(request.user) else _recovering(request)[0]
    return render(request, "accounts/branches.html", _context(request, account))


def _recovering(request: HttpRequest) -> tuple[User | None, Standing]:
    """The account whose number this browser has proven, and the standing of its recovery."""
    browser = Recovering(request)
    row = browser.challenge()
    if row is None or not browser.has_proven:
        return None, Standing(Step.OVER)
    return row.account, browser.standing(row)


def _context(request: HttpRequest, account: Any) -> dict[str, Any]:
    asked = request.GET.get("city")
    nearby = branch_list.nearby(asked=asked, account=account)
    form = BranchForm(initial={"city": nearby.city}, cities=nearby.cities)
    return {"form": form, "nearby": nearby, "of_account": asked is None and account is not None}
