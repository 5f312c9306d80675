"""`manage.py registration_status NATIONAL_ID [--json]`: where a person's registration stands."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from common.commands.output import add_json, as_json
from common.persian import InputError, parse_national_id
from registration.management.base import described
from registration.models import Registration
from registration.services import lookup


class Command(BaseCommand):
    help = (
        "Show where a person's registration stands: the furthest of those that are open or approved, else the newest. "
        "Ends with exit code 1 if there is none; with --json it then prints null."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("national_id", metavar="NATIONAL_ID", help="ten digits, in any script")
        add_json(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        row, refusal = _find(options["national_id"])
        if options["json"]:
            self.stdout.write(as_json(_as_object(row)))
        elif row:
            self.stdout.write("\n".join(described(row)))
        if refusal:
            raise CommandError(refusal)


def _find(typed: str) -> tuple[Registration | None, str]:
    """The registration, or why there is none."""
    try:
        row = lookup.furthest(national_id=parse_national_id(typed))
    except InputError:
        return None, _("This is not a national ID: ten digits, of which the last checks the others.")
    return row, "" if row else _("There is no registration for this national ID.")


def _as_object(row: Registration | None) -> dict[str, str | None] | None:
    if row is None:
        return None
    return {
        "state": row.state,
        "tracking_code": row.tracking_code,
        "submitted_at": row.submitted_at.isoformat() if row.submitted_at else None,
        "verdict": row.verdict or None,
    }
