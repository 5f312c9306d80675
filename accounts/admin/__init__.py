"""Branches and accounts in the admin. Django looks for this package by its name."""

from accounts.admin import model_admins  # noqa: F401 - registers them
