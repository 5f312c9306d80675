"""The base of commands for monitoring: they show figures, and end with exit code 1 if a threshold is passed."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError

from common.commands import arguments
from common.commands.output import add_json, as_json


class MonitoringCommand(BaseCommand):
    """Shows what `look` finds. Ends with exit code 1 and the sentences of its `problems(thresholds)`, if there are any.

    `thresholds`: a dataclass of whole numbers with defaults. `options_of_thresholds`: for each of its fields the unit
    and the help of the option with the same name.
    """

    thresholds: ClassVar[Any]
    options_of_thresholds: ClassVar[Mapping[str, tuple[str, str]]]

    def look(self) -> Any:
        """The figures now: an object with a method `problems`."""
        raise NotImplementedError

    def as_lines(self, found: Any) -> Iterator[str]:
        """The figures as lines for people."""
        raise NotImplementedError

    def as_object(self, found: Any) -> dict[str, Any]:
        """The figures for programs; "problems" is added."""
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_json(parser)
        for field in fields(self.thresholds):
            unit, what = self.options_of_thresholds[field.name]
            told = f"{what} (default {field.default})"
            parser.add_argument(f"--{field.name}", type=arguments.count, default=field.default, metavar=unit, help=told)

    def handle(self, *_args: Any, **options: Any) -> None:
        found = self.look()
        problems = found.problems(self.thresholds(**{name: options[name] for name in self.options_of_thresholds}))
        if options["json"]:
            self.stdout.write(as_json(self.as_object(found) | {"problems": problems}))
        else:
            for line in self.as_lines(found):
                self.stdout.write(line)
        if problems:
            raise CommandError("; ".join(problems), returncode=1)
