"""Template tag of the demo's inbox page: the newest letters (`templates/mail/_letters.html`)."""

from __future__ import annotations

from django import template

from mail.inbox import Received, received

register = template.Library()


@register.simple_tag
def newest_letters() -> list[Received]:
    """The letters that the embedded mailbox got, of all addresses, newest first."""
    return received()
