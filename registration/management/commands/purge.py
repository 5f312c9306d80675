"""`manage.py purge [--dry-run]`: expire what was abandoned, delete what is past its time."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from registration.management.operating import progress_bar
from registration.services import housekeeping
from tamin_portal import limits
from tamin_portal.persian import to_persian_digits
from tamin_portal.sentences import in_words, when_read

_KINDS = {
    "expired": gettext_lazy("abandoned requests ended"),
    "secrets_and_drafts": gettext_lazy("ended requests whose answers and password were blanked"),
    "codes": gettext_lazy("old codes deleted"),
    "proofs": when_read(
        lambda: (
            _("old proofs, changes and links of accounts, and devices not used for %(span)s deleted")
            % {"span": in_words(limits.TRUSTED_FOR)}
        )
    ),
    "extracts": gettext_lazy("extracts that were replaced or never finished deleted"),
    "message_texts": gettext_lazy("SMS texts blanked"),
    "letter_texts": gettext_lazy("e-mail texts blanked"),
    "letters": gettext_lazy("old e-mails deleted"),
    "receipts": gettext_lazy("old receipts of SMS gateways deleted"),
    "alarms": gettext_lazy("old alarms deleted"),
    "sign_in_failures": gettext_lazy("forgotten sign-in failures deleted"),
    "sessions": gettext_lazy("ended sessions deleted"),
    "conduct": gettext_lazy("old counts of conduct deleted"),
    "proofs_of_work": gettext_lazy("used proofs of work deleted"),
    "turns": gettext_lazy("old turns deleted"),
    "post_counts": gettext_lazy("old counts of requests per address deleted"),
}


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
            done = housekeeping.purge(dry_run=True)
        else:
            with progress_bar(housekeeping.expire_abandoned(dry_run=True)) as advance:
                done = housekeeping.purge(progress=advance)
        for kind, count in done.items():
            self.stdout.write(f"{to_persian_digits(count):>8}  {_KINDS[kind]}")
