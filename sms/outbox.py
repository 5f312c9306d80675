"""Put an SMS into the caller's transaction: if that rolls back, nothing was ever said."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from sms import parts
from sms.models import Message, MessageKind
from tamin_portal import limits
from tamin_portal.errors import PortalError
from tamin_portal.hints import hint
from tamin_portal.persian import InputError, parse_mobile

PRIORITY = {MessageKind.CODE: 0, MessageKind.RESULT: 10, MessageKind.NOTICE: 20}  # lower goes first


def enqueue(
    *,
    to: str,
    kind: str,
    text: str,
    dedupe_key: str,
    operator: str = "",
    expires_at: datetime | None = None,
) -> Message:
    """Queue `text` for the mobile `to` (E.164) and hint at it after commit. One INSERT.

    The same `dedupe_key` again returns the message that is there, unchanged. Raises PortalError:
    bad_number (not an Iranian mobile), empty_text, text_too_long (`at_most`).
    """
    _check(to, text)
    kind = MessageKind(kind)
    message = Message(
        dedupe_key=dedupe_key,
        kind=kind,
        priority=PRIORITY[kind],
        to=to,
        operator=operator,
        text=text,
        parts=parts.count(text),
        expires_at=expires_at,
        next_attempt_at=timezone.now(),
    )
    try:
        with transaction.atomic():  # a savepoint: a repeated key must not spoil the caller's transaction
            message.save(force_insert=True)
    except IntegrityError:
        existing = Message.objects.filter(dedupe_key=dedupe_key).first()
        if existing is None:
            raise
        return existing
    hint("sms.drain")
    return message


def _check(to: str, text: str) -> None:
    try:
        good = parse_mobile(to) == to
    except InputError:
        good = False
    if not good:
        raise PortalError("bad_number")
    if not text.strip():
        raise PortalError("empty_text")
    if len(text) > limits.SMS_LONGEST:
        raise PortalError("text_too_long", at_most=limits.SMS_LONGEST)
