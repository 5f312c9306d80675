"""The base of commands that show what a demo inbox received for a number or an address."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any, ClassVar

from django.core.management.base import BaseCommand
from django.db.models import TextChoices
from django.utils import timezone

from common.commands.output import add_json, as_json
from common.persian import format_jalali


class InboxCommand(BaseCommand):
    """Shows what `received` finds, newest first.

    `unit`, `told`: metavar and help of the option --to. `states`: the choices of a message's state. `shown`: the
    attributes that --json prints, besides `created_at`.
    """

    unit: ClassVar[str]
    told: ClassVar[str]
    states: ClassVar[type[TextChoices]]
    shown: ClassVar[tuple[str, ...]]

    def received(self, typed: str) -> tuple[Sequence[Any], str]:
        """What arrived at the number or address that was typed, and the sentence to print if nothing did. Raises
        CommandError."""
        raise NotImplementedError

    def as_text(self, message: Any) -> str:
        """What is printed for people below the line with the time; ends with an empty line."""
        raise NotImplementedError

    def heading(self, message: Any) -> list[str]:
        """What the line with the time contains besides the state."""
        return []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", required=True, metavar=self.unit, help=self.told)
        add_json(parser, "a list of objects")

    def handle(self, *_args: Any, to: str, **options: Any) -> None:
        messages, nothing = self.received(to)
        if options["json"]:
            self.stdout.write(as_json([self._as_object(message) for message in messages]))
            return
        if not messages:
            self.stdout.write(nothing)
        for message in messages:
            at = timezone.localtime(message.created_at)
            state = str(self.states(message.state).label) if message.state else "-"
            when = f"{format_jalali(at.date())} {at:%H:%M:%S}"
            self.stdout.write("── " + " · ".join([when, *self.heading(message), state]))
            self.stdout.write(self.as_text(message))

    def _as_object(self, message: Any) -> dict[str, str]:
        named = {name: getattr(message, name) for name in self.shown}
        return named | {"created_at": message.created_at.isoformat()}
