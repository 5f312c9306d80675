"""The page behind the "not me" link of an SMS: it freezes the account, and can do nothing else.

Opening it changes nothing: phones and scanners open links by themselves. It needs no session and no script.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.closing import service as closing
from accounts.sessions import browsers
from common import limits
from common.errors import PortalError

_STATUS = {"link_over": 404, "link_used": 410}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def not_me(request: HttpRequest, token: str) -> HttpResponse:
    """GET: what a freeze does, or the state of the account. POST: freeze it; the same page then says so."""
    state = "ready"
    try:
        if request.method == "POST":
            closing.freeze(token=token, browser=browsers.in_words(request))
            return redirect("not_me", token)
        closing.check_link(token=token)
    except PortalError as error:
        state = error.code
    context = {"state": state, "hours": int(limits.FREEZE_LINK_LIFE.total_seconds() // 3600)}
    response = render(request, "accounts/not_me.html", context, status=_STATUS.get(state, 200))
    # The address is the secret. With "no-referrer" browsers send no origin with the form, which would be refused.
    response["Referrer-Policy"] = "strict-origin"
    return response
