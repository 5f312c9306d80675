"""Maintenance: `manage.py maintenance on --until "1405/09/08 06:00"`, `off`, `status`."""

from __future__ import annotations

import datetime as dt
import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from common import limits, maintenance
from common.commands.arguments import day
from common.commands.output import iso, refusals
from common.errors import PortalError
from common.persian import fold


def moment(text: str) -> dt.datetime:
    """A day and an hour in Tehran. Raises ArgumentTypeError."""
    date, _, clock = fold(text).rpartition(" ")
    found = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", clock)
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        raise ArgumentTypeError(f"'{text}' is no moment: write it like \"1405/09/08 06:00\", in Tehran's time")
    return timezone.make_aware(dt.datetime.combine(day(date), dt.time(int(found[1]), int(found[2]))))


def sentence(error: PortalError) -> str:
    if error.code == "past":
        return "this moment has passed: name the end of the work"
    return f"this is more than {limits.MAINTENANCE_LONGEST.days} days away: name a nearer end, it can be moved later"


class Command(BaseCommand):
    help = (
        "Show citizens a page that says until when the portal is being worked on, or end this. Staff, the desk, health "
        "and the receipts of SMS gateways stay open. Every web process follows within "
        f"{limits.MAINTENANCE_SEEN_WITHIN.seconds} seconds. `on` again moves the end."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["on", "off", "status"])
        parser.add_argument("--until", type=moment, metavar="DAY HOUR", help='with "on": like "1405/09/08 06:00"')

    def handle(self, *, what: str, until: dt.datetime | None, **options: Any) -> None:
        if (what == "on") != (until is not None):
            raise CommandError('"on" needs --until, "off" and "status" have none')
        if until is not None:
            with refusals(sentence):
                maintenance.begin(until=until)
        if what == "off":
            maintenance.end()
        self.stdout.write(self._now())

    @staticmethod
    def _now() -> str:
        standing = maintenance.look()
        if standing is None:
            return "maintenance is off"
        late = "; this moment has passed, the page says that it takes longer" if standing.is_late else ""
        began, until = (iso(timezone.localtime(each)) for each in (standing.began_at, standing.until))
        return f"maintenance is on since {began}, until {until}{late}"
