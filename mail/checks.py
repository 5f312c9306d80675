"""Django system checks of the mail settings: a start with settings that cannot work or are unsafe is refused."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

import mail
from common import unsafe
from common.connecting import is_loopback
from common.mail_url import INBOX_BACKEND, email_settings


def mail_is_configured(**_options: Any) -> list[CheckMessage]:
    """Empty settings are allowed: then pages offer no e-mail. Otherwise there must be a server, encryption and a sender
    address."""
    if not mail.is_configured():
        return [
            Warning(
                "MAIL_URL is not set, so no e-mail is sent and none is offered.",
                hint="Set MAIL_URL, like smtp+tls://user:password@mail.example:587, and MAIL_FROM.",
                id="mail.W001",
            )
        ]
    return [*_sender(), *([] if settings.DEMO else _server())]


def _sender() -> Iterator[CheckMessage]:
    try:
        validate_email(parseaddr(settings.MAIL_FROM)[1])
    except ValidationError:
        yield Error(
            "MAIL_FROM is missing or has no e-mail address in it, so no mail server would take a letter.",
            hint="Set MAIL_FROM, like portal@tamin.example or 'Name <portal@tamin.example>'.",
            id="mail.E001",
        )


def _server() -> Iterator[CheckMessage]:
    try:
        found = email_settings(settings.MAIL_URL)
    except ImproperlyConfigured as error:
        yield Error(str(error), hint="Write MAIL_URL like smtp+tls://user:password@mail.example:587.", id="mail.E002")
        return
    if found["EMAIL_BACKEND"] == INBOX_BACKEND:
        yield Error(
            "MAIL_URL is the inbox, which shows every letter on a page instead of sending it.",
            hint="Set MAIL_URL to a mail server.",
            id="mail.E003",
        )
    elif not (found["EMAIL_USE_TLS"] or found["EMAIL_USE_SSL"] or is_loopback(found["EMAIL_HOST"])):
        what = "MAIL_URL is plain smtp:// to another machine, so whoever is between reads letters and links."
        hint = "Write smtp+tls:// (port 587) or smtps:// (port 465)."
        yield from unsafe.refused("mail", what, hint=hint, check_id="mail.E004")
