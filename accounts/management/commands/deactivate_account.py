"""Closes an account: `manage.py deactivate_account NATIONAL_ID --by NAME --reason TEXT`."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from accounts.closing import service as closing
from accounts.life import history as account_history
from accounts.management.account_command import AccountCommand, by_and_reason
from accounts.models import User
from common.persian import mask_mobile


class Command(AccountCommand):
    help = (
        "Close a citizen's account: nobody can sign in, all its sessions end, and changes and recoveries that are "
        "under way end too. The owner hears of it by SMS, without your reason; your name and your reason are kept in "
        "the account's history for good. The way back is reactivate_account. Giving it twice changes nothing."
    )

    def act(self, account: User, options: dict[str, Any]) -> str:
        if closing.deactivate(account=account, **by_and_reason(options)):
            return _("The account is closed. An SMS to %(mobile)s says so.") % {"mobile": mask_mobile(account.mobile)}
        account.refresh_from_db()
        state = account_history.state_in_words(account)
        return _("The account is closed already: %(state)s. Nothing was changed.") % {"state": state}
