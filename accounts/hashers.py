"""How passwords and security answers are hashed."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class PortalArgon2Hasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes and one lane (DESIGN §6; OWASP's second recommendation).

    Django's own parameters (100 MiB, eight lanes) would let a few dozen sign-ins at once take a
    small server's memory. A hash with other parameters is renewed at the next good sign-in.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
