"""Django's SMTP backend, with an end to each answer: a server that drips byte after byte holds nobody for long."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import threading

from django.core.mail.backends.smtp import EmailBackend


class _Timed(smtplib.SMTP):
    """The socket's own time-out begins anew with each byte; this one is for the whole answer."""

    def getreply(self) -> tuple[int, bytes]:
        timer = threading.Timer(self.timeout, _hang_up, [self.sock])
        timer.daemon = True
        timer.start()
        try:
            return super().getreply()
        finally:
            timer.cancel()


class _TimedTls(smtplib.SMTP_SSL, _Timed):
    """The same from the first byte in TLS."""


class SmtpBackend(EmailBackend):
    """As Django's, which verifies the server's certificate and name, and with a time-out for each answer."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _TimedTls if self.use_ssl else _Timed


def _hang_up(connection: socket.socket) -> None:
    """End the reading in the other thread. Not by the method of a TLS socket, which would take its state away."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
