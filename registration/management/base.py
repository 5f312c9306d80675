"""Base of the administrators' commands: which registration is meant, who acts, and what is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

from common import limits
from common.commands.arguments import add_by_and_reason
from common.commands.output import refusals, terminal_progress
from common.persian import format_jalali, mask_mobile, to_persian_digits
from registration.desk.texts import tracking_code_words, verdict_words
from registration.models import Registration
from registration.services import lookup
from registration.states import State
from registration.texts import sentence

WHICH = "tracking code, or national ID where only one request of it waits; digits in any script"


class DecisionCommand(BaseCommand):
    """Base of a command by which an administrator decides about one registration. Repeating changes nothing."""

    decided: State

    @staticmethod
    def decide(*, registration: Registration, by: str, reason: str) -> Registration:
        """The service of this decision; each command names its own."""
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("which", metavar="TRACKING_OR_ID", help=WHICH)
        add_by_and_reason(parser, longest_reason=limits.DESK_NOTE_LONGEST)

    def handle(self, *_args: Any, **options: Any) -> None:
        with refusals(sentence):
            row = lookup.one_to_decide(options["which"])
            done_before = row.state == self.decided
            row = self.decide(registration=row, by=options["by"], reason=options["reason"])
        facts = {"code": row.tracking_code, "state": row.get_state_display(), "mobile": mask_mobile(row.mobile)}
        if done_before:
            self.stdout.write(_("%(code)s: %(state)s already; nothing was changed.") % facts)
        else:
            self.stdout.write(_("%(code)s: %(state)s. An SMS to %(mobile)s says so.") % facts)


def described(row: Registration) -> Iterator[str]:
    """What an administrator may see of a registration, one line for each fact."""
    yield _("State: %(state)s") % {"state": row.get_state_display()}
    if row.tracking_code:
        yield _("Tracking code: %(code)s") % {"code": tracking_code_words(row)}
    if row.submitted_at:
        at = timezone.localtime(row.submitted_at)
        time = to_persian_digits(f"{at:%H:%M}")
        yield _("Submitted: %(date)s at %(time)s") % {"date": format_jalali(at.date()), "time": time}
    if row.verdict:
        yield _("Check: %(verdict)s") % {"verdict": verdict_words(row)}
    if row.state == State.SUBMITTED and row.next_attempt_at:
        at = timezone.localtime(row.next_attempt_at)
        time = to_persian_digits(f"{at:%H:%M:%S}")
        yield _("Asked %(count)s times; next at %(time)s") % {"count": to_persian_digits(row.attempts), "time": time}


@contextmanager
def progress_bar(total: int) -> Iterator[Callable[[], None]]:
    """A progress bar on a terminal, nothing elsewhere; call what it yields once for each thing done."""
    with terminal_progress(MofNCompleteColumn(), BarColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)
