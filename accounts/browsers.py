"""Which browser this is: in words for lists, and as a mark by which a stolen session is noticed."""

from __future__ import annotations

import re

from django.http import HttpRequest
from ua_parser import parse

from tamin_portal.secrets import keyed_hash, keyed_hash_matches

LONGEST = 80
MARK = "mark"  # in the session, from the sign-in on
_VERSIONS = re.compile(r"[\d._]+")


def in_words(request: HttpRequest) -> str:
    """ "Chrome, Android"; empty where the browser does not say. Costs a while: at sign-in, not on every page."""
    said = parse(_agent(request))
    families = (said.user_agent and said.user_agent.family, said.os and said.os.family)
    return ", ".join(name for name in families if name)[:LONGEST]


def mark(request: HttpRequest) -> str:
    """The keyed hash of what the browser calls itself, without versions: an update in mid-session changes nothing."""
    return keyed_hash("browser", _without_versions(request))


def is_marked(request: HttpRequest, mark: str) -> bool:
    """Whether `mark` is this browser's, also one from before the key was replaced."""
    return keyed_hash_matches("browser", _without_versions(request), mark)


def _without_versions(request: HttpRequest) -> str:
    return _VERSIONS.sub("", _agent(request))


def _agent(request: HttpRequest) -> str:
    return str(request.META.get("HTTP_USER_AGENT", ""))[:500]
