"""`manage.py purge [--dry-run]`: expire what was abandoned, delete what is past its time."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from common import purging
from common.persian import to_persian_digits
from registration.management.base import progress_bar
from registration.services import housekeeping


class Command(BaseCommand):
    help = (
        "End requests that were left alone for too long, and delete or blank what is kept no longer than needed: "
        "answers and passwords of ended requests, codes, proofs and links of accounts, SMS and e-mail texts, sessions, "
        "counters, replaced extracts. "
        "The clock runs it every hour; running it again does no harm. "
        "Events, approved registrations and accounts are never touched."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count what would be done")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["dry_run"]:
            self.stdout.write(_("Dry run: nothing was changed. It would be:"))
            done = purging.run_all(dry_run=True)
        else:
            with progress_bar(housekeeping.expire_abandoned(dry_run=True)) as advance:
                done = purging.run_all(progress=advance)
        for step in purging.steps():
            self.stdout.write(f"{to_persian_digits(done[step.kind]):>8}  {step.words}")
