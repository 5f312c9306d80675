"""`manage.py sms_gateway`: show the gateways; switch one off or on, or change its weight, at run time."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.errors import PortalError
from common.operators import OPERATORS
from sms import configuration, health, manual_actions, receipt_health
from sms.health import GatewayHealth
from sms.models import GatewaySeen
from sms.receipt_health import ReceiptHealth


class Command(BaseCommand):
    help = (
        "Without arguments: how each gateway is doing with each operator. With a name: switch it off or on, or give "
        "it another weight, for all workers within a second. “on” also closes its breakers."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="the gateway, as in SMS_GATEWAYS")
        parser.add_argument("what", nargs="?", choices=["on", "off", "weight"])
        parser.add_argument("weight", nargs="?", help="a number, or “settings” for what SMS_ROUTES says")
        parser.add_argument("--operator", default="", help="only for this operator, as SMS_ROUTES calls it")

    def handle(self, *args: Any, name: str | None, what: str | None, weight: str | None, **options: Any) -> None:
        if name is None:
            for found in health.look():
                self.stdout.write(_told(found))
            for each in receipt_health.look():
                self.stdout.write(_told_of_receipts(each))
            for row in GatewaySeen.objects.filter(gateway__in=configuration.names()):
                self.stdout.write(f"{row.gateway:<14} seen: {row.how} by {row.by or '-'}, {row.at:%Y-%m-%d %H:%M} UTC")
            return
        try:
            self.stdout.write(_change(name, what, weight, options["operator"]))
        except PortalError as error:
            raise CommandError(_why_not(error, name, options["operator"])) from None


def _change(name: str, what: str | None, weight: str | None, operator: str) -> str:
    about = f"{name}, {operator or 'all operators'}"
    if what in ("on", "off"):
        manual_actions.switch(gateway=name, operator=operator, is_on=what == "on")
        return f"{about}: {what}"
    if what != "weight" or weight is None or not (weight == "settings" or weight.isdecimal()):
        raise CommandError("say on, off, weight NUMBER or weight settings")
    try:
        number = None if weight == "settings" else configuration.weight_of(weight)
    except ValueError as error:
        raise CommandError(str(error)) from None
    manual_actions.weigh(gateway=name, operator=operator, weight=number)
    return f"{about}: weight {weight}"


def _why_not(error: PortalError, name: str, operator: str) -> str:
    if error.code == "no_operator":
        return f"there is no operator '{operator}'; there are: {', '.join(OPERATORS)}"
    return f"there is no gateway '{name}'; there are: {', '.join(configuration.names())}"


def _told(found: GatewayHealth) -> str:
    share = "-" if found.share_delivered is None else f"{found.share_delivered:.0%}"
    times = "-" if found.median is None else f"{found.median:.0f} s / {found.slow or 0:.0f} s"
    state = "on" if found.is_on else "off"
    if found.unseen:
        state += f", no traffic until: {found.unseen}"
    if found.open_until:
        state += f", breaker open ({found.reason or 'failures'})"
    state += "".join(f", out of order for {kind} ({reason})" for kind, reason in found.closed_to.items())
    return (
        f"{found.gateway:<14} {found.operator or '-':<10} {_weight(found):<22} {state:<30} taken {found.taken}, "
        f"delivered {share} of {found.due} due, not confirmed {found.unconfirmed}, "
        f"median / 95 % {times}, unknown {found.unknown}"
    )


def _told_of_receipts(found: ReceiptHealth) -> str:
    parts = {None: "not known", True: "one for all parts", False: "one for each part"}[found.per_message]
    ids = found.form or "not known"
    return (
        f"receipts of {found.gateway}: {found.unmatched} of the last {found.looked_at} match no message, "
        f"way of ids: {ids}, of a long message: {parts}"
    )


def _weight(found: GatewayHealth) -> str:
    """“weight 0 (settings: 3)” if it was changed at run time; “-” if the route does not have the gateway."""
    configured = "-" if found.weight is None else str(found.weight)
    return f"weight {configured}" if found.shifted is None else f"weight {found.shifted} (settings: {configured})"
