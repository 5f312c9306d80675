"""`manage.py sms_resend`: queue results or notices again that failed or were not delivered."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.commands import arguments
from common.errors import PortalError
from sms import manual_actions

_WHY_NOT = {
    "not_found": "there is no such SMS",
    "code": "it is a code; its owner presses “send the code again”",
    "still_waiting": "it is still on its way",
    "arrived": "it was delivered, or called off",
    "no_text": "its text was blanked already; whoever caused it has to cause it again",
}


class Command(BaseCommand):
    help = (
        "Queue results and notices again that failed, were not delivered, or whose end nobody knows. "
        "The same SMS is sent again once only; codes never."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "ids", nargs="+", type=arguments.count, metavar="ID", help="as sms_status and the admin show it"
        )

    def handle(self, *args: Any, ids: list[int], **options: Any) -> None:
        refused = 0
        for number in ids:
            try:
                self.stdout.write(f"{number}: queued as {manual_actions.resend(message=number).pk}")
            except PortalError as error:
                refused += 1
                self.stderr.write(f"{number}: {_WHY_NOT[error.code]}")
        if refused:
            raise CommandError(f"{refused} of {len(ids)} not sent again")
