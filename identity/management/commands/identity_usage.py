"""`manage.py identity_usage`: show a day's inquiries and costs, resting registries and alarms. For monitoring."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from common import alarms
from common.commands import arguments
from common.commands.output import add_json, as_json
from identity import services
from identity.configuration import QUESTIONS


class Command(BaseCommand):
    help = "Show the inquiries of a day and their cost in rials, until when registries rest, and standing alarms."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--day", type=arguments.day, help="like 1405/09/02 or 2026-11-23 (default: today)")
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        found = _look(options["day"] or timezone.localdate())
        if options["json"]:
            self.stdout.write(as_json(found))
            return
        for row in found["usage"]:
            self.stdout.write("{registry} {question}: {inquiries} inquiries, {cost} rials".format(**row))
        self.stdout.write("all: {inquiries} inquiries, {cost} rials".format(**found["total"]))
        for name, most in found["caps"].items():
            if most:
                self.stdout.write(f"a day may see: {most} {name}")
        for question, until in found["rested_until"].items():
            if until:
                self.stdout.write(f"nobody can be asked about the {question} until {until}")
        for alarm in found["alarms"]:
            self.stdout.write(f"alarm {alarm}")


def _look(day: date) -> dict[str, Any]:
    usage = [asdict(row) for row in services.usage(day)]
    rested = {question: services.rested_until(question) for question in QUESTIONS}
    return {
        "day": day.isoformat(),
        "usage": usage,
        "total": {name: sum(row[name] for row in usage) for name in ("inquiries", "cost")},
        "caps": asdict(services.caps()),
        "rested_until": {question: until and until.isoformat() for question, until in rested.items()},
        "alarms": [f"{alarm}: {alarm.detail}".rstrip(": ") for alarm in alarms.standing("identity")],
    }
