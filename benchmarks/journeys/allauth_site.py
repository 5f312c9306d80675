"""django-allauth 65 in a plain project, with its sign-up by phone: one form that asks what the portal asks in its three
steps, a code, the first page.

HASHER: "cheap" (a keyed hash), "argon2" (as the portal hashes) or "default" (Django's, PBKDF2). Limits of allauth are
on, over Django's cache in the process. `application` is for gunicorn.
"""

from __future__ import annotations

import os

from benchmarks.providers import plain_project as plain

PEOPLE = "benchmarks.journeys.allauth_people"
APPS = ["allauth", "allauth.account", PEOPLE]
HASHERS = {"cheap": f"{plain.NAME}.Keyed", "argon2": f"{plain.NAME}.Argon2", "default": plain.PBKDF2}
# Those of a new Django project.
VALIDATORS = (
    "UserAttributeSimilarityValidator",
    "MinimumLengthValidator",
    "CommonPasswordValidator",
    "NumericPasswordValidator",
)

plain.set_up(
    INSTALLED_APPS=[*plain.APPS, *APPS],
    MIDDLEWARE=[*plain.MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"],
    ROOT_URLCONF=__name__,
    AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
    AUTH_USER_MODEL="allauth_people.User",
    MIGRATION_MODULES={app.rpartition(".")[2]: None for app in (*plain.APPS, *APPS)},
    PASSWORD_HASHERS=[HASHERS[os.environ["HASHER"]]],
    ACCOUNT_ADAPTER=f"{PEOPLE}.adapter.Adapter",
    AUTH_PASSWORD_VALIDATORS=[{"NAME": f"django.contrib.auth.password_validation.{name}"} for name in VALIDATORS],
    ACCOUNT_LOGIN_METHODS={"phone", "email"},
    ACCOUNT_SIGNUP_FIELDS=["phone*", "email*", "password1*", "password2*"],
    ACCOUNT_SIGNUP_FORM_CLASS=f"{PEOPLE}.forms.Person",
    ACCOUNT_EMAIL_VERIFICATION="none",
    ALLAUTH_TRUSTED_CLIENT_IP_HEADER="X-Forwarded-For",
    LOGIN_REDIRECT_URL="/welcome",
)

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.urls import include, path  # noqa: E402


def welcome(request: HttpRequest) -> HttpResponse:
    return HttpResponse("welcome" if request.user.is_authenticated else "nobody")


urlpatterns = [path("accounts/", include("allauth.urls")), path("welcome", welcome)]
connection.close()
application = get_wsgi_application()
