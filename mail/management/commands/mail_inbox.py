"""`manage.py mail_inbox`: show the letters that the embedded mailbox stored for an address (demo mode)."""

from __future__ import annotations

from common.commands.inbox import InboxCommand
from common.email_addresses import parse_email
from common.persian import InputError
from mail.inbox import Received, received
from mail.models import LetterState


class Command(InboxCommand):
    help = "Show the e-mails that the demo's mailbox got for an address, newest first."
    unit, told = "ADDRESS", "the e-mail address"
    states = LetterState
    shown = ("to", "subject", "text", "html", "state")

    def received(self, typed: str) -> tuple[list[Received], str]:
        try:
            address = parse_email(typed).wire
        except InputError:
            address = typed.strip()
        return received(to=address) if address else [], f"No e-mail to {address}."

    def as_text(self, message: Received) -> str:
        return f"{message.subject}\n\n{message.text}\n"
