"""The tag `leads_on`: where the person wanted to go is carried in every address on the way through the sign-in."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest

from accounts.sessions.guards import next_of, query_of

register = template.Library()


@register.simple_tag(takes_context=True)
def leads_on(context: dict[str, Any]) -> str:
    """`?next=…` behind an address; empty where nobody wanted to go anywhere. By the view's `next`, else the
    request's."""
    request: HttpRequest | None = context.get("request")
    found = context.get("next")
    return query_of(str(found if found is not None else next_of(request) if request else ""))
