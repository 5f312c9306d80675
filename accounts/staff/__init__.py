"""The sign-in of staff at /admin/: the password, then a one-time code of an authenticator app (TOTP)."""
