"""A request in the web's worker process: reads it as it arrives, and lets the application answer it in a thread."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.receiver import FixedStreamReceiver
from waitress.task import WSGITask
from waitress.utilities import RequestEntityTooLarge

from common import limits
from common.abuse.hashing_places import ARRIVED


class Request(HTTPRequestParser):
    """One request as it arrives. `began`, `arrived`: its first byte and its last, by time.monotonic().

    Of a body that is larger than any form nothing is kept. It is still taken to its end, for the portal's page about it
    to arrive: a connection that is closed on unread bytes is reset, and the browser shows an error of its own.
    """

    arrived = 0.0
    body_rcv: Any
    error: Any

    def __init__(self, adj: Adjustments) -> None:
        super().__init__(adj)
        self.began = time.monotonic()

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # a target or a length that Python does not read
            raise ParsingError("Invalid request") from error
        if "TRANSFER_ENCODING" in self.headers or (self.chunked and "CONTENT_LENGTH" in self.headers):
            raise ParsingError("The length of the body is in doubt")  # another server may see another request in it
        if self.content_length > limits.WEB_BODY_KEPT:
            self.body_rcv = _Discarded(self.content_length, self.body_rcv.getbuf())

    def received(self, data: bytes) -> int:
        """How much of `data` is this request's. A body in chunks, which no browser sends, ends at what is kept."""
        taken: int = super().received(data)
        if self.error or self.body_rcv is None:
            self.expect_continue = False  # nothing more is expected: waitress would begin this request again
        if self.chunked and not self.error and self.body_bytes_received > limits.WEB_BODY_KEPT:
            self.error, self.completed = RequestEntityTooLarge("no form is as large"), True
        return taken


class _Discarded(FixedStreamReceiver):
    def received(self, data: bytes) -> int:
        taken = min(self.remain, len(data))
        self.remain -= taken
        self.completed = self.remain < 1
        return taken


class Task(WSGITask):
    """One request for the application, in a thread. Writes gunicorn's access line."""

    sent = 0  # bytes of the answer's body

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[ARRIVED] = self.request.arrived
        environ["wsgi.multiprocess"] = True
        return environ

    def write(self, data: bytes) -> None:
        body = self.has_body and self.request.command != "HEAD"
        super().write(data if body else b"")
        if body:
            self.sent += len(data)
        else:
            self.content_bytes_written += len(data)  # as far as the application knows
            self.chunked_response = False

    def execute(self) -> None:
        if not self.channel.server.worker.alive:
            self.set_close_on_finish()
        began = datetime.now()  # noqa: DTZ005 - gunicorn's logger wants the difference of two
        try:
            super().execute()
        finally:
            self.channel.server.worker.served(self, datetime.now() - began)  # noqa: DTZ005
