"""Django's SMTP backend, with what a queue needs: how far the conversation got, and a time-out for each whole answer,
so that a slow server cannot hold a worker for long."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
from typing import Any

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend
from django.utils.functional import cached_property

from mail import sender
from mail.verdicts import Stage

_STAGES = {
    "ehlo": Stage.HELLO,
    "helo": Stage.HELLO,
    "starttls": Stage.HELLO,
    "auth": Stage.SIGN_IN,
    "mail": Stage.SENDER,
    "rcpt": Stage.RECIPIENT,
    "data": Stage.DATA,
}  # RSET, which follows a refusal, leaves the stage as it was


class _Timed(smtplib.SMTP):
    """Limits the time of a whole answer (the socket's own time-out starts again with each byte), notes the `stage`, and
    says our name."""

    stage = Stage.CONNECT

    def __init__(self, host: str = "", port: int = 0, local_hostname: str | None = None, **options: Any) -> None:
        super().__init__(host, port, sender.hello_name(), **options)

    def putcmd(self, cmd: str, args: str = "") -> None:
        self.stage = _STAGES.get(cmd.lower(), self.stage)
        super().putcmd(cmd, args)

    def send(self, s: Any) -> None:
        super().send(s)
        if self.stage is Stage.DATA and isinstance(s, bytes):  # the text, all of it; the command is a str
            self.stage = Stage.TEXT

    def getreply(self) -> tuple[int, bytes]:
        timer = threading.Timer(self.timeout, _hang_up, [self.sock])
        timer.daemon = True
        timer.start()
        try:
            return super().getreply()
        finally:
            timer.cancel()


class _TimedTls(smtplib.SMTP_SSL, _Timed):
    """The same, with TLS from the first byte."""

    def __init__(self, host: str = "", port: int = 0, local_hostname: str | None = None, **options: Any) -> None:
        smtplib.SMTP_SSL.__init__(self, host, port, sender.hello_name(), **options)


class SmtpBackend(EmailBackend):
    """Django's backend, which verifies the server's certificate and name, with a time-out for each answer."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _TimedTls if self.use_ssl else _Timed

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        return tls_context()

    @property
    def stage(self) -> Stage:
        """How far the conversation got, also where it is over."""
        return getattr(self.connection, "stage", Stage.CONNECT)


def tls_context() -> ssl.SSLContext:
    """Whom we trust: the authorities of the system, or only those in MAIL_CA_FILE. Raises OSError: it cannot be read or
    has no certificate."""
    return ssl.create_default_context(cafile=settings.MAIL_CA_FILE or None)


def _hang_up(connection: socket.socket) -> None:
    """End the read in the other thread. Not with the method of a TLS socket, which would destroy its state."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
