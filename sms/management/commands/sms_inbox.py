"""Show what the inbox gateway "sent" to a number."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from sms.models import MessageState
from sms.phone import Received, received
from tamin_portal.persian import InputError, format_jalali, local_mobile, parse_mobile


class Command(BaseCommand):
    help = "Show the SMS that the inbox gateway sent to a number, newest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", required=True, metavar="NUMBER", help="the mobile, written in any way")
        parser.add_argument("--json", action="store_true", help="a list of objects, for other programs")

    def handle(self, *args: Any, to: str, **options: Any) -> None:
        try:
            number = parse_mobile(to)
        except InputError:
            raise CommandError("--to is not an Iranian mobile number (like 09121234567)") from None
        messages = received(to=number)
        if options["json"]:
            self.stdout.write(json.dumps([_as_object(message) for message in messages], ensure_ascii=False, indent=2))
            return
        if not messages:
            self.stdout.write(f"No SMS to {local_mobile(number)}.")
        for message in messages:
            at = timezone.localtime(message.created_at)
            state = MessageState(message.state).label if message.state else "-"
            self.stdout.write(f"── {format_jalali(at.date())} {at:%H:%M:%S} · {message.kind} · {state}")
            self.stdout.write(f"{message.text}\n\n")


def _as_object(message: Received) -> dict[str, str]:
    return {
        "to": message.to,
        "kind": message.kind,
        "text": message.text,
        "state": message.state,
        "created_at": message.created_at.isoformat(),
    }
