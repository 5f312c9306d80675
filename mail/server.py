"""Passes a letter to the mail server through Django's mail API, and judges the server's answer.

The server's words are never stored, because they repeat addresses; error classes and codes are enough.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
from dataclasses import dataclass, replace
from email.charset import BASE64, Charset
from email.utils import format_datetime
from types import TracebackType
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from common.email_addresses import parse_email
from common.mail_url import email_settings
from common.persian import InputError
from mail import headers, sender, verdicts
from mail.models import Letter
from mail.verdicts import Result, Stage

_UTF8 = Charset("utf-8")
_UTF8.body_encoding = BASE64  # ASCII only and short lines, which every server takes
_ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}\b")
_GONE = (Result.BUSY, Result.DROPPED, Result.DOUBT, Result.UNREACHABLE)  # after which the connection is no good


@dataclass(frozen=True, slots=True)
class Answer:
    """`detail` is the error's class and code; nothing personal. `lasting`: the server would say it again (5xx)."""

    result: Result
    detail: str = ""
    lasting: bool = False


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
        encoded. A row of before with an address to which nothing can be sent is refused."""
        try:
            message = _message(letter)
        except InputError as error:
            return Answer(Result.REFUSED, f"bad address ({error.code})")
        try:
            self._backend.open()
        except Exception as error:
            answer = judge(error, self._stage)
            self._close()
            # What is no error of the network or the server is one of our settings, and the same for every letter.
            return answer if answer.result is Result.BUSY else replace(answer, result=Result.UNREACHABLE)
        try:
            self._backend.send_messages([message])
        except Exception as error:
            answer = judge(error, self._stage)
            if answer.result in _GONE:
                self._close()
            return answer
        return Answer(Result.SENT)

    @property
    def _stage(self) -> Stage:
        return getattr(self._backend, "stage", Stage.CONNECT)

    def _close(self) -> None:
        with contextlib.suppress(OSError):  # smtplib's own errors are of that kind too
            self._backend.close()
        self._backend = _backend()


def judge(error: Exception, stage: Stage) -> Answer:
    """What an error at `stage` of the conversation means. An error that is neither the network's nor the server's is
    the letter's: it cannot be encoded, and is given up in the end, with an alarm."""
    code, words = _said(error)
    if not code and not isinstance(error, OSError):  # smtplib's own errors are of that kind too
        return Answer(Result.LATER, _detail(error))
    enhanced = _enhanced(words)
    result = verdicts.judge(stage, code, enhanced, words.decode("ascii", "replace"))
    detail = _detail(error) + (" after the text" if result is Result.DOUBT else "")
    return Answer(result, detail, lasting=500 <= code < 600)


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


class _Message(EmailMultiAlternatives):
    """Django's message, with the headers of `mail.headers`."""

    def message(self, **options: Any) -> Any:
        message = super().message(**options)
        message.replace_header("Subject", headers.subject(str(self.subject)))
        message.replace_header("From", headers.sender(*sender.name_and_address()))
        return message


def _message(letter: Letter) -> _Message:
    """The message to send. It is the same at every try: Message-ID and Date are the letter's. Raises InputError: bad
    address."""
    message = _Message(
        subject=letter.subject,
        body=letter.text,
        from_email=sender.address(),
        to=[parse_email(letter.to).wire],
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
    parts = (type(error).__name__, str(code or ""), _enhanced(words))
    return " ".join(part for part in parts if part)


def _enhanced(words: bytes) -> str:
    found = _ENHANCED.match(words)
    return found[0].decode() if found else ""
