"""Queues e-mail in the caller's transaction (transactional outbox): if that rolls back, nothing is sent."""

from __future__ import annotations

import unicodedata
import uuid
from datetime import datetime

from django.utils import timezone

from common import limits
from common.email_addresses import parse_email
from common.errors import PortalError
from common.hints import hint
from common.persian import InputError
from common.storable_text import can_be_stored
from mail import sender
from mail.models import Letter

_LINE_ENDS = ("Cc", "Zl", "Zp")  # control characters, and line and paragraph separators


def enqueue(
    *, to: str, subject: str, text: str, html: str, dedupe_key: str, expires_at: datetime | None = None
) -> Letter:
    """Queue one e-mail, as text and HTML with the same content, and send a hint after commit.

    For a `dedupe_key` that was used before, returns the letter that is there, unchanged, as long as its row is kept
    (`limits.MAIL_KEPT`). Not sent from `expires_at` on. Raises PortalError: bad_address (no letter can be sent there),
    bad_text (empty or too long; a subject of several lines; a NUL or a lone surrogate, which no database stores).
    """
    to = _address(to)
    _check_subject(subject)
    _check_body(text)
    _check_body(html)
    letter = Letter(
        dedupe_key=dedupe_key,
        message_id=_new_message_id(),
        to=to,
        subject=subject,
        text=text,
        html=html,
        expires_at=expires_at,
        next_attempt_at=timezone.now(),
    )
    # A repeated key must not spoil the caller's transaction, as an IntegrityError would.
    Letter.objects.bulk_create([letter], ignore_conflicts=True)
    stored = Letter.objects.get(dedupe_key=dedupe_key)
    if stored.message_id == letter.message_id:
        hint("mail.drain")
    return stored


def _new_message_id() -> str:
    """A unique Message-ID that tells nothing of time, place or recipient."""
    return f"<{uuid.uuid4().hex}@{sender.domain()}>"


def _address(to: str) -> str:
    """`to` as mail servers take it."""
    try:
        found = parse_email(to).wire
    except InputError:
        raise PortalError("bad_address") from None
    if len(found) > limits.MAIL_LONGEST_ADDRESS or _has_line_ends(to):
        raise PortalError("bad_address")
    return found


def _check_subject(subject: str) -> None:
    if len(subject) > limits.MAIL_LONGEST_SUBJECT or _has_line_ends(subject):
        raise PortalError("bad_text")
    _check_body(subject)


def _check_body(text: str) -> None:
    if not text.strip() or len(text) > limits.MAIL_LONGEST:
        raise PortalError("bad_text")
    if not can_be_stored(text):
        raise PortalError("bad_text")


def _has_line_ends(text: str) -> bool:
    return any(unicodedata.category(character) in _LINE_ENDS for character in text)
