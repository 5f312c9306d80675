"""The tag `csrf_token` of every template: Django's, and for a signed-in person the mark for whom the page was made."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.base import Parser, Token
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.sessions.given_back import MARK, mark_of_page

register = template.Library()


class PageOfNode(CsrfTokenNode):
    def render(self, context: Any) -> SafeString:
        token = SafeString(super().render(context))
        mark = mark_of_page(context["request"]) if token and "request" in context else ""
        return format_html('{}<input type="hidden" name="{}" value="{}">', token, MARK, mark) if mark else token


@register.tag
def csrf_token(parser: Parser, token: Token) -> PageOfNode:
    """Django's hidden field, which a forged form has not, and the mark (`accounts.sessions.given_back`)."""
    return PageOfNode()
