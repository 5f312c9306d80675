"""Registration: leads a citizen to an account in three steps, asks registries, and lets a branch decide the rest."""
