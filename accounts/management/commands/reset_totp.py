"""Deletes the one-time codes of a member of staff who lost the phone: `manage.py reset_totp USERNAME --by NAME --reason
TEXT`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.staff import totp
from common import limits
from common.commands.arguments import add_by_and_reason
from common.persian import fold


class Command(BaseCommand):
    help = (
        "Take the one-time codes from a member of staff who lost the phone, and end the sessions. At the next sign-in "
        "whoever has the password sets up new ones: make sure who is asking, and if the password may be known too, "
        "give changepassword first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", metavar="USERNAME", help="The name the person signs in with.")
        told = {"by": "Your name, for the log.", "reason": "Why, for the log."}
        add_by_and_reason(parser, longest_reason=limits.LARGEST_FIELD, **told)

    def handle(self, *args: Any, **options: Any) -> None:
        name = fold(options["username"])
        user = User.objects.filter(username=name, is_staff=True).first()
        if user is None:
            raise CommandError(f"There is no member of staff with the user name {name}.")
        was_set_up = totp.reset(user=user, by=options["by"], reason=options["reason"])
        done = "One-time codes were reset" if was_set_up else "No one-time codes were set up"
        self.stdout.write(f"{name}: {done}; the sessions have ended.")
