"""Staff sign in at /admin/: password, then a one-time code of an authenticator."""
