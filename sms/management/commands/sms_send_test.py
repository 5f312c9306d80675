"""Send one test SMS and say what the gateway answered."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sms import operating
from sms.gateways.base import Accepted
from tamin_portal.errors import PortalError
from tamin_portal.operators import OPERATORS
from tamin_portal.persian import InputError, parse_mobile


class Command(BaseCommand):
    help = "Send a test SMS to a phone of yours, by one gateway, also if that is switched off; it costs a part."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", help="the mobile, written in any way")
        parser.add_argument("--gateway", default="", help="as in SMS_GATEWAYS; without it the first of the route")
        parser.add_argument("--operator", default="", help="the number's operator, as SMS_ROUTES calls it")

        parser.add_argument(
            "--code", action="store_true", help="as a code goes (template, service line); opens nothing"
        )

    def handle(self, *args: Any, number: str, gateway: str, operator: str, code: bool, **options: Any) -> None:
        try:
            to = parse_mobile(number)
            message, outcome = operating.send_test(to=to, gateway=gateway, operator=operator, code=code)
        except InputError:
            raise CommandError("that is not an Iranian mobile number (like 09121234567)") from None
        except PortalError as error:
            if error.code == "no_operator":
                known = ", ".join(OPERATORS)
                raise CommandError(f"there is no operator '{operator}'; there are: {known}") from None
            raise CommandError("there is no such gateway, or none of the route may be tried now") from None
        told = f"{message.gateway}: {type(outcome).__name__} {outcome.detail}".rstrip()
        if not isinstance(outcome, Accepted):
            raise CommandError(f"{told} (message {message.pk})")
        self.stdout.write(f"{told} (message {message.pk}; what becomes of it: manage.py sms_status {message.pk})")
