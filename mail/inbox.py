"""The embedded mailbox: a mail backend that stores letters in the database instead of sending them (demo mode only).

`/portal/inbox/` and `manage.py mail_inbox` show them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend

from mail.models import InboxLetter, Letter

SHOWN = 50


class InboxBackend(BaseEmailBackend):
    """A backend of Django's mail API that takes everything. A letter that is sent twice arrives once."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        rows = [
            InboxLetter(
                message_id=message.extra_headers["Message-ID"],
                to=to,
                subject=str(message.subject),
                text=str(message.body),
                html=_html(message),
            )
            for message in email_messages
            for to in message.to
        ]
        InboxLetter.objects.bulk_create(rows, ignore_conflicts=True)
        return len(email_messages)


@dataclass(frozen=True, slots=True)
class Received:
    """One letter that arrived. `state`: of its row in the queue, empty if that is deleted."""

    pk: int
    to: str
    subject: str
    text: str
    html: str
    state: str
    created_at: datetime


def received(*, to: str = "") -> list[Received]:
    """What arrived at `to`, newest first; whole texts, also after they were blanked in the queue. Without `to`: the
    newest SHOWN of all addresses."""
    copies = InboxLetter.objects.order_by("-created_at", "-id")
    rows = list(copies.filter(to__iexact=to) if to else copies[:SHOWN])
    ids = [row.message_id for row in rows]
    states = dict(Letter.objects.filter(message_id__in=ids).values_list("message_id", "state"))
    return [
        Received(row.pk, row.to, row.subject, row.text, row.html, states.get(row.message_id, ""), row.created_at)
        for row in rows
    ]


def _html(message: EmailMessage) -> str:
    alternatives = message.alternatives if isinstance(message, EmailMultiAlternatives) else []
    return next((str(content) for content, kind in alternatives if kind == "text/html"), "")
