"""What happens to accounts. Each service is one transaction and raises PortalError.

One module a journey; what other apps need is named here.
"""

from accounts.services.lifecycle import (
    CLERK_PERMISSIONS,
    CLERKS,
    NewAccount,
    account_exists,
    activate_account,
    clerk_group,
    create_account,
    create_accounts,
    create_staff,
    delete_inactive_account,
    taken,
)

__all__ = [
    "CLERKS",
    "CLERK_PERMISSIONS",
    "NewAccount",
    "account_exists",
    "activate_account",
    "clerk_group",
    "create_account",
    "create_accounts",
    "create_staff",
    "delete_inactive_account",
    "taken",
]
