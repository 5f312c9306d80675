"""Signs an account out everywhere: `manage.py end_sessions NATIONAL_ID --by NAME --reason TEXT`."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from accounts.closing import service as closing
from accounts.management.account_command import AccountCommand, by_and_reason
from accounts.models import User
from common.persian import to_persian_digits


class Command(AccountCommand):
    help = (
        "Sign a citizen's account out everywhere. The password stays: whoever has it can sign in again. Your name and "
        "your reason are kept in the account's history for good."
    )

    def act(self, account: User, options: dict[str, Any]) -> str:
        count = closing.end_all_sessions(account=account, **by_and_reason(options))
        return _("%(count)s sessions were ended.") % {"count": to_persian_digits(count)}
