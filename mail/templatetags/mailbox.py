"""What the inbox page shows of e-mail: the page is another room's, which knows nothing of this one."""

from __future__ import annotations

from django import template

from mail.inbox import Received, received

register = template.Library()


@register.simple_tag
def newest_letters() -> list[Received]:
    """What the embedded mailbox got, of all addresses, newest first."""
    return received()
