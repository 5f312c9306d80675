"""A service leads its citizen here to sign out (OpenID Connect RP-Initiated Logout 1.0)."""
