"""Settings. Everything that differs between two installations comes from the environment.

`$PORTAL_HOME/portal.env` (written by `make run`) is read first; the process environment wins over
it. Without either, the portal refuses to start: there is no built-in key.
"""

import os
import re
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from common import languages, limits, redis_url
from common.mail_url import email_settings

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
PORTAL_HOME = Path(env("PORTAL_HOME", default=str(BASE_DIR / "var"))).resolve()
# servers.env: the port and the real servers `make run` was given. What is set first wins.
for stored in (PORTAL_HOME / "run" / "servers.env", PORTAL_HOME / "portal.env"):
    if stored.exists():
        env.read_env(str(stored))


def whole_number(name: str, default: int, other: str = "") -> int:
    """The number in `name`. Raises ImproperlyConfigured, with the setting's name, for anything else; `other` says
    there what else may be written."""
    text = env(name, default=str(default))
    try:
        return int(text)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is '{text[:20]}'; it is a whole number{other and ' ' + other}.") from None


def switch(name: str, *, default: bool) -> bool:
    """Whether `name` is on. Raises ImproperlyConfigured for a misspelt word, which would silently mean off."""
    text = env(name, default="").strip().lower()
    if text and text not in ("1", "on", "true", "yes", "0", "off", "false", "no"):
        raise ImproperlyConfigured(f"{name} is '{text[:20]}'; it is on or off.")
    return text in ("1", "on", "true", "yes") if text else default


PORTAL_MODE = env("PORTAL_MODE", default="production")
DEMO = PORTAL_MODE == "demo"
if PORTAL_MODE not in ("demo", "production"):
    raise ImproperlyConfigured("PORTAL_MODE is 'demo' or 'production'.")
if not env("SECRET_KEY", default=""):
    raise ImproperlyConfigured(
        f"no settings: {PORTAL_HOME / 'portal.env'} does not exist and SECRET_KEY is not in the environment. "
        "`make run` writes a demo home; docs/runbook.md lists what a real installation sets."
    )
SECRET_KEY = env("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
CODE_HASH_KEY = env("CODE_HASH_KEY", default=SECRET_KEY)  # keys the stored hashes of codes and grants
CODE_HASH_KEY_FALLBACKS = env.list("CODE_HASH_KEY_FALLBACKS", default=[])  # earlier keys that are still accepted
ANSWER_HASH_KEY = env("ANSWER_HASH_KEY", default=SECRET_KEY)  # keys the stored hashes of security answers
ANSWER_HASH_KEY_FALLBACKS = env.list("ANSWER_HASH_KEY_FALLBACKS", default=[])

DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if DEMO else [])
# Internal names under which an SMS gateway beside the portal may push receipts, and nothing else is answered.
RECEIPT_HOSTS = env.list("RECEIPT_HOSTS", default=[])
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
# The proxies that the front of docker-compose.yml trusts; here only for a check (tamin_portal/network_checks.py).
FRONT_TRUSTED_PROXIES = env.list("FRONT_TRUSTED_PROXIES", default=[])
# Hosts on a network of this installation's own processes: PostgreSQL and Redis need no TLS there.
INTERNAL_HOSTS = env.list("INTERNAL_HOSTS", default=[])
INTERNAL_NETWORK = env.list("INTERNAL_NETWORK", default=[])
ALLOW_UNSAFE = [name.strip() for name in env.list("ALLOW_UNSAFE", default=[])]  # names: common/unsafe.py
# The name citizens type; bound into code messages so that a phone offers them only on our pages.
# A demo is reached at its own port, which its links must name; a real service has a proxy before it.
_DEMO_PORT = f":{env('PORT')}" if DEMO and env("PORT", default="") else ""
PUBLIC_HOST = env("PUBLIC_HOST", default=next(iter(ALLOWED_HOSTS), "localhost") + _DEMO_PORT)
HTTPS = switch("HTTPS", default=not DEMO)
# Whom /.well-known/security.txt tells to write to: mailto:, https: or tel:, the preferred one first.
SECURITY_CONTACT = env.list("SECURITY_CONTACT", default=[])
# The map that branches are shown on; "{place}" stands for coordinates or an address.
MAP_LINK = env("MAP_LINK", default="https://www.openstreetmap.org/search?query={place}")
# The number that people may call for help, as it is dialled; without one no page names any.
HELP_PHONE = env("HELP_PHONE", default="").strip()
if not re.fullmatch(r"(\+?[0-9]{3,15})?", HELP_PHONE):
    raise ImproperlyConfigured(f"HELP_PHONE is '{HELP_PHONE[:20]}'; it is a number as it is dialled, like 02112345678.")
ACTIVATION_POLICY = env("ACTIVATION_POLICY", default="automatic")  # or "branch"
DUPLICATE_NOTICE = env("DUPLICATE_NOTICE", default="guide")  # or "after_proof"
STAFF_TOTP = env("STAFF_TOTP", default="optional" if DEMO else "required")  # one-time codes of staff

INSTALLED_APPS = [
    "tamin_portal.admin.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "formtools",
    "phonenumber_field",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "tamin_portal",
    "common",
    "sms",
    "identity",
    "mail",
    "accounts",
    "registration",
    "openid",
]
MIDDLEWARE = [
    "common.middleware.Entrance",  # the client's address, receipts from inside, HTTPS; headers of every answer
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tamin_portal.middleware.CompressedPages",  # after the files, which are compressed already
    "common.middleware.ChosenLanguage",  # before any page, also that of a refusal
    "common.middleware.OrdinaryRequests",
    "tamin_portal.middleware.MaintenancePage",  # before any that asks the database
    "common.abuse.hashing_places.BoundedHashing",
    "common.middleware.PostBrake",
    "accounts.sessions.middleware.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.sessions.binding.BoundSessionAuthentication",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "tamin_portal.urls"
WSGI_APPLICATION = "tamin_portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["accounts.templatetags.page_of"],  # its csrf_token says for whom a page was made
        },
    }
]
FORM_RENDERER = "common.given_back.Renderer"

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{PORTAL_HOME / 'portal.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",  # a transaction that reads and then writes would fail with "locked"
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["ENGINE"] = "common.postgresql"  # Django's; a kept connection's health costs no statement
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # A cursor lives in a session, and behind a pooler the next statement is in another one (common/database.py). For
    # Django's own (`ModelChoiceField`, `dumpdata`); we have none.
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# With rediss:// the certificate is checked, by the system's authorities or those in the file REDIS_CA.
REDIS_URL = redis_url.completed(env("REDIS_URL", default="redis://127.0.0.1:6379/0"), ca=env("REDIS_CA", default=""))
CELERY_BROKER_URL = REDIS_URL
HINTS_THROUGH = "tamin_portal.celery.app"  # what common/hints.py sends through
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 1,
    "socket_connect_timeout": 1,
    "max_retries": 0,
    "interval_start": 0,
    "interval_max": 0,
    "global_keyprefix": env("REDIS_PREFIX", default="tamin:"),
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "identity"
CELERY_TASK_ROUTES = {  # no other task delays a code, not even in a burst of receipts
    "sms.drain": {"queue": "sms"},
    "sms.*": {"queue": "receipts"},
    "mail.*": {"queue": "receipts"},  # a slow mail server may hold up a receipt, never a code or a result
    "openid.tell_services": {"queue": "receipts"},  # a service that is slow to sign out is as little in anybody's way
    "registration.*": {"queue": "identity"},
    "accounts.send_codes": {"queue": "sms"},  # it sends codes
    "accounts.*": {"queue": "identity"},
    "portal.*": {"queue": "identity"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_DB_REUSE_MAX = 1000  # without it Celery opens a database connection per task
CELERY_TIMEZONE = "Asia/Tehran"
CELERY_BEAT_SCHEDULER = "tamin_portal.beat:Scheduler"
ALIVE_FILE = env("ALIVE_FILE", default="")  # touched by a worker or beat while it lives (tamin_portal/alive.py)
# A worker that is not told to begins these by itself, as far as they are of its queues (tamin_portal/clock.py).
CELERY_BEAT_SCHEDULE = {
    "drain-sms": {"task": "sms.drain", "schedule": 3.0, "options": {"expires": 60}},
    "read-receipts": {"task": "sms.read_receipts", "schedule": 5.0, "options": {"expires": 60}},
    "poll-receipts": {"task": "sms.poll", "schedule": 10.0, "options": {"expires": 60}},
    "watch-sms": {"task": "sms.watch", "schedule": 60.0, "options": {"expires": 60}},
    "send-asked-codes": {"task": "accounts.send_codes", "schedule": 3.0, "options": {"expires": 60}},
    "check-owners": {"task": "accounts.check_owners", "schedule": 5.0, "options": {"expires": 60}},
    "tell-owners": {"task": "accounts.tell_owners", "schedule": 10.0, "options": {"expires": 60}},
    "drain-mail": {"task": "mail.drain", "schedule": 10.0, "options": {"expires": 60}},
    "tell-services": {"task": "openid.tell_services", "schedule": 3.0, "options": {"expires": 60}},
    "watch-codes": {"task": "accounts.watch", "schedule": 60.0, "options": {"expires": 60}},
    "watch-proxies": {"task": "portal.watch", "schedule": 60.0, "options": {"expires": 60}},
    "drain-matching": {"task": "registration.match", "schedule": 5.0, "options": {"expires": 60}},
    "sweep": {"task": "registration.sweep", "schedule": 300.0, "options": {"expires": 300}},
    "purge": {"task": "registration.purge", "schedule": 3600.0, "options": {"expires": 3600}},
}

# A code by SMS on a new device. "choice": for those who want it (profile); "risk": for them, and where wrong passwords
# or the address give a reason (accounts/sign_in/risk.py); "always": for everybody. It costs an SMS each time.
SIGN_IN_CODE = env("SIGN_IN_CODE", default="risk")

# The gateways in order, which operator goes by which, and each one's own SMS_<NAME>_…; see sms/configuration.py.
SMS_GATEWAYS = env.list("SMS_GATEWAYS", default=["inbox"] if DEMO else [])
SMS_ROUTES = env("SMS_ROUTES", default="")
SMS_ENVIRONMENT = {name: value for name, value in os.environ.items() if name.startswith("SMS_")}
# Parts a day; 0: no limit, which real service has to write as 'unlimited'; see sms/budget.py.
SMS_BUDGET_IS_UNLIMITED = env("SMS_DAILY_BUDGET", default="").strip().lower() == "unlimited"
SMS_DAILY_BUDGET = 0 if SMS_BUDGET_IS_UNLIMITED else whole_number("SMS_DAILY_BUDGET", 0, "or 'unlimited'")
SMS_BUDGET_IS_SET = SMS_BUDGET_IS_UNLIMITED or SMS_DAILY_BUDGET != 0
# The mail server, like smtp+tls://user:password@mail.example:587, and whom letters are from; see mail/checks.py.
MAIL_URL = env("MAIL_URL", default="inbox:" if DEMO else "")
MAIL_FROM = DEFAULT_FROM_EMAIL = env("MAIL_FROM", default="portal@demo.invalid" if DEMO else "")
MAIL_HELO = env("MAIL_HELO", default="")  # our name in EHLO; empty: the machine's, or the domain of MAIL_FROM
# authorities of the mail server's certificate, in PEM; empty: the system's
MAIL_CA_FILE = env("MAIL_CA_FILE", default="")
globals().update(email_settings(MAIL_URL))  # EMAIL_…: what Django's mail API reads
EMAIL_TIMEOUT = limits.MAIL_ANSWER_WITHIN
# The registries of each question in order, and each one's own IDENTITY_<NAME>_…; see identity/configuration.py.
IDENTITY_OWNER_REGISTRIES = env.list("IDENTITY_OWNER_REGISTRIES", default=["demo"] if DEMO else ["local"])
IDENTITY_PERSON_REGISTRIES = env.list("IDENTITY_PERSON_REGISTRIES", default=["demo"] if DEMO else ["local"])
IDENTITY_ENVIRONMENT = {name: value for name, value in os.environ.items() if name.startswith("IDENTITY_")}
IDENTITY_DAILY_INQUIRIES = whole_number("IDENTITY_DAILY_INQUIRIES", 0)  # that cost money; 0: no limit
IDENTITY_DAILY_COST = whole_number("IDENTITY_DAILY_COST", 0)  # rials; 0: no limit; see identity/metering.py

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.CitizenBackend", "accounts.backends.StaffBackend"]
PASSWORD_HASHERS = [
    "accounts.passwords.hashers.PortalArgon2Hasher",
    "accounts.passwords.hashers.PortalPBKDF2Hasher",
]
HASHING_PAGES = ("sign_in", "admin:login")  # their POSTs cause a password hash: threads of their own (web_worker.py)
HASHING_KNOWN = "accounts.sessions.devices.holds_device_cookie"  # of these requests: a thread of their own
HASHING_PLACES = whole_number("HASHING_PLACES", 0)  # at the same time; 0: by the cores (common/abuse/hashing_places.py)
AUTH_PASSWORD_VALIDATORS = [  # each of accounts/passwords/rules.py RULES, in their order; then how easily it is guessed
    *(
        {"NAME": "accounts.passwords.rules.Rule", "OPTIONS": {"code": code}}
        for code in ("latin", "first_letter", "mix", "too_short", "personal", "characters", "too_long")
    ),
    {"NAME": "accounts.passwords.rules.Strong"},
]
OTP_TOTP_ISSUER = PUBLIC_HOST  # the account's name in the authenticator app; it tells two portals apart
OTP_ADMIN_HIDE_SENSITIVE_DATA = True  # its pages are not registered either (accounts/admin/model_admins.py)
MESSAGE_STORAGE = "common.cookies.Messages"  # a message needs no session row
LOGIN_URL = "/portal/"
LOGIN_REDIRECT_URL = "/portal/home"

# Connected services (OpenID Connect): the folder of the keys that sign, made by `manage.py rotate_signing_key`, and the
# secret behind the pairwise subjects, which never changes. Both empty outside a demo: no service can be connected.
OPENID_KEYS = env("OPENID_KEYS", default=str(PORTAL_HOME / "openid-keys") if DEMO else "")
OPENID_USAGE_WRITTEN_WITHIN = 5  # seconds, of what is gathered in a process (common/gathering.py); 0: at once
OPENID_SUBJECT_KEY = env("OPENID_SUBJECT_KEY", default=SECRET_KEY if DEMO else "")

SESSION_ENGINE = "accounts.sessions.store"
SESSION_USES_WRITTEN_WITHIN = 5  # seconds, of what is gathered in a process (accounts/sessions/uses.py); 0: at once
SESSION_COOKIE_AGE = int(limits.SESSION_LONGEST.total_seconds())
# The prefix of the names of all our cookies. With HTTPS no other host of the same domain can plant these: browsers take
# a name with this prefix only if the cookie is Secure, of the path /, and of no domain.
COOKIE_PREFIX = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid", f"{COOKIE_PREFIX}csrftoken"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "tamin_portal.views.csrf_failure"
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = switch("HSTS_SUBDOMAINS", default=False)
SECURE_REDIRECT_EXEMPT = [r"^readyz$"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200

LANGUAGE_CODE = "fa"
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGES = languages.found(LOCALE_PATHS[0], first=LANGUAGE_CODE)  # one for each catalogue
LANGUAGES_BIDI = languages.right_to_left(LANGUAGES)
LANGUAGE_COOKIE_NAME = f"{COOKIE_PREFIX}language"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Tehran"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "build" / "assets"]  # built from static/src/ at set-up
STATIC_ROOT = BASE_DIR / "build" / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_ALLOW_ALL_ORIGINS = False  # no other site needs to read our files
PHONENUMBER_DEFAULT_REGION = "IR"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"no_personal_data": {"()": "common.logs.NoPersonalData"}},
    "formatters": {"line": {"()": "common.logs.LineFormatter"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "filters": ["no_personal_data"], "formatter": "line"},
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "authlib": {"level": "WARNING"},  # below, it writes whole tokens; whatever the level of the rest
        # No line for every look into a queue: it would hide the others.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
LOGGING_CONFIG = "logging.config.dictConfig"
