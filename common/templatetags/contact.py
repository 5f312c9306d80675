"""How people reach the organisation, as the settings say."""

from __future__ import annotations

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def help_phone() -> str:
    """The number of the help by phone, as it is dialled; empty where there is none."""
    number: str = settings.HELP_PHONE
    return number
