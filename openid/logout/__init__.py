"""Back-channel logout: connected services are told that a session is over (docs/decisions/0051)."""
