"""Closes an account and opens it again: frozen by its owner, deactivated or reactivated by an administrator."""
