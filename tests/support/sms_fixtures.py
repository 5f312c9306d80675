"""What the SMS tests share: a queued message, gateways for one test, and moving a row through time."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from common import leases, limits
from sms import outbox, routing
from sms.gateways import smpp_session
from sms.models import Attempt, Message, MessageKind, MessageState
from sms.sending import drain
from tests.support.raw_smsc import RawSmsc, raw_smsc
from tests.support.sms_gateways import StubGateway

NUMBER = "+989121234567"
CODE_TEXT = "کد شناسه ثبت نام: 482913\n@portal.example #482913"
LONG_AGO = limits.RECEIPT_DUE_WITHIN.total_seconds()
_numbers = itertools.count(1)

UseGateways = Callable[..., None]


@pytest.fixture
def use_gateways(settings, monkeypatch) -> UseGateways:
    """Make these stub gateways the route, in this order."""

    def use(*gateways: StubGateway) -> None:
        for gateway in gateways:
            monkeypatch.setitem(routing._built, gateway.name, gateway)
        settings.SMS_GATEWAYS = [gateway.name for gateway in gateways]

    return use


@pytest.fixture
def smpp_patience(request, monkeypatch) -> None:
    """Nobody waits long for an SMSC: as many seconds as the module calls PATIENCE, else one."""
    for name in ("ANSWER_WITHIN", "CONNECT_WITHIN"):
        monkeypatch.setattr(smpp_session, name, getattr(request.module, "PATIENCE", 1.0))


@pytest.fixture
def smsc() -> Iterator[RawSmsc]:
    with raw_smsc() as one:
        yield one


def queue(kind: str = MessageKind.RESULT, *, to: str = NUMBER, **changes: object) -> Message:
    """One queued message; a code expires as codes do."""
    values: dict[str, object] = {"text": CODE_TEXT if kind == MessageKind.CODE else "نتیجه", **changes}
    if kind == MessageKind.CODE:
        values.setdefault("expires_at", timezone.now() + limits.CODE_TO_BE_ACCEPTED_WITHIN)
    values.setdefault("dedupe_key", f"test:{next(_numbers)}")
    return outbox.enqueue(to=to, kind=kind, **values)  # type: ignore[arg-type]


def make_due(message: Message) -> None:
    """The pause before the next round, or the lease, is over."""
    waiting = Message.objects.filter(pk=message.pk, next_attempt_at__isnull=False)
    waiting.update(next_attempt_at=timezone.now() - timedelta(milliseconds=1))


def die_in_mid_send(message: Message, gateway: str) -> Attempt:
    """What is left of a worker that was killed between its Attempt and its answer, a lease ago."""
    [ours] = leases.claim(Message, limit=1, lease_for=limits.SMS_LEASE)
    assert ours.pk == message.pk
    Message.objects.filter(pk=ours.pk).update(state=MessageState.SENDING, gateway=gateway)
    attempt = Attempt.objects.create(message=ours, gateway=gateway)
    Attempt.objects.filter(pk=attempt.pk).update(started_at=timezone.now() - limits.SMS_LEASE)
    attempt.refresh_from_db()
    make_due(message)
    return attempt


def crowd(name: str, *answers: object, connections: int = 20, **options: object) -> StubGateway:
    """A gateway that stands so many calls at the same time."""
    gateway = StubGateway(name, *answers, **options)  # type: ignore[arg-type]
    gateway.connections = connections
    return gateway


def drained_in_a_thread(work: Callable[[], object] = drain.drain) -> threading.Thread:
    """`work`, begun in a thread that lets go of its database connection at the end."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def until(condition: Callable[[], object], seconds: float = 15) -> None:
    """Wait for `condition`; fails when it takes longer than `seconds`."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


def states() -> Counter[str]:
    """How many messages are in which state."""
    return Counter(Message.objects.values_list("state", flat=True))


def delivered(
    seconds: float, *, operator: str = "mci", state: str = MessageState.DELIVERED, ago: float = LONG_AGO
) -> Message:
    """A message of the stub "one" that was sent so long ago and took so long to arrive."""
    message, sent_at = queue(operator=operator), timezone.now() - timedelta(seconds=ago)
    final_at = None if state == MessageState.ACCEPTED else sent_at + timedelta(seconds=seconds)
    Message.objects.filter(pk=message.pk).update(
        state=state, gateway="one", next_attempt_at=None, sent_at=sent_at, final_at=final_at
    )
    return message
