"""Branches and accounts in the admin. Django looks for this package by its name."""

from accounts.admin import pages  # noqa: F401 - registers them
