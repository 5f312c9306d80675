"""What the mail tests share: real mail servers on the loopback, letters, and moving a row through time."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from django.utils import timezone

from mail import outbox
from mail.models import Letter

ADDRESS = "maryam@example.org"
OTHER = "reza@example.org"
SUBJECT = "گذرواژه‌ی شما تغییر کرد"
TEXT = "گذرواژه‌ی شما تغییر کرد.\nاگر کار شما نبود، به شعبه بروید.\n"
HTML = "<!doctype html><html lang='fa' dir='rtl'><body><p>گذرواژه‌ی شما تغییر کرد.</p></body></html>"
_numbers = itertools.count(1)

UseServer = Callable[..., None]


class PostOffice:
    """A mail server's behaviour: answers by address, and everything that arrived."""

    def __init__(self) -> None:
        self.arrived: list[EmailMessage] = []
        self.refused: dict[str, str] = {}  # address → the answer to RCPT TO
        self.after_data: Callable[[SMTP, Envelope], Awaitable[str]] | None = None
        self.conversations = 0
        self.names: list[str] = []  # what clients called themselves
        self.senders: list[str] = []

    @property
    def to(self) -> list[str]:
        return [str(message["To"]) for message in self.arrived]

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.conversations += 1
        self.names.append(hostname)
        return responses

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.senders.append(str(envelope.mail_from))
        answer = await self.after_data(server, envelope) if self.after_data else "250 2.0.0 OK"
        if answer.startswith("2"):
            self.arrived.append(message_from_bytes(bytes(envelope.content or b""), policy=policy.default))
        return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def listening(office: PostOffice, port: int, **options: Any) -> Iterator[None]:
    """A real SMTP server on the loopback, for as long as the block lasts."""
    controller = Controller(office, hostname="127.0.0.1", port=port, ready_timeout=20, **options)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


@pytest.fixture
def office(settings: Any) -> Iterator[PostOffice]:
    """A mail server that takes everything, and the portal sends through it."""
    office, port = PostOffice(), free_port()
    settings.MAIL_URL = f"smtp://127.0.0.1:{port}"
    settings.MAIL_FROM = "سامانه ثبت نام <portal@tamin.example>"
    with listening(office, port):
        yield office


@pytest.fixture
def impatient(settings: Any) -> None:
    """Nobody waits ten seconds for a server that hangs."""
    settings.EMAIL_TIMEOUT = 0.5


def queue(to: str = ADDRESS, **changes: Any) -> Letter:
    """One queued letter."""
    values = {"subject": SUBJECT, "text": TEXT, "html": HTML, "dedupe_key": f"test:{next(_numbers)}", **changes}
    return outbox.enqueue(to=to, **values)


def make_due(letter: Letter) -> None:
    """The pause before the next attempt, or the lease, is over."""
    waiting = Letter.objects.filter(pk=letter.pk, next_attempt_at__isnull=False)
    waiting.update(next_attempt_at=timezone.now() - timedelta(milliseconds=1))


async def hang_up(server: SMTP, envelope: Envelope) -> str:
    """The server has the letter and ends the connection instead of saying so."""
    server.transport.abort()
    return "250 2.0.0 OK"


async def say_nothing(server: SMTP, envelope: Envelope) -> str:
    """Longer than anybody waits."""
    await asyncio.sleep(30)
    return "451 4.3.0 too late"


class OneUser:
    """Takes the user "portal" with this password only."""

    def __init__(self, password: str) -> None:
        self.password = password.encode()

    def __call__(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"portal", self.password), handled=False)


def fresh(letter: Letter) -> Letter:
    letter.refresh_from_db()
    return letter


def state_of(letter: Letter) -> tuple[str, str]:
    return fresh(letter).state, letter.last_error
