"""How a gateway is set up, as a short word to compare: its kind, where it is, what its URL says beside the text, and
who sends. What proves who we are may change: it does not decide how words arrive."""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

from sms import configuration

_DECIDES = ("HOST", "PORT", "METHOD", "SENDER", "SENDER_TON", "LINE", "SMSC", "MODEM")  # options, beside URL
_SECRET = re.compile("user|name|pass|pwd|key|token|secret|auth|login", re.IGNORECASE)  # names in a URL's query


def setup(gateway: str) -> str:
    """The word for `gateway` as its settings are now."""
    options = configuration.options(gateway)
    deciding = tuple((name, options[name]) for name in _DECIDES if options.get(name))
    return _word(configuration.kind(gateway), options.get("URL", ""), deciding)


@lru_cache(maxsize=100)
def _word(kind: str, url: str, options: tuple[tuple[str, str], ...]) -> str:
    whole = json.dumps([kind, *_where(url), options])
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def _where(url: str) -> tuple[object, ...]:
    try:
        parts = urlsplit(url)
        query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not _SECRET.search(pair[0])]
        return parts.scheme, parts.hostname or "", parts.port or 0, parts.path.rstrip("/"), query
    except ValueError:  # a fault already
        return (url,)
