"""Which browser this is: in words for lists, and its engine, by which a session in a strange place is noticed."""

from __future__ import annotations

import re

from django.http import HttpRequest
from ua_parser import parse

LONGEST = 80
ENGINE = "engine"  # in the session, from the sign-in on
OTHER = "other"
# The first that fits. Every browser says "like Gecko" and AppleWebKit; on an iPhone Chrome and Firefox are WebKit.
_ENGINES = (
    ("chromium", re.compile(r"\b(?:Headless)?Chrom(?:e|ium)/")),
    ("webkit", re.compile(r"\bAppleWebKit/")),
    ("gecko", re.compile(r"\bGecko/")),
)


def in_words(request: HttpRequest) -> str:
    """ "Chrome, Android"; empty where the browser does not say. Costs a while: at sign-in, not on every page."""
    said = parse(_agent(request))
    families = (said.user_agent and said.user_agent.family, said.os and said.os.family)
    return ", ".join(name for name in families if name)[:LONGEST]


def engine(request: HttpRequest) -> str:
    """What the browser is built on: "chromium", "webkit", "gecko" or "other".

    All of its name that its owner does not change by "desktop site", an update, a turned phone, a language or a
    network. Two engines never share their cookies.
    """
    agent = _agent(request)
    return next((name for name, pattern in _ENGINES if pattern.search(agent)), OTHER)


def _agent(request: HttpRequest) -> str:
    return str(request.META.get("HTTP_USER_AGENT", ""))[:500]
