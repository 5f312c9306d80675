"""The base of administrators' commands about one account: its arguments, the account, and the sentences of refusals."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.closing import service as closing
from accounts.models import User
from common import limits
from common.commands.arguments import add_by_and_reason
from common.commands.output import refusals
from common.persian import InputError, parse_mobile, parse_national_id

SENTENCES = {
    "no_account": gettext_lazy("There is no account with this national ID."),
    "account_never_activated": gettext_lazy(
        "This account was never activated: it waits for a branch, and the desk there activates it."
    ),
}


class AccountCommand(BaseCommand):
    """The base class of a command about one account. The administrator's name and reason are kept in its history for
    good."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("national_id", metavar="NATIONAL_ID", help="ten digits, in any script")
        add_by_and_reason(parser, longest_reason=limits.ACCOUNT_REASON_LONGEST)

    def handle(self, *_args: Any, **options: Any) -> None:
        with refusals(lambda error: str(SENTENCES[error.code])):
            account = account_of(options["national_id"])
            said = self.act(account, options)
        self.stdout.write(said)

    def act(self, account: User, options: dict[str, Any]) -> str:
        """Call one service; returns what the administrator reads. Raises PortalError of `SENTENCES`."""
        raise NotImplementedError


def account_of(typed: str) -> User:
    """The account with the national ID that was typed. Raises PortalError("no_account"), CommandError."""
    try:
        return closing.account_of(national_id=parse_national_id(typed))
    except InputError:
        raise CommandError(_("This is not a national ID: ten digits, of which the last checks the others.")) from None


def mobile(typed: str) -> str:
    """argparse's type for a mobile number in any spelling, as E.164."""
    try:
        return parse_mobile(typed)
    except InputError:
        raise ArgumentTypeError(_("write a mobile number of Iran, like 09121234567")) from None


def by_and_reason(options: dict[str, Any]) -> dict[str, str]:
    return {"by": options["by"], "reason": options["reason"]}
