"""`manage.py sms_inbox`: show the SMS that the inbox gateway stored for a number (demo mode)."""

from __future__ import annotations

from django.core.management.base import CommandError

from common.commands.inbox import InboxCommand
from common.persian import InputError, local_mobile, parse_mobile
from sms.models import MessageState
from sms.phone import Received, received


class Command(InboxCommand):
    help = "Show the SMS that the inbox gateway sent to a number, newest first."
    unit, told = "NUMBER", "the mobile, written in any way"
    states = MessageState
    shown = ("to", "kind", "text", "state")

    def received(self, typed: str) -> tuple[list[Received], str]:
        try:
            number = parse_mobile(typed)
        except InputError:
            raise CommandError("--to is not an Iranian mobile number (like 09121234567)") from None
        return received(to=number), f"No SMS to {local_mobile(number)}."

    def heading(self, message: Received) -> list[str]:
        return [message.kind]

    def as_text(self, message: Received) -> str:
        return f"{message.text}\n\n"
