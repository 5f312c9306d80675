"""Branches, services and accounts in Django's admin, which looks for this package by its name."""

from accounts.admin import model_admins  # noqa: F401 - registers them
