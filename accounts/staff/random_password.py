"""Makes random passwords for new members of staff."""

import secrets
import string

from accounts.passwords.rules import faults
from accounts.passwords.strength import About

LENGTH = 16
# Without letters and digits that look alike on paper.
_SIGNS = "".join(sign for sign in string.ascii_letters + string.digits if sign not in "Il1O0o")


def random_password() -> str:
    """A random password that keeps the guide's rules and is hard to guess."""
    while True:
        password = "".join(secrets.choice(_SIGNS) for _ in range(LENGTH))
        if not faults(password, About()):
            return password
