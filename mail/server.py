"""Passes a letter to the mail server through Django's mail API, and judges the server's answer.

The server's words are never stored, because they repeat addresses; error classes and codes are enough.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
from dataclasses import dataclass
from email.charset import BASE64, Charset
from email.utils import format_datetime
from enum import Enum, auto
from types import TracebackType

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from common.mail_url import email_settings
from mail.models import Letter

_UTF8 = Charset("utf-8")
_UTF8.body_encoding = BASE64  # ASCII only and short lines, which every server takes
_BUSY = 421  # the server closes the connection
_OUR_ACCOUNT = (530, 534, 535, 538)  # authentication is missing or of a wrong kind
_POLICY = re.compile(rb"[45]\.7\.")  # RFC 3463: security or policy, as "relaying denied"
_ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}\b")


class Result(Enum):
    """What one try to send a letter came to."""

    SENT = auto()
    REFUSED = auto()  # for good, because of the recipient or the letter
    LATER = auto()  # refused for now, because of this letter
    DROPPED = auto()  # the connection ended in the middle; the server may have the letter
    TURNED_AWAY = auto()  # refused because of our account or the server's policy
    UNREACHABLE = auto()  # no connection, or no letter of ours is taken


@dataclass(frozen=True, slots=True)
class Answer:
    """`detail` is the error's class and code; nothing personal."""

    result: Result
    detail: str = ""


class Server:
    """A connection that is opened when it is needed, and again after it was lost. A context manager."""

    def __init__(self) -> None:
        self._backend = _backend()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def deliver(self, letter: Letter) -> Answer:
        """Send `letter`. Never raises for what the network or the server does, nor for a letter that cannot be
        encoded."""
        try:
            self._backend.open()
        except Exception as error:
            self._close()
            return Answer(Result.UNREACHABLE, _detail(error))
        try:
            self._backend.send_messages([_message(letter)])
        except Exception as error:
            answer = judge(error)
            if answer.result in (Result.DROPPED, Result.UNREACHABLE):
                self._close()
            return answer
        return Answer(Result.SENT)

    def _close(self) -> None:
        with contextlib.suppress(OSError):  # smtplib's own errors are of that kind too
            self._backend.close()
        self._backend = _backend()


def judge(error: Exception) -> Answer:
    """What an error during the send of one letter means."""
    code, words = _said(error)
    result = Result.LATER  # also if we cannot encode the letter: it is given up in the end, with an alarm
    if code == _BUSY or (isinstance(error, OSError) and not code):
        result = Result.DROPPED
    elif isinstance(error, smtplib.SMTPSenderRefused):
        result = Result.UNREACHABLE  # the server takes no letter from our sender address
    elif code in _OUR_ACCOUNT or _POLICY.match(words):
        result = Result.TURNED_AWAY
    elif 500 <= code < 600:
        result = Result.REFUSED
    return Answer(result, _detail(error))


def _backend() -> BaseEmailBackend:
    found = email_settings(settings.MAIL_URL)
    return get_connection(
        found["EMAIL_BACKEND"],
        host=found.get("EMAIL_HOST"),
        port=found.get("EMAIL_PORT"),
        username=found.get("EMAIL_HOST_USER"),
        password=found.get("EMAIL_HOST_PASSWORD"),
        use_tls=found.get("EMAIL_USE_TLS"),
        use_ssl=found.get("EMAIL_USE_SSL"),
        timeout=settings.EMAIL_TIMEOUT,
    )


def _message(letter: Letter) -> EmailMultiAlternatives:
    """The message to send. It is the same at every try: Message-ID and Date are the letter's."""
    message = EmailMultiAlternatives(
        subject=letter.subject,
        body=letter.text,
        from_email=settings.MAIL_FROM,
        to=[letter.to],
        headers={
            "Message-ID": letter.message_id,
            "Date": format_datetime(timezone.localtime(letter.created_at)),
            "Auto-Submitted": "auto-generated",  # RFC 3834: no holiday notice comes back
        },
    )
    message.encoding = _UTF8
    message.attach_alternative(letter.html, "text/html")
    return message


def _said(error: Exception) -> tuple[int, bytes]:
    """The server's code and words; 0 if it sent none."""
    code: object = 0
    words: object = b""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, words = error.smtp_code, error.smtp_error
    words = words.encode("ascii", "replace") if isinstance(words, str) else words
    return code if isinstance(code, int) else 0, words if isinstance(words, bytes) else b""


def _detail(error: Exception) -> str:
    code, words = _said(error)
    enhanced = _ENHANCED.match(words)
    parts = (type(error).__name__, str(code or ""), enhanced[0].decode() if enhanced else "")
    return " ".join(part for part in parts if part)
