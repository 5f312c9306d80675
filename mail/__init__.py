"""The room of e-mail: a queue in the database, as that of SMS. Knows addresses and texts, never people."""

from django.conf import settings


def is_configured() -> bool:
    """Whether letters leave at all. Without MAIL_URL pages offer nothing that needs one."""
    return bool(settings.MAIL_URL)
