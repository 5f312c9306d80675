"""`manage.py matching_status [--json]`: what waits to be checked, since when, and why."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict, fields
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registration.services import waiting
from registration.services.waiting import Thresholds, Waiting
from tamin_portal import arguments

_MOST = {
    "waiting": ("NUMBER", "most requests that may wait"),
    "held": ("NUMBER", "most that may be held because a registry did not answer"),
    "oldest": ("SECONDS", "most the oldest may wait"),
}


class Command(BaseCommand):
    help = (
        "Show how many requests wait for the registries, since when and why, which registries are left alone, and what "
        "was asked today. Ends with exit code 1 and the reasons when a threshold is passed, a breaker is open or "
        "requests are held by a fault of ours. Nothing personal is shown."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one object, for other programs")
        for field in fields(Thresholds):
            unit, what = _MOST[field.name]
            told = f"{what} (default {field.default})"
            parser.add_argument(f"--{field.name}", type=arguments.count, default=field.default, metavar=unit, help=told)

    def handle(self, *args: Any, **options: Any) -> None:
        found = waiting.look()
        problems = found.problems(Thresholds(**{name: options[name] for name in _MOST}))
        if options["json"]:
            self.stdout.write(json.dumps(_as_object(found, problems), ensure_ascii=False, indent=2))
        else:
            self._print(found)
        if problems:
            raise CommandError("; ".join(problems), returncode=1)

    def _print(self, found: Waiting) -> None:
        told = (
            f"{found.count} waiting, the oldest for {found.oldest_seconds} s; {found.due} due, {found.in_hand} in hand"
        )
        self.stdout.write(told)
        for each in found.held:
            self.stdout.write(
                f"    {each.count} {each.kind} {each.outcome or 'not asked yet'}, since {_iso(each.since)}"
            )
        for answer, count in found.answers:
            self.stdout.write(f"    {count} of the oldest: {' '.join(filter(None, answer.values()))}")
        for name, state in found.rests.items():
            self.stdout.write(f"{name} is left alone until {_iso(state.open_until)} ({state.reason or 'failures'})")
        for used in found.usage:
            self.stdout.write(f"today {used.registry} {used.question}: {used.inquiries} inquiries, {used.cost} rials")


def _as_object(found: Waiting, problems: list[str]) -> dict[str, Any]:
    return {
        "waiting": found.count,
        "due": found.due,
        "in_hand": found.in_hand,
        "oldest_submitted_at": _iso(found.oldest),
        "oldest_seconds": found.oldest_seconds,
        "held": [asdict(each) | {"since": _iso(each.since)} for each in found.held],
        "answers_about_the_oldest": [answer | {"count": count} for answer, count in found.answers],
        "open_breakers": {
            name: {"until": _iso(state.open_until), "reason": state.reason} for name, state in found.rests.items()
        },
        "usage_today": [asdict(each) for each in found.usage],
        "caps": asdict(found.caps),
        "problems": problems,
    }


def _iso(moment: Any) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
