"""`manage.py matching_status [--json]`: what waits to be checked, since when, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from common.commands.monitoring import MonitoringCommand
from common.commands.output import iso
from registration.services import matching_status
from registration.services.matching_status import Thresholds, Waiting


class Command(MonitoringCommand):
    help = (
        "Show how many requests wait for the registries, since when and why, which registries are left alone, and what "
        "was asked today. Ends with exit code 1 and the reasons when a threshold is passed, a breaker is open or "
        "requests are held by a fault of ours. Nothing personal is shown."
    )
    thresholds = Thresholds
    options_of_thresholds = {
        "waiting": ("NUMBER", "most requests that may wait"),
        "held": ("NUMBER", "most that may be held because a registry did not answer"),
        "oldest": ("SECONDS", "most the oldest may wait"),
    }

    def look(self) -> Waiting:
        return matching_status.look()

    def as_lines(self, found: Waiting) -> Iterator[str]:
        totals = f"{found.count} waiting, the oldest for {found.oldest_seconds} s"
        yield f"{totals}; {found.due} due, {found.in_hand} in hand"
        for each in found.held:
            yield f"    {each.count} {each.kind} {each.outcome or 'not asked yet'}, since {iso(each.since)}"
        for answer, count in found.answers:
            yield f"    {count} of the oldest: {' '.join(filter(None, answer.values()))}"
        for name, state in found.rests.items():
            yield f"{name} is left alone until {iso(state.open_until)} ({state.reason or 'failures'})"
        for used in found.usage:
            yield f"today {used.registry} {used.question}: {used.inquiries} inquiries, {used.cost} rials"

    def as_object(self, found: Waiting) -> dict[str, Any]:
        rests = {name: {"until": iso(state.open_until), "reason": state.reason} for name, state in found.rests.items()}
        return {
            "waiting": found.count,
            "due": found.due,
            "in_hand": found.in_hand,
            "oldest_submitted_at": iso(found.oldest),
            "oldest_seconds": found.oldest_seconds,
            "held": [asdict(each) | {"since": iso(each.since)} for each in found.held],
            "answers_about_the_oldest": [answer | {"count": count} for answer, count in found.answers],
            "open_breakers": rests,
            "usage_today": [asdict(each) for each in found.usage],
            "caps": asdict(found.caps),
        }
