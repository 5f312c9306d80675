"""The base of both loading commands: file, progress bar, report, exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

from common.commands.output import terminal_progress
from common.errors import PortalError
from identity import services, texts
from identity.extracts import LoadReport


class LoadCommand(BaseCommand):
    """Loads one kind of extract. A refusal ends with exit code 1 and has changed nothing."""

    @staticmethod
    def load(*, source: BinaryIO, skip_bad: bool, progress: Callable[[int], None]) -> LoadReport:
        """Load the file by the service for this kind; each command implements it."""
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a CSV file in UTF-8 or UTF-16, plain or .gz; - reads from standard input")
        parser.add_argument(
            "--skip-bad", action="store_true", help="load the good lines and leave the bad ones out (they are named)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        with _killed_politely():
            try:
                services.purge_extracts()
                with _open(options["file"]) as source, _progress(options["file"], source) as progress:
                    report = self.load(source=source, skip_bad=options["skip_bad"], progress=progress)
            except KeyboardInterrupt:
                raise CommandError(texts.sentence("interrupted"), returncode=130) from None
            except PortalError as error:
                if isinstance(refused := error.values.get("report"), LoadReport):
                    self._name_bad_lines(refused)
                raise CommandError(texts.sentence(error)) from None
            self._name_bad_lines(report)
            self.stdout.write(texts.loaded(report))
            with suppress(KeyboardInterrupt):  # the new extract is in use; the hourly purge goes on with the old one
                services.purge_extracts()

    def _name_bad_lines(self, report: LoadReport) -> None:
        for sentence in texts.bad_lines(report):
            self.stderr.write(sentence)


@contextmanager
def _killed_politely() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C, so that the load ends in order."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _open(name: str) -> AbstractContextManager[BinaryIO]:
    if name == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise CommandError(_("%(file)s cannot be opened: %(why)s") % {"file": name, "why": error.strerror}) from None


@contextmanager
def _progress(name: str, source: BinaryIO) -> Iterator[Callable[[int], None]]:
    """A progress bar by the bytes read, on a terminal only; without a known size it shows only that it works."""
    columns = TextColumn("{task.fields[lines]:,} lines"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with terminal_progress(*columns) as bar:
        sized = name != "-" and source.seekable()
        task = bar.add_task("", total=Path(name).stat().st_size if sized else None, lines=0)
        yield lambda lines: bar.update(task, completed=source.tell() if sized else lines, lines=lines)
