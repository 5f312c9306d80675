"""Lists the SMS that the inbox gateway stored, as a phone would show them, each with its message's state
(demo mode)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from sms import texts
from sms.models import InboxMessage, Message, MessageKind

CONVERSATIONS = 50


@dataclass(frozen=True, slots=True)
class Received:
    """One SMS that arrived. `state`: of its message, empty if that is deleted; `code`: the code in the text."""

    to: str
    kind: str
    text: str
    state: str
    created_at: datetime

    @property
    def code(self) -> str:
        return texts.code_in(self.text) if self.kind == MessageKind.CODE else ""


def received(*, to: str) -> list[Received]:
    """Everything that arrived at `to` (E.164), newest first; whole texts, also after the message's text was blanked."""
    copies = list(InboxMessage.objects.filter(to=to).order_by("-created_at", "-id"))
    states = dict(Message.objects.filter(to=to, gateway="inbox").values_list("key", "state"))
    return [Received(row.to, row.kind, row.text, states.get(row.key, ""), row.created_at) for row in copies]


def conversations() -> list[Received]:
    """The newest SMS of each number, newest first, at most CONVERSATIONS numbers."""
    later = InboxMessage.objects.filter(to=OuterRef("to")).filter(
        Q(created_at__gt=OuterRef("created_at")) | Q(created_at=OuterRef("created_at"), id__gt=OuterRef("id"))
    )
    newest = InboxMessage.objects.filter(~Exists(later)).order_by("-created_at", "-id")[:CONVERSATIONS]
    return [Received(row.to, row.kind, row.text, "", row.created_at) for row in newest]
