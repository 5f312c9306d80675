"""Connected services in Django's admin, which looks for this package by its name."""

from openid.admin import model_admins  # noqa: F401 - registers them
