"""Services of the organisation sign their citizens in here: OpenID Connect 1.0 over OAuth 2.0, with Authlib."""
