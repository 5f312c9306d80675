"""`manage.py sms_send_test`: send one test SMS and show the answer; put on record that somebody has read it."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common import operators
from common.errors import PortalError
from common.operators import OPERATORS
from common.persian import InputError, fold_digits, parse_mobile
from sms import configuration, manual_actions, seen, texts
from sms.gateways.base import Accepted
from sms.models import Message, SeenHow


class Command(BaseCommand):
    help = (
        "Send a test SMS to a phone of yours, by one gateway, also if that is switched off; it costs as any SMS. A new "
        "gateway gets no traffic until you have confirmed that it arrived, word for word: by the number at its end."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", nargs="?", default="", help="the mobile, written in any way")
        parser.add_argument("--to", default="", help="the same")
        parser.add_argument("--gateway", default="", help="as in SMS_GATEWAYS; without it the first of the route")
        told = "the number's operator, as SMS_ROUTES calls it; without it the one whose prefix the number has"
        parser.add_argument("--operator", default="", help=told)
        parser.add_argument(
            "--code", action="store_true", help="as a code goes (template, service line); opens nothing"
        )
        parser.add_argument(
            "--confirm",
            metavar="NUMBER",
            default="",
            help="send nothing: the last test SMS of --gateway arrived word for word, and has this number at its end",
        )
        parser.add_argument(
            "--assume-seen", action="store_true", help="--gateway gets traffic though nobody has read a test SMS"
        )
        parser.add_argument(
            "--not-seen",
            action="store_true",
            help="--gateway is set up anew: no traffic until a test SMS was read again",
        )
        parser.add_argument("--by", default="", help="who confirms or assumes, for the record; without it the user")

    def handle(self, *args: Any, number: str, gateway: str, **options: Any) -> None:
        by, number = options["by"] or _user(), number or options["to"]
        on_record = options["confirm"] or options["assume_seen"] or options["not_seen"]
        if on_record and gateway not in configuration.names():
            raise CommandError(f"--gateway is one of {', '.join(configuration.names()) or 'none'}")
        if options["confirm"]:
            return self._confirm(gateway, options["confirm"], by)
        if options["not_seen"]:
            seen.take_back(gateway, by=by)
            self.stdout.write(f"{gateway} gets no traffic until a test SMS was read: {seen.what_to_do(gateway)}")
            return None
        if options["assume_seen"]:
            seen.record(gateway, SeenHow.ASSUMED, by=by)
            self.stdout.write(f"{gateway} gets traffic: assumed to be right by {by}; this is on record")
            if not number:
                return None
        message, outcome = self._send(number, gateway, options["operator"], options["code"])
        told = f"{message.gateway}: {type(outcome).__name__} {outcome.detail}".rstrip()
        if not isinstance(outcome, Accepted):
            raise CommandError(f"{told} (message {message.pk})")
        self.stdout.write(f"{told} (message {message.pk}; what becomes of it: manage.py sms_status {message.pk})")
        if not options["code"] and not seen.may_carry(message.gateway):
            self._ask(message, by)
        return None

    def _send(self, number: str, gateway: str, operator: str, code: bool) -> tuple[Message, Any]:
        known = operator
        try:
            to = parse_mobile(number)
            known = operator or operators.hint(to)
            sent = manual_actions.send_test(to=to, gateway=gateway, operator=known, code=code)
        except InputError:
            raise CommandError("that is not an Iranian mobile number (like 09121234567)") from None
        except PortalError as error:
            if error.code == "no_operator":
                there = ", ".join(OPERATORS)
                raise CommandError(f"there is no operator '{operator}'; there are: {there}") from None
            raise CommandError(_no_gateway(gateway)) from None
        self.stdout.write(f"{_whose(operator, known)}; {_way(gateway, known)}")
        return sent

    def _ask(self, message: Message, by: str) -> None:
        """Show what has to arrive, without the number at its end, and ask for that, now or in a later call."""
        without = texts.without_number(message.text)
        self.stdout.write(f"{message.gateway} is new. Compare every letter with what the phone shows:\n\n{without}\n")
        later = f"manage.py sms_send_test --gateway {message.gateway} --confirm NUMBER"
        if not sys.stdin.isatty():
            self.stdout.write(f"All of it is there, in one message: {later}, with the number at its end.")
            return
        given = input("All of it is there, in one message? Then the number at its end, else Enter: ").strip()
        if not given:
            raise CommandError(f"{message.gateway} gets no traffic. If it arrives later: {later}")
        self._confirm(message.gateway, given, by)

    def _confirm(self, gateway: str, number: str, by: str) -> None:
        try:
            seen.confirm(gateway, fold_digits(number), by=by)
        except PortalError as error:
            if error.code == "other_setup":
                what_to_do = seen.what_to_do(gateway)
                raise CommandError(f"{gateway} was set up otherwise since that test SMS: {what_to_do}") from None
            raise CommandError(
                f"the last test SMS of {gateway} of this hour does not end in that number; if its end, or any letter, "
                "is missing on the phone, the gateway is set up wrongly (docs/runbook-sms.md)"
            ) from None
        self.stdout.write(f"{gateway} gets traffic: a test SMS was confirmed by {by}; this is on record")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        return "nobody by name"


def _no_gateway(gateway: str) -> str:
    unseen = [] if gateway else seen.unseen()
    more = f"; new, and named by --gateway only: {', '.join(unseen)}" if unseen else ""
    return f"there is no such gateway, or none of the route may be tried now{more}"


def _whose(operator: str, known: str) -> str:
    if operator:
        return f"{operator}, as --operator says"
    return f"{known}, as the number's prefix says" if known else "no operator has that prefix"


def _way(gateway: str, operator: str) -> str:
    if gateway:
        return f"by {gateway}, whatever the routes say"
    return f"by the route of {operator if operator in configuration.operators() else configuration.ANY}"
