"""Settings for tests/live/test_front.py: a portal that trusts its front, with the page that says what it believes."""

from tests.settings import *  # noqa: F403

ROOT_URLCONF = "tests.support.front_urls"
ALLOWED_HOSTS = ["portal.example"]
TRUSTED_PROXIES = ["127.0.0.1/32"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
HASHING_PAGES, HASHING_KNOWN = (), "builtins.bool"  # no page of this portal hashes
