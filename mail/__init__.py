"""E-mail: a queue in the database, like that of SMS. Knows addresses and texts, no persons."""

from django.conf import settings


def is_configured() -> bool:
    """Whether e-mail can be sent. Without MAIL_URL no page offers anything that needs it."""
    return bool(settings.MAIL_URL)
