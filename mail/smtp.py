"""Django's SMTP backend with a time-out for each whole answer, so that a slow server cannot hold a worker for long."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import threading

from django.core.mail.backends.smtp import EmailBackend


class _Timed(smtplib.SMTP):
    """Limits the time of a whole answer. The socket's own time-out starts again with each byte."""

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


class SmtpBackend(EmailBackend):
    """Django's backend, which verifies the server's certificate and name, with a time-out for each answer."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _TimedTls if self.use_ssl else _Timed


def _hang_up(connection: socket.socket) -> None:
    """End the read in the other thread. Not with the method of a TLS socket, which would destroy its state."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
