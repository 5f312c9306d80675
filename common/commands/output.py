"""Prints what commands have to say: JSON and times for programs; refusals and progress for people."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import Progress, ProgressColumn

from common.errors import PortalError


def add_json(parser: ArgumentParser, what: str = "one object") -> None:
    """Add the option --json, which prints `what` instead of lines for people."""
    parser.add_argument("--json", action="store_true", help=f"{what}, for other programs")


def as_json(shown: Any) -> str:
    """`shown` (dicts, lists, texts, numbers) as JSON, indented."""
    return json.dumps(shown, ensure_ascii=False, indent=2)


def iso(moment: datetime | None) -> str | None:
    """`moment` to the second, as ISO 8601 with its offset; None for none."""
    return moment.isoformat(timespec="seconds") if moment else None


@contextmanager
def refusals(sentence: Callable[[PortalError], str]) -> Iterator[None]:
    """A context manager that turns a service's refusal into its `sentence` and exit code 1."""
    try:
        yield
    except PortalError as error:
        raise CommandError(sentence(error)) from None


def terminal_progress(*columns: ProgressColumn) -> Progress:
    """A progress display with `columns` on a terminal, nothing elsewhere; it disappears when the work is done."""
    console = Console(stderr=True)
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
