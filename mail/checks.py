"""Django system checks of the mail settings: a start with settings that cannot work or are unsafe is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

import mail
from common import unsafe
from common.connecting import is_loopback
from common.mail_url import INBOX_BACKEND, email_settings
from common.persian import InputError
from mail import sender, smtp


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
        sender.name_and_address()
    except InputError:
        yield Error(
            "MAIL_FROM is missing or is no e-mail address, alone or after a name, so no server would take a letter.",
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
    yield from _names_and_trust()


def _names_and_trust() -> Iterator[CheckMessage]:
    try:
        smtp.tls_context()
    except OSError as error:
        yield Error(
            f"MAIL_CA_FILE cannot be read, or has no certificate of an authority in it ({type(error).__name__}).",
            hint="Set MAIL_CA_FILE to a file in PEM that the portal's user may read, or leave it out.",
            id="mail.E005",
        )
    if settings.MAIL_HELO and not sender.is_hello_name(settings.MAIL_HELO):
        yield Error(
            "MAIL_HELO is neither a host name in ASCII nor an IP address in brackets, so mail servers would refuse it.",
            hint="Set MAIL_HELO, like portal.tamin.example or [192.0.2.7], or leave it out.",
            id="mail.E006",
        )
