"""What waits to be sent, and whether anything is wrong: for monitoring."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import fields
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sms import backlog
from sms.backlog import Backlog, Thresholds, Waiting
from sms.budget import Line
from sms.models import MessageKind
from tamin_portal import arguments

_MOST = {
    "codes": ("SECONDS", "most the oldest code may wait"),
    "results": ("SECONDS", "the same for results and notices"),
    "receipts": ("SECONDS", "most a pushed receipt may be unread"),
    "queue": ("NUMBER", "most messages that may wait"),
    "failed": ("NUMBER", "most that may have failed or expired within the hour"),
    "unknown": ("NUMBER", "most of the last hour of which nobody may know whether they were sent"),
}


class Command(BaseCommand):
    help = (
        "Show how many SMS wait, the age of the oldest, what ended badly within the hour, open breakers and alarms, "
        "and what each share of the day's budget has spent. "
        "Ends with exit code 1 and the reasons when a threshold is passed, a breaker is open or an alarm stands."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one object, for other programs")
        for field in fields(Thresholds):
            unit, what = _MOST[field.name]
            told = f"{what} (default {field.default})"
            parser.add_argument(f"--{field.name}", type=arguments.count, default=field.default, metavar=unit, help=told)

    def handle(self, *args: Any, **options: Any) -> None:
        found = backlog.look()
        problems = found.problems(Thresholds(**{name: options[name] for name in _MOST}))
        if options["json"]:
            self.stdout.write(json.dumps(_as_object(found, problems), ensure_ascii=False, indent=2))
        else:
            for kind, each in sorted(found.waiting.items()):
                self.stdout.write(f"{kind}: {each.count} waiting, the oldest for {each.oldest} s")
            self.stdout.write(f"within the hour: {found.failed} failed or expired, {found.unknown} unknown")
            for line in found.budget:
                told = f"{line.spent} of {line.part} parts of today spent, {line.room} left now"
                self.stdout.write(f"budget {line.share}: {told}")
        if problems:
            raise CommandError("; ".join(problems), returncode=1)


def _budget(line: Line) -> dict[str, str | int]:
    return {
        "share": line.share.value,
        "spent": line.spent,
        "part": line.part,
        "released": line.released,
        "room": line.room,
    }


def _as_object(found: Backlog, problems: list[str]) -> dict[str, Any]:
    none = Waiting(0, 0)
    waiting = {kind: found.waiting.get(kind, none) for kind in MessageKind.values}
    return {
        "waiting": {kind: {"count": each.count, "oldest_seconds": each.oldest} for kind, each in waiting.items()},
        "failed_last_hour": found.failed,
        "unknown_last_hour": found.unknown,
        "oldest_unread_receipt_seconds": found.unread,
        "budget": [_budget(line) for line in found.budget],
        "open_breakers": list(found.breakers),
        "alarms": [str(alarm) for alarm in found.alarms],
        "problems": problems,
    }
