"""Queues SMS in the caller's transaction (transactional outbox): if that rolls back, nothing is sent."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import timezone

from common import limits
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
    message = _message(saying)
    written = _insert([message])
    if not written:
        return Message.objects.get(dedupe_key=dedupe_key)
    message.pk = written[0]
    message._state.adding, message._state.db = False, connection.alias
    hint("sms.drain")
    return message


def enqueue_all(sayings: Sequence[Saying]) -> int:
    """As `enqueue`, for many in one INSERT; returns how many are new. If one is refused, none is queued."""
    written = _insert([_message(saying) for saying in sayings]) if sayings else []
    if written:
        hint("sms.drain")
    return len(written)


def _message(saying: Saying) -> Message:
    _check(saying.to, saying.text)
    kind = MessageKind(saying.kind)
    return Message(
        dedupe_key=saying.dedupe_key,
        kind=kind,
        share=share_of(kind, saying.share or ""),
        priority=PRIORITY[kind],
        to=saying.to,
        operator=saying.operator,
        text=saying.text,
        parts=parts.count(saying.text),
        expires_at=saying.expires_at,
        next_attempt_at=timezone.now(),
    )


def _insert(messages: Sequence[Message]) -> list[int]:
    """Insert the rows whose `dedupe_key` is new; returns their ids.

    Raw SQL, because a repeated key must not break the caller's transaction: Django's own insert needs a savepoint for
    that each time, and its ON CONFLICT DO NOTHING does not return what was written.
    """
    meta, quote = Message._meta, connection.ops.quote_name
    fields = [field for field in meta.concrete_fields if not field.primary_key]
    values = [
        field.get_db_prep_save(field.pre_save(message, add=True), connection)
        for message in messages
        for field in fields
    ]
    columns = ", ".join(quote(str(field.column)) for field in fields)
    places = f"({', '.join(['%s'] * len(fields))})"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(meta.db_table)} ({columns}) "  # noqa: S608 - names come from the model
            f"VALUES {', '.join([places] * len(messages))} ON CONFLICT (dedupe_key) DO NOTHING RETURNING id",
            values,
        )
        return [key for (key,) in cursor.fetchall()]


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
