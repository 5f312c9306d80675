"""REDIS_URL as Celery is to read it: with `rediss://` the server's certificate and name are checked.

Celery's transport itself takes any certificate where a URL says nothing about it.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

_CHECKED = {"ssl_cert_reqs": "required", "ssl_check_hostname": "true"}


def completed(url: str, *, ca: str = "") -> str:
    """`url` (several servers: separated by ";") with what is left open in it: the certificate is required, and is for
    this host. `ca`: the path of a file with the certificates that are trusted instead of the system's."""
    return ";".join(_completed(each.strip(), ca) for each in url.split(";"))


def takes_any_certificate(url: str) -> bool:
    """Whether a completed `rediss://` URL of one server says by name that certificate or host are not checked."""
    said = dict(parse_qsl(urlsplit(url).query))
    required = said.get("ssl_cert_reqs") in ("required", "CERT_REQUIRED")
    return not required or said.get("ssl_check_hostname", "true").lower() == "false"


def _completed(url: str, ca: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "rediss":
        return url
    words = _CHECKED | ({"ssl_ca_certs": ca} if ca else {}) | dict(parse_qsl(parts.query))
    return parts._replace(query=urlencode(words, safe="/")).geturl()
