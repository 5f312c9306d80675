"""`manage.py sms_send_test`: send one test SMS and show the gateway's answer."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common import operators
from common.errors import PortalError
from common.operators import OPERATORS
from common.persian import InputError, parse_mobile
from sms import configuration, manual_actions
from sms.gateways.base import Accepted


class Command(BaseCommand):
    help = "Send a test SMS to a phone of yours, by one gateway, also if that is switched off; it costs a part."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", help="the mobile, written in any way")
        parser.add_argument("--gateway", default="", help="as in SMS_GATEWAYS; without it the first of the route")
        told = "the number's operator, as SMS_ROUTES calls it; without it the one whose prefix the number has"
        parser.add_argument("--operator", default="", help=told)
        parser.add_argument(
            "--code", action="store_true", help="as a code goes (template, service line); opens nothing"
        )

    def handle(self, *args: Any, number: str, gateway: str, operator: str, code: bool, **options: Any) -> None:
        try:
            to = parse_mobile(number)
            known = operator or operators.hint(to)
            message, outcome = manual_actions.send_test(to=to, gateway=gateway, operator=known, code=code)
        except InputError:
            raise CommandError("that is not an Iranian mobile number (like 09121234567)") from None
        except PortalError as error:
            if error.code == "no_operator":
                there = ", ".join(OPERATORS)
                raise CommandError(f"there is no operator '{operator}'; there are: {there}") from None
            raise CommandError("there is no such gateway, or none of the route may be tried now") from None
        self.stdout.write(f"{_whose(operator, known)}; {_way(gateway, known)}")
        told = f"{message.gateway}: {type(outcome).__name__} {outcome.detail}".rstrip()
        if not isinstance(outcome, Accepted):
            raise CommandError(f"{told} (message {message.pk})")
        self.stdout.write(f"{told} (message {message.pk}; what becomes of it: manage.py sms_status {message.pk})")


def _whose(operator: str, known: str) -> str:
    if operator:
        return f"{operator}, as --operator says"
    return f"{known}, as the number's prefix says" if known else "no operator has that prefix"


def _way(gateway: str, operator: str) -> str:
    if gateway:
        return f"by {gateway}, whatever the routes say"
    return f"by the route of {operator if operator in configuration.operators() else configuration.ANY}"
