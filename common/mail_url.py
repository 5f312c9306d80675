"""Parses MAIL_URL, the mail server in one line, into Django's EMAIL_* settings."""

from __future__ import annotations

from typing import Any

import environ
import idna
from django.core.exceptions import ImproperlyConfigured

INBOX = "inbox"
INBOX_BACKEND = "mail.inbox.InboxBackend"
SMTP_BACKEND = "mail.smtp.SmtpBackend"
_SCHEMES = {  # ours → django-environ's, and the port that is meant without one
    "smtp": ("smtp", 25),
    "smtp+tls": ("smtp+tls", 587),  # STARTTLS
    "smtp+ssl": ("smtp+ssl", 465),  # TLS from the first byte
    "smtps": ("smtp+ssl", 465),  # the same, in its usual spelling, which django-environ would take for STARTTLS
}


def email_settings(url: str) -> dict[str, Any]:
    """Django's EMAIL_* settings for `url`; those for no e-mail at all if it is empty.

    Raises ImproperlyConfigured, without the URL itself, which contains a password.
    """
    scheme = url.partition(":")[0]
    if not url or scheme == INBOX:
        return {"EMAIL_BACKEND": INBOX_BACKEND if url else "django.core.mail.backends.dummy.EmailBackend"}
    if scheme not in _SCHEMES:
        raise ImproperlyConfigured(f"MAIL_URL begins with none of {'://, '.join(_SCHEMES)}://.")
    theirs, port = _SCHEMES[scheme]
    try:
        found = environ.Env.email_url_config(theirs + url.removeprefix(scheme).replace("+", "%2B"))  # else a blank
    except ValueError:
        found = {}
    if not found.get("EMAIL_HOST"):
        raise ImproperlyConfigured("MAIL_URL is not like smtp+tls://user:password@mail.example:587.")
    for part in ("EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD"):
        if not ((word := found[part] or "").isascii() and word.isprintable()):
            raise ImproperlyConfigured(
                "User or password in MAIL_URL have characters other than the printable ones of ASCII, and no two mail "
                "servers read those alike. Have the server's administrator set a password of ASCII characters."
            )
    return {
        "EMAIL_BACKEND": SMTP_BACKEND,
        "EMAIL_HOST": _ascii_host(found["EMAIL_HOST"]),
        "EMAIL_PORT": found["EMAIL_PORT"] or port,
        "EMAIL_HOST_USER": found["EMAIL_HOST_USER"] or "",
        "EMAIL_HOST_PASSWORD": found["EMAIL_HOST_PASSWORD"] or "",
        "EMAIL_USE_TLS": scheme == "smtp+tls",
        "EMAIL_USE_SSL": theirs == "smtp+ssl",
    }


def _ascii_host(host: str) -> str:
    """The host in A-labels, by UTS 46 as addresses have it; a name in ASCII as it is."""
    try:
        return host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        raise ImproperlyConfigured("The host in MAIL_URL is no name of a host.") from None
