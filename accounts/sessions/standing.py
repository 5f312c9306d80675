"""Whether a session still stands, for services that do something lasting in its name."""

from __future__ import annotations

from accounts.models import Session, User
from common.errors import PortalError
from common.prepared import Prepared

_open = Prepared(
    lambda values: (
        Session.objects.select_for_update(of=("account",), no_key=True)
        .select_related("account")
        .filter(session_key=values[0])
        .filter(account=values[1], account__is_active=True, account__activated_at__isnull=False)
    )
)


def open_account_of(*, account: User, session_key: str) -> User:
    """The row of `account`, locked to the transaction's end, if it is open and this session of it was not ended. One
    statement: whatever ends sessions locks the account first.

    Raises PortalError("session_over").
    """
    session = _open.first([session_key, account.pk])
    if session is None or session.account is None:
        raise PortalError("session_over")
    return session.account
