"""Tells the session that asked for a code what became of its SMS: held, queued, sent, delivered, or why it does not
come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils import timezone

from accounts.codes import issuing, places, validity
from accounts.models import CodePurpose, OneTimeCode
from common import limits
from common.abuse import turns
from sms import line_waits
from sms.models import Message, MessageState


class Progress(StrEnum):
    QUEUED = "queued"  # another session was just sent one; this one's follows by itself
    HELD = "held"  # very many ask: it is sent in turn, or after a proof of work
    CROWDED = "crowded"  # the SMS gateways take only so many a second, and others are before it
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNCONFIRMED = "unconfirmed"  # sent, and nobody says that it arrived
    UNDELIVERED = "undelivered"  # the operator says that it did not arrive
    DOUBTFUL = "doubtful"  # nobody knows whether it was sent
    NOT_SENT = "not_sent"


@dataclass(frozen=True)
class CodeDelivery:
    """How far the newest code of a session is, and since when."""

    progress: Progress
    at: datetime
    wait: int = 0  # seconds until it is sent, where that is known

    @property
    def is_final(self) -> bool:
        """Whether this is the last that will be known."""
        return self.progress in (Progress.DELIVERED, Progress.UNDELIVERED, Progress.NOT_SENT)

    @property
    def wants_advice(self) -> bool:
        """Whether the code may never come, and its owner can do something about it."""
        return self.progress in (Progress.UNCONFIRMED, Progress.UNDELIVERED, Progress.DOUBTFUL)


def renews(delivery: CodeDelivery | None) -> int:
    """After how many seconds a page without a script reloads itself while the code is held; 0: not."""
    return turns.renews(delivery.wait) if delivery and delivery.progress == Progress.HELD else 0


@dataclass(frozen=True)
class Standing:
    """Where the codes of a session are: `wait` as `accounts.codes.issuing.wait`, `delivery` as `of_newest`."""

    wait: int
    delivery: CodeDelivery | None


def standing(*, purpose: CodePurpose, mobile: str, asker: str) -> Standing:
    """What a page says that waits for a code. One statement, unless the code waits for its turn."""
    now = timezone.now()
    rows = validity.of_asker(purpose=purpose, mobile=mobile, asker=asker, now=now)
    return Standing(issuing.wait_of(rows, now), _of_rows(rows, now))


def of_newest(*, purpose: CodePurpose, mobile: str, asker: str) -> CodeDelivery | None:
    """The delivery of the newest code that `asker` asked for; None where nothing was asked for in this session.

    It tells nothing of what other sessions asked for: they would learn of it as well.
    """
    now = timezone.now()
    return _of_rows(validity.of_asker(purpose=purpose, mobile=mobile, asker=asker, now=now), now)


def _of_rows(rows: Sequence[OneTimeCode], now: datetime) -> CodeDelivery | None:
    asked = [code for code in rows if code.message or code.next_attempt_at]
    newest = max(asked, key=lambda code: code.created_at, default=None)
    if newest and newest.next_attempt_at:
        progress = Progress.HELD if newest.is_held else Progress.QUEUED
        return CodeDelivery(progress, newest.created_at, places.wait(newest))
    return _of(newest.message, now) if newest and newest.message else None


def _of(message: Message, now: datetime) -> CodeDelivery:
    at = message.sent_at or message.created_at
    waited = now - at >= limits.CODE_UNCONFIRMED_AFTER
    match MessageState(message.state):
        case MessageState.QUEUED | MessageState.SENDING:
            wait = line_waits.seconds(message)
            crowded = wait >= limits.CODE_LINE_IS_FULL.total_seconds()
            return CodeDelivery(Progress.CROWDED if crowded else Progress.SENDING, at, wait if crowded else 0)
        case MessageState.DELIVERED:
            return CodeDelivery(Progress.DELIVERED, message.final_at or at)
        case MessageState.ACCEPTED:  # where a receipt is due and does not come, say so
            return CodeDelivery(Progress.UNCONFIRMED if waited and not message.final_at else Progress.SENT, at)
        case MessageState.UNKNOWN:
            settled = waited or message.next_attempt_at is None
            return CodeDelivery(Progress.DOUBTFUL if settled else Progress.SENDING, at)
        case MessageState.UNDELIVERED:
            return CodeDelivery(Progress.UNDELIVERED, message.final_at or at)
        case _:
            return CodeDelivery(Progress.NOT_SENT, at)
