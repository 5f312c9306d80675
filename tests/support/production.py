"""What an installation with HTTPS has in its settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests.support.paths import ROOT

_OF_COOKIES = [
    f"{kind}_COOKIE_{what}"
    for kind in ("SESSION", "CSRF")
    for what in ("NAME", "SECURE", "HTTPONLY", "SAMESITE", "PATH", "DOMAIN")
]
NAMES = [
    *_OF_COOKIES,
    "COOKIE_PREFIX",
    "SECURE_HSTS_SECONDS",
    "SECURE_HSTS_INCLUDE_SUBDOMAINS",
    "SECURE_SSL_REDIRECT",
    "SECURITY_CONTACT",
]
# What a safe real installation has that an installation for tests has not.
SAFE = {
    "DEMO": False,
    "PORTAL_MODE": "production",
    "SECRET_KEY": "cxidWQNI4A2l2if_UeYjO8r8kaniBgYVQV6no6MCa_PAX1zMiDnRKfCDmgCIdPaPGOA",
    "CODE_HASH_KEY": "gOQApACC_tTKmzVImIzHy2uT1900AymPNfGOaZHtda8t3_91W9A0Yyf-UWx7Bk4Ern8",
    "ANSWER_HASH_KEY": "e9Tn4vWq8sXb2ZrKf6Yj0LuMh3PcAo7Gd5iJtVxNwRkQyHzBmE1SaFlDgUpC-O_",
    "OPENID_SUBJECT_KEY": "Zt0sPq3L8vYbR1mXcW6eKdN4hJgU7iAoF2TyB9uQxHpVn5sEwMkCjG_rDzLI-aO",
    "HTTPS": True,
    "TRUSTED_PROXIES": ["10.0.0.7"],
    "SMS_BUDGET_IS_SET": True,
    "ALLOWED_HOSTS": ["portal.example"],
    "SMS_GATEWAYS": ["somebody"],
    "IDENTITY_OWNER_REGISTRIES": ["local"],
    "IDENTITY_PERSON_REGISTRIES": ["local"],
    "STAFF_TOTP": "required",
    "MAIL_URL": "",
}


def production_settings(**environment: str) -> dict[str, Any]:
    """The settings of cookies and HTTPS as a real installation with this environment has them."""
    as_json = f"json.dumps({{name: getattr(settings, name) for name in {NAMES}}})"
    program = f"import json\nfrom django.conf import settings\nprint({as_json})"
    env = {"PATH": os.environ["PATH"], "PORTAL_HOME": "/nowhere", "PORTAL_MODE": "production", "SECRET_KEY": "x" * 50}
    env |= {"DJANGO_SETTINGS_MODULE": "tamin_portal.settings", **environment}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, cwd=ROOT, text=True, capture_output=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found
