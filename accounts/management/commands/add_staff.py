"""Adds a member of staff, a branch clerk or an administrator: `manage.py add_staff --username NAME (--branch CODE |
--administrator)`."""

from __future__ import annotations

from getpass import getpass
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.life.lifecycle import create_staff
from accounts.models import Branch
from accounts.passwords import odd_texts
from accounts.passwords.rules import SENTENCES
from accounts.staff.random_password import random_password
from common.errors import PortalError
from common.odd_typing import UNSEEN, oddities
from common.persian import fold

REASONS = {
    "username_taken": "This user name is taken. Set a new password with: manage.py changepassword NAME",
    "needs_a_branch": "A clerk belongs to a branch: give --branch, or --administrator for one who looks after all.",
    "not_migrated": "The tables are not ready: run manage.py migrate first.",
}


class Command(BaseCommand):
    help = (
        "Add a member of staff who signs in at /admin/. A clerk checks papers at a branch and can do nothing else; "
        "an administrator can do everything. Prints a random password once, unless --ask-password is given."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username", required=True, help="The name to sign in with, Latin letters and digits.")
        parser.add_argument("--branch", metavar="CODE", help="The code of the clerk's branch.")
        parser.add_argument(
            "--administrator", "--operator", action="store_true", help="An administrator instead of a clerk."
        )
        parser.add_argument("--ask-password", action="store_true", help="Ask for the password instead of making one.")

    def handle(self, *args: Any, **options: Any) -> None:
        branch = self.branch(options["branch"])
        password = self.asked_password() if options["ask_password"] else random_password()
        try:
            create_staff(
                username=options["username"], password=password, branch=branch, administrator=options["administrator"]
            )
        except PortalError as error:
            raise CommandError(reason(error)) from None
        self.stdout.write(f"Added {options['username']}.")
        if not options["ask_password"]:
            self.stdout.write(f"Password, shown only now: {password}")

    @staticmethod
    def branch(code: str | None) -> Branch | None:
        if code is None:
            return None
        branch = Branch.objects.filter(code=fold(code)).first()
        if branch is None:
            raise CommandError(f"There is no branch with the code {code}. An administrator adds branches at /admin/.")
        return branch

    @staticmethod
    def asked_password() -> str:
        password = getpass("Password: ")
        if getpass("Again: ") != password:
            raise CommandError("The two passwords are not the same.")
        if unseen := [code for code in oddities(password) if code in UNSEEN]:
            raise CommandError(odd_texts.of_a_new_one(unseen))
        return password


def reason(error: PortalError) -> str:
    """Why nobody was added: a sentence for each fault of the password, or the one of the code."""
    broken = cast("list[str]", error.values.get("broken", []))
    return " ".join(str(SENTENCES[code]) for code in broken) or REASONS[error.code]
