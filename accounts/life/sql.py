"""Pieces of statements by hand about accounts, for the apps above. Each is tested with the statement that it is in."""

from __future__ import annotations

# Whether an activated account holds the national ID that is its value; as `lifecycle.account_exists`.
HAS_ACCOUNT = "EXISTS (SELECT 1 FROM accounts_user WHERE national_id = %s AND activated_at IS NOT NULL)"
