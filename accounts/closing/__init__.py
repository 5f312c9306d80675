"""An account is frozen, deactivated and opened again."""
