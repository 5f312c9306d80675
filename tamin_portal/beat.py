"""Beat's scheduler, which says at every round that it lives (`alive`)."""

from __future__ import annotations

from typing import Any

from celery.beat import PersistentScheduler

from tamin_portal import alive


class Scheduler(PersistentScheduler):
    def tick(self, *arguments: Any, **named: Any) -> Any:
        """One round, every few seconds. The file that Celery keeps its times in is no sign: its name and when it is
        written depend on which dbm Python has."""
        alive.say()
        return super().tick(*arguments, **named)
