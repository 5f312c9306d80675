"""What a page says about its language: the links to the others, and whether a sentence is a translation."""

from __future__ import annotations

from django import template
from django.conf import settings
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from common import languages
from common.sentences import digits

register = template.Library()


@register.simple_tag
def language_code() -> str:
    """The language that the page is in, also on a page that is rendered without a request."""
    return get_language() or settings.LANGUAGE_CODE


@register.simple_tag
def direction() -> str:
    """rtl or ltr, as the language is written."""
    return "rtl" if language_code() in settings.LANGUAGES_BIDI else "ltr"


@register.simple_tag
def digits_of_language() -> str:
    """The ten digits of the language, for scripts."""
    return digits(languages.DIGITS)


@register.simple_tag
def language_links() -> SafeString:
    """A link for every other language, to this page. Each in its own words.

    A page that answers a form leads to the empty form: what is typed in it and not saved yet is not in an address.
    """
    others = [(code, name) for code, name in settings.LANGUAGES if code != language_code()]
    links = [
        (languages.PARAMETER, code, code, code, "rtl" if code in settings.LANGUAGES_BIDI else "ltr", name)
        for code, name in others
    ]
    shown = format_html_join(" ", '<a href="?{}={}" lang="{}" hreflang="{}" dir="{}" rel="nofollow">{}</a>', links)
    return format_html('<span class="languages">{}</span>', shown) if links else SafeString("")


@register.simple_tag
def translated() -> bool:
    """Whether the page shows a translation of what the organisation says in Persian."""
    return not languages.is_persian()
