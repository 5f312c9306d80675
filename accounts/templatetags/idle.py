"""The warning before a session ends, for pages of people who are signed in."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse

from accounts.sessions import SessionStore
from tamin_portal import limits

register = template.Library()


@register.inclusion_tag("accounts/_idle.html", takes_context=True)
def idle_warning(context: dict[str, Any], *, sign_in: str, sign_out: str) -> dict[str, Any]:
    """The dialog that `idle.js` opens; without script nobody sees it. Nothing for a session without an end of its own.

    `sign_in` and `sign_out` name the pages: the portal's or the desk's.
    """
    session = context["request"].session
    if not isinstance(session, SessionStore):
        return {}
    left = session.seconds_left()
    return {
        "left": left,
        "final": left < limits.SESSION_IDLE.total_seconds(),
        "warning": int(limits.SESSION_WARNING.total_seconds()),
        "sign_in": reverse(sign_in),
        "sign_out": reverse(sign_out),
    }
