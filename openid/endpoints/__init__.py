"""The endpoints that machines use: no page, no session, no cookie."""
