"""Staff: their random passwords, and the end of their sessions."""

import secrets
import string

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session

from accounts.models import User
from accounts.passwords import problems

LENGTH = 16
# Without the letters and digits that look alike on paper.
_SIGNS = "".join(sign for sign in string.ascii_letters + string.digits if sign not in "Il1O0o")


def random_password() -> str:
    """A password that meets the guide's rules."""
    while True:
        password = "".join(secrets.choice(_SIGNS) for _ in range(LENGTH))
        if not problems(password):
            return password


def end_sessions_of(user: User) -> int:
    """Sign `user` out everywhere; how many sessions that were."""
    theirs = [row.pk for row in Session.objects.iterator() if row.get_decoded().get(SESSION_KEY) == str(user.pk)]
    return Session.objects.filter(pk__in=theirs).delete()[0]
