"""`manage.py sms_backlog`: show the SMS backlog; exit code 1 if something is wrong. For monitoring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from common.commands.monitoring import MonitoringCommand
from sms import backlog
from sms.backlog import Backlog, Thresholds, Waiting
from sms.budget import ShareUsage
from sms.models import MessageKind


class Command(MonitoringCommand):
    help = (
        "Show how many SMS wait, the age of the oldest, what ended badly within the hour, open breakers and alarms, "
        "and what each share of the day's budget has spent. "
        "Ends with exit code 1 and the reasons when a threshold is passed, a breaker is open or an alarm stands."
    )
    thresholds = Thresholds
    options_of_thresholds = {
        "codes": ("SECONDS", "most the oldest code may wait"),
        "results": ("SECONDS", "the same for results and notices"),
        "receipts": ("SECONDS", "most a pushed receipt may be unread"),
        "queue": ("NUMBER", "most messages that may wait"),
        "failed": ("NUMBER", "most that may have failed or expired within the hour"),
        "unknown": ("NUMBER", "most of the last hour of which nobody may know whether they were sent"),
    }

    def look(self) -> Backlog:
        return backlog.look()

    def as_lines(self, found: Backlog) -> Iterator[str]:
        for kind, each in sorted(found.waiting.items()):
            yield f"{kind}: {each.count} waiting, the oldest for {each.oldest} s"
        yield f"within the hour: {found.failed} failed or expired, {found.unknown} unknown"
        for share in found.budget:
            told = f"{share.spent} of {share.part} parts of today spent, {share.room} left now"
            yield f"budget {share.share}: {told}"

    def as_object(self, found: Backlog) -> dict[str, Any]:
        none = Waiting(0, 0)
        waiting = {kind: found.waiting.get(kind, none) for kind in MessageKind.values}
        return {
            "waiting": {kind: {"count": each.count, "oldest_seconds": each.oldest} for kind, each in waiting.items()},
            "failed_last_hour": found.failed,
            "unknown_last_hour": found.unknown,
            "oldest_unread_receipt_seconds": found.unread,
            "budget": [_usage(each) for each in found.budget],
            "open_breakers": list(found.breakers),
            "alarms": [str(alarm) for alarm in found.alarms],
        }


def _usage(share: ShareUsage) -> dict[str, str | int]:
    return {
        "share": share.share.value,
        "spent": share.spent,
        "part": share.part,
        "released": share.released,
        "room": share.room,
    }
