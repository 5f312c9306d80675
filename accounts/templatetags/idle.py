"""Template tags that warn before a session ends: of signed-in people, and of people who have begun something without a
sign-in."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse

from accounts.sessions.guards import next_of, query_of
from accounts.sessions.store import SessionStore
from common import limits

register = template.Library()


@register.inclusion_tag("accounts/_idle.html", takes_context=True)
def idle_warning(context: dict[str, Any], *, sign_in: str, sign_out: str) -> dict[str, Any]:
    """The dialog that `idle.js` opens; it stays hidden without a script. Empty for a session of another store.

    `sign_in` and `sign_out` name the pages: the portal's or the desk's.
    """
    dialog = _dialog(context, stay="session_stay", leave=sign_in)
    return dialog | {"signed_in": True, "out": reverse(sign_out)} if dialog else {}


@register.inclusion_tag("accounts/_idle.html", takes_context=True)
def begun_warning(context: dict[str, Any], *, leave: str, out: str = "") -> dict[str, Any]:
    """The same for the pages of a journey without a sign-in. These pages are cleared; `leave` names the empty page that
    follows, `out` the page that ends the journey at once. `closes_in` in the context: seconds after which the page ends
    in any case."""
    dialog = _dialog(context, stay="session_go_on", leave=leave)
    return dialog | {"out": reverse(out) if out else ""} if dialog else {}


@register.inclusion_tag("accounts/_how_long.html", takes_context=True)
def how_long(context: dict[str, Any]) -> dict[str, Any]:
    """How long such a page lives, for a browser without a script, which gets no warning."""
    minutes = int(limits.SESSION_IDLE.total_seconds()) // 60
    return {"minutes": minutes, "renews": context.get("renews"), "address": context["request"].path + _onward(context)}


def _onward(context: dict[str, Any]) -> str:
    """The query that keeps where the person wanted to go; a page of a signed-in person is come back to itself."""
    return query_of(str(context.get("next") or next_of(context["request"])))


def _dialog(context: dict[str, Any], *, stay: str, leave: str) -> dict[str, Any]:
    session = getattr(context["request"], "session", None)
    if not isinstance(session, SessionStore):
        return {}
    closes_in = context.get("closes_in")
    left = session.seconds_left() if closes_in is None else min(session.seconds_left(), closes_in)
    return {
        "left": left,
        "final": left < limits.SESSION_IDLE.total_seconds(),
        "closes_in": closes_in,
        "warning": int(limits.SESSION_WARNING.total_seconds()),
        "typing": int(limits.SESSION_TYPING_COUNTS.total_seconds()),
        "stay": reverse(stay),
        "leave": reverse(leave) + ("" if stay == "session_stay" else _onward(context)),
        "csrf_token": context.get("csrf_token"),
    }
