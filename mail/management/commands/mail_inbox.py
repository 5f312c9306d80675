"""Show what the embedded mailbox "sent" to an address."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from mail.inbox import Received, received
from mail.models import LetterState
from tamin_portal.persian import format_jalali


class Command(BaseCommand):
    help = "Show the e-mails that the demo's mailbox got for an address, newest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", required=True, metavar="ADDRESS", help="the e-mail address")
        parser.add_argument("--json", action="store_true", help="a list of objects, for other programs")

    def handle(self, *args: Any, to: str, **options: Any) -> None:
        address = to.strip()
        letters = received(to=address) if address else []
        if options["json"]:
            self.stdout.write(json.dumps([_as_object(letter) for letter in letters], ensure_ascii=False, indent=2))
            return
        if not letters:
            self.stdout.write(f"No e-mail to {address}.")
        for letter in letters:
            at = timezone.localtime(letter.created_at)
            state = LetterState(letter.state).label if letter.state else "-"
            self.stdout.write(f"── {format_jalali(at.date())} {at:%H:%M:%S} · {state}")
            self.stdout.write(f"{letter.subject}\n\n{letter.text}\n")


def _as_object(letter: Received) -> dict[str, str]:
    return {
        "to": letter.to,
        "subject": letter.subject,
        "text": letter.text,
        "html": letter.html,
        "state": letter.state,
        "created_at": letter.created_at.isoformat(),
    }
