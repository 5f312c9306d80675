"""Opens an account again: `manage.py reactivate_account NATIONAL_ID --by NAME --reason TEXT [--mobile 0912…]
[--without-answer]`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from accounts.closing import service as closing
from accounts.management.account_command import AccountCommand, by_and_reason, mobile
from accounts.models import User
from common import limits
from common.persian import mask_mobile, to_persian_digits


class Command(AccountCommand):
    help = (
        "Open a closed account again, for a branch that has seen the owner and the papers. After a freeze the old "
        "password does not work any more: the owner sets a new one by recovery. Your name and your reason are kept in "
        "the account's history for good; the owner hears of it by SMS. Giving it twice changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--mobile",
            type=mobile,
            metavar="NUMBER",
            help="the owner's number from now on: the SIM is lost, or the number on record is a thief's",
        )
        parser.add_argument(
            "--without-answer",
            action="store_true",
            help=f"for {limits.RECOVERY_WITHOUT_ANSWER.days} days a recovery asks for no security answer",
        )

    def act(self, account: User, options: dict[str, Any]) -> str:
        opened = closing.reactivate(
            account=account,
            mobile=options["mobile"] or "",
            without_answer=options["without_answer"],
            **by_and_reason(options),
        )
        if not opened:
            return _(
                "The account is open; nothing was changed. For another number, or a recovery without the answer, give "
                "deactivate_account first."
            )
        account.refresh_from_db()
        return "\n".join(_told(account, options))


def _told(account: User, options: dict[str, Any]) -> Iterator[str]:
    yield _("The account is open again. An SMS to %(mobile)s says so.") % {"mobile": mask_mobile(account.mobile)}
    if not account.has_usable_password():
        yield _("The old password does not work any more: the owner sets a new one by recovery.")
    if options["without_answer"]:
        days = to_persian_digits(limits.RECOVERY_WITHOUT_ANSWER.days)
        yield _("For %(days)s days a recovery asks for no security answer.") % {"days": days}
