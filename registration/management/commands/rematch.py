"""`manage.py rematch TRACKING_OR_ID | --all`: ask the registries again now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from common.commands.output import refusals
from common.persian import to_persian_digits
from registration.management.base import WHICH
from registration.services import lookup, retries
from registration.texts import sentence


class Command(BaseCommand):
    help = (
        "Ask the registries now about a request that is held because they did not answer, instead of at its next turn; "
        "with --all about every held one, for when a registry is back or an extract was loaded. The workers do the "
        "asking: this only says that it is due. Decided requests are never asked about again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("which", nargs="?", metavar="TRACKING_OR_ID", help=WHICH)
        which.add_argument("--all", action="store_true", help="every request that is held")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["all"]:
            count = to_persian_digits(retries.match_all_again())
            self.stdout.write(_("%(count)s held requests are due now.") % {"count": count})
            return
        with refusals(sentence):
            row = lookup.one_to_decide(options["which"])
        facts = {"code": row, "state": row.get_state_display()}
        if not retries.match_again(registration=row):
            raise CommandError(_("%(code)s is not held: its state is %(state)s. Nothing was changed.") % facts)
        self.stdout.write(_("%(code)s is due now.") % facts)
