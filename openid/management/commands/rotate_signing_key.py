"""Makes new signing keys: `manage.py rotate_signing_key --by NAME --reason TEXT [--algorithm ES256] [--now]`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common import limits
from common.commands.arguments import add_by_and_reason
from common.commands.output import iso, refusals
from openid import rotation
from openid.key_files import ALGORITHMS

COST = (
    "What this costs: a service that keeps our keys and does not read them again when it sees a new one "
    "refuses every sign-in until then. And such a service still believes whoever has the old key: tell the services "
    "to read {jwks} again now, and to end the sessions that began since the leak."
)


class Command(BaseCommand):
    help = (
        "Make new keys that sign what connected services are told. They are published at once and sign later, "
        "when every service has read them: nobody notices. With --now, after a leak, the old keys are gone at once."
    )
    requires_system_checks = ()  # it is what mends a folder without keys

    def add_arguments(self, parser: CommandParser) -> None:
        add_by_and_reason(parser, longest_reason=limits.ACCOUNT_REASON_LONGEST)
        parser.add_argument("--algorithm", action="append", choices=ALGORITHMS, help="only of this one (else: all)")
        parser.add_argument("--now", action="store_true", help="a key has leaked: sign with the new ones at once")

    def handle(self, *_args: Any, **options: Any) -> None:
        with refusals(lambda _error: "OPENID_KEYS is not set: no service can be connected, and nothing is signed."):
            try:
                done = rotation.rotate(
                    by=options["by"],
                    reason=options["reason"],
                    algorithms=options["algorithm"] or ALGORITHMS,
                    at_once=options["now"],
                )
            except OSError as error:
                raise CommandError(f"{error.filename} cannot be written ({error.strerror}).") from None
        self._tell(done, at_once=options["now"])

    def _tell(self, done: rotation.Rotated, *, at_once: bool) -> None:
        for key in done.made:
            self.stdout.write(f"made     {key.name}")
        for name in done.removed:
            self.stdout.write(f"removed  {name}")
        if done.signs_from:
            self.stdout.write(f"The new keys are published now and sign from {iso(done.signs_from)} on.")
        else:
            self.stdout.write(
                f"The new keys sign now, in every process within {limits.OPENID_KEYS_READ_EVERY} seconds."
            )
        if at_once and done.removed:
            self.stdout.write(COST.format(jwks=rotation.address_of_keys()))
        if not done.is_recorded:
            self.stderr.write("The database did not answer: this was done, but it is not on record. Write it down.")
