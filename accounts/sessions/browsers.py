"""Names the browser of a request: in words for lists, and by its engine, to which sessions are bound."""

from __future__ import annotations

import re

from django.http import HttpRequest
from ua_parser import parse

LONGEST = 80
ENGINE = "engine"  # in the session, from the sign-in on
OTHER = "other"
# The first match counts. Every browser says "like Gecko" and AppleWebKit; on an iPhone Chrome and Firefox are WebKit.
_ENGINES = (
    ("chromium", re.compile(r"\b(?:Headless)?Chrom(?:e|ium)/")),
    ("webkit", re.compile(r"\bAppleWebKit/")),
    ("gecko", re.compile(r"\bGecko/")),
)


def in_words(request: HttpRequest) -> str:
    """The browser and its system, as in "Chrome, Android"; empty where the browser does not say. Slow: for sign-ins,
    not for every page."""
    said = parse(_agent(request))
    families = (said.user_agent and said.user_agent.family, said.os and said.os.family)
    return ", ".join(name for name in families if name)[:LONGEST]


def engine(request: HttpRequest) -> str:
    """The engine of the browser: "chromium", "webkit", "gecko" or "other".

    It is the part of the browser's name that stays the same after "desktop site", an update, a turned phone, another
    language or another network. Two engines never share their cookies.
    """
    agent = _agent(request)
    return next((name for name, pattern in _ENGINES if pattern.search(agent)), OTHER)


def _agent(request: HttpRequest) -> str:
    return str(request.META.get("HTTP_USER_AGENT", ""))[:500]
