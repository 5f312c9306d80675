"""What waits to be sent, and whether that is too long: for monitoring."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sms import alarms, health
from sms.models import MessageKind

CODES_WAIT, RESULTS_WAIT = 60, 900  # seconds


class Command(BaseCommand):
    help = (
        "Show how many SMS wait, the age of the oldest, and the alarms that stand. Ends with exit code 1 when a code "
        "or a result waits longer than it should, or an alarm stands."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one object, for other programs")
        parser.add_argument("--codes", type=int, default=CODES_WAIT, metavar="SECONDS", help="most a code may wait")
        parser.add_argument("--results", type=int, default=RESULTS_WAIT, metavar="SECONDS", help="the same for others")

    def handle(self, *args: Any, **options: Any) -> None:
        waiting, standing = health.backlog(), alarms.standing()
        limits = {kind: options["codes" if kind == MessageKind.CODE else "results"] for kind in MessageKind.values}
        problems = [
            f"{kind}: the oldest waits for {each.oldest} s"
            for kind, each in sorted(waiting.items())
            if each.oldest > limits[kind]
        ]
        problems += [f"alarm {alarm}: {alarm.detail}".rstrip(": ") for alarm in standing]
        if options["json"]:
            found = {kind: _as_object(waiting, kind) for kind in MessageKind.values}
            told = {"waiting": found, "alarms": [str(alarm) for alarm in standing], "problems": problems}
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
        else:
            for kind, each in sorted(waiting.items()):
                self.stdout.write(f"{kind}: {each.count} waiting, the oldest for {each.oldest} s")
        if problems:
            raise CommandError("; ".join(problems), returncode=1)


def _as_object(waiting: dict[str, health.Waiting], kind: str) -> dict[str, int]:
    each = waiting.get(kind, health.Waiting(0, 0))
    return {"count": each.count, "oldest_seconds": each.oldest}
