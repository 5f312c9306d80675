"""What the projects beside which the portal is measured have in common: plain Django, PostgreSQL, database sessions.

Secrets of services are hashed twice, for two services: by the default of both libraries (Django's first hasher, PBKDF2)
and by a keyed hash such as the portal's, so that their hasher does not decide. Passwords also by Argon2id as the portal
does it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any
from urllib.parse import urlsplit

from benchmarks.providers.browser import Browser
from benchmarks.providers.flow import CLAIMS, PEOPLE

NAME = "benchmarks.providers.plain_project"
PBKDF2 = "django.contrib.auth.hashers.PBKDF2PasswordHasher"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
]


def keyed() -> Any:
    from django.contrib.auth.hashers import BasePasswordHasher

    class Keyed(BasePasswordHasher):
        """HMAC-SHA-256, as `common.secrets`."""

        algorithm = "keyed"

        def encode(self, password: str, salt: str) -> str:
            return f"keyed${salt}${hmac.new(b'y' * 50, password.encode(), hashlib.sha256).hexdigest()}"

        def verify(self, password: str, encoded: str) -> bool:
            return hmac.compare_digest(encoded, self.encode(password, encoded.split("$")[1]))

        def decode(self, encoded: str) -> dict[str, Any]:
            _algorithm, salt, digest = encoded.split("$")
            return {"algorithm": self.algorithm, "hash": digest, "salt": salt}

        def must_update(self, _encoded: str) -> bool:
            return False

    return Keyed


def argon2() -> Any:
    from django.contrib.auth.hashers import Argon2PasswordHasher

    class Argon2(Argon2PasswordHasher):
        """With the parameters of `accounts.passwords.hashers`."""

        memory_cost, time_cost, parallelism = 19_456, 2, 1

    return Argon2


def __getattr__(name: str) -> Any:
    """`Keyed` and `Argon2` when Django asks for them: their bases need settings."""
    made = {"Keyed": keyed, "Argon2": argon2}.get(name)
    if made is None:
        raise AttributeError(name)
    return made()


def database(**more: Any) -> dict[str, Any]:
    """The one of DATABASE_URL, over connections that are kept."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    own = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path[1:],
        "USER": parts.username or "",
        "PASSWORD": parts.password or "",
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 3600,
        "CONN_HEALTH_CHECKS": True,
    }
    return {"default": own | more}


def set_up(**more: Any) -> None:
    """Configure Django, with these settings before those of a plain project, and make the tables."""
    import django
    from django.conf import settings

    settings.configure(**PLAIN | {"DATABASES": database()} | more)
    django.setup()
    from django.core.management import call_command

    call_command("migrate", run_syncdb=True, verbosity=0)


PLAIN: dict[str, Any] = {
    "SECRET_KEY": "x" * 50,
    "ALLOWED_HOSTS": ["localhost", "127.0.0.1"],
    "INSTALLED_APPS": APPS,
    "MIDDLEWARE": MIDDLEWARE,
    "TEMPLATES": [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    "PASSWORD_HASHERS": [f"{NAME}.Keyed", PBKDF2],
    "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
    "USE_TZ": True,
}


def behind_tls() -> dict[str, Any]:
    """Browsers come by https; and no commit waits for the disk, as in the portal's `tests.settings`."""
    return {
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "DATABASES": database(OPTIONS={"options": "-c synchronous_commit=off"}),
    }


def secrets_of_services() -> dict[str, str]:
    """A stored secret by how it is hashed, each of the same text, `SECRET`."""
    from django.contrib.auth.hashers import make_password

    return {"keyed": make_password(SECRET), "default": make_password(SECRET, hasher="pbkdf2_sha256")}


SECRET = "s3cret" * 8


def browsers(application: Any, *, backend: str, prepare: Any = None) -> list[Browser]:
    """`PEOPLE` browsers in which citizens are signed in. `prepare` is told each account."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    made = []
    for number in range(PEOPLE):
        names = {"first_name": CLAIMS["given_name"], "last_name": CLAIMS["family_name"], "email": CLAIMS["email"]}
        account = get_user_model().objects.create_user(username=f"citizen {number}", **names)
        if prepare:
            prepare(account)
        client = Client()
        client.force_login(account, backend=backend)
        browser = Browser(application, scheme="https")
        browser.cookies = {name: morsel.value for name, morsel in client.cookies.items()}
        made.append(browser)
    return made


def signing_key() -> str:
    """A new RSA key in PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
