"""Queues SMS in the caller's transaction (transactional outbox): if that rolls back, nothing is sent."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from common import limits, recordsets
from common.errors import PortalError
from common.hints import hint
from common.persian import InputError, parse_mobile
from common.storable_text import can_be_stored
from sms import parts
from sms.models import Message, MessageKind, Share, share_of

PRIORITY = {
    MessageKind.CODE: 0,
    MessageKind.ALERT: 5,
    MessageKind.RESULT: 10,
    MessageKind.NOTICE: 20,
}  # lower goes first

_COLUMNS = ("key", "dedupe_key", "kind", "share", "priority", "to", "operator", "text", "parts", "expires_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One SMS to be queued. `dedupe_key` names the event: for one key only one message is sent."""

    to: str
    kind: str
    text: str
    dedupe_key: str
    operator: str = ""
    expires_at: datetime | None = None
    share: Share | None = None  # of the day's budget; None: by kind


def enqueue(
    *,
    to: str,
    kind: str,
    text: str,
    dedupe_key: str,
    operator: str = "",
    expires_at: datetime | None = None,
    share: Share | None = None,
) -> Message:
    """Queue `text` for the mobile `to` (E.164) and send a hint after commit. One INSERT. `share`: of the daily budget.

    For a `dedupe_key` that was used before, returns the message that is there, unchanged. Raises PortalError:
    bad_number (not an Iranian mobile), empty_text (nothing visible), text_too_long (`at_most`), bad_text (a NUL or a
    lone surrogate, which no database stores).
    """
    saying = Saying(
        to=to, kind=kind, text=text, dedupe_key=dedupe_key, operator=operator, expires_at=expires_at, share=share
    )
    now, values = timezone.now(), _values(saying)
    written = _insert([values], now)
    if not written:
        return Message.objects.get(dedupe_key=dedupe_key)
    message = Message(pk=written[0], next_attempt_at=now, created_at=now, **dict(zip(_COLUMNS, values, strict=True)))
    message._state.adding, message._state.db = False, connection.alias
    hint("sms.drain")
    return message


def enqueue_all(sayings: Sequence[Saying]) -> int:
    """As `enqueue`, for many in one INSERT; returns how many are new. If one is refused, none is queued."""
    written = _insert([_values(saying) for saying in sayings], timezone.now()) if sayings else []
    if written:
        hint("sms.drain")
    return len(written)


def _values(saying: Saying) -> tuple[Any, ...]:
    """What its row says, in the order of `_COLUMNS`."""
    _check(saying.to, saying.text)
    kind = MessageKind(saying.kind)
    return (
        uuid.uuid4(),
        saying.dedupe_key,
        kind,
        share_of(kind, saying.share or ""),
        PRIORITY[kind],
        saying.to,
        saying.operator,
        saying.text,
        parts.count(saying.text),
        saying.expires_at,
    )


def _insert(rows: Sequence[tuple[Any, ...]], now: datetime) -> list[int]:
    """Insert the rows whose `dedupe_key` is new; returns their ids. A repeated key does not break the caller's
    transaction."""
    same = {"next_attempt_at": now, "created_at": now}
    written = recordsets.insert(Message, _COLUMNS, rows, same=same, unless="(dedupe_key)", returning=("id",))
    return [key for (key,) in written]


def _check(to: str, text: str) -> None:
    try:
        good = parse_mobile(to) == to
    except InputError:
        good = False
    if not good:
        raise PortalError("bad_number")
    if not any(unicodedata.category(character)[0] not in "CZ" for character in text):
        raise PortalError("empty_text")
    if len(text) > limits.SMS_LONGEST:
        raise PortalError("text_too_long", at_most=limits.SMS_LONGEST)
    if not can_be_stored(text):
        raise PortalError("bad_text")
