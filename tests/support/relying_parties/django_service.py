"""A service in Django with mozilla-django-oidc, as its own developer would write it: one file, one process.

The library signs in, checks the ID token and renews the sign-in in silence. What it does not have is here: the level,
the sign-out at the portal, and being told of sign-outs.
"""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from urllib.parse import urlencode

import django
from django.conf import settings

ISSUER, PORT, FOLDER = os.environ["ISSUER"], int(os.environ["PORT"]), Path(os.environ["FOLDER"])
HERE = f"http://127.0.0.1:{PORT}"
CODE_BY_SMS = "urn:tamin:acr:code"
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"

settings.configure(
    SECRET_KEY=os.urandom(32).hex(),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "service.sqlite3"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "mozilla_django_oidc.middleware.SessionRefresh",
    ],
    AUTHENTICATION_BACKENDS=[f"{__name__}.Portal"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    SESSION_COOKIE_NAME="django-service",  # another one than the portal's, which is on the same host here
    LOGIN_REDIRECT_URL="/",
    LOGOUT_REDIRECT_URL="/",
    USE_TZ=True,
    # What the portal wants of mozilla-django-oidc 5; docs/connect-a-service.md shows these lines.
    OIDC_RP_CLIENT_ID=os.environ["CLIENT_ID"],
    OIDC_RP_CLIENT_SECRET=os.environ["CLIENT_SECRET"],
    OIDC_RP_SIGN_ALGO="ES256",
    OIDC_RP_SCOPES="openid profile phone",
    OIDC_USE_PKCE=True,
    OIDC_TOKEN_USE_BASIC_AUTH=True,
    OIDC_STORE_ID_TOKEN=True,
    OIDC_OP_AUTHORIZATION_ENDPOINT=f"{ISSUER}/openid/authorize",
    OIDC_OP_TOKEN_ENDPOINT=f"{ISSUER}/openid/token",
    OIDC_OP_USER_ENDPOINT=f"{ISSUER}/openid/userinfo",
    OIDC_OP_JWKS_ENDPOINT=f"{ISSUER}/openid/jwks",
    OIDC_OP_LOGOUT_URL_METHOD=f"{__name__}.sign_out_address",
    OIDC_AUTHENTICATE_CLASS=f"{__name__}.SignIn",
)
django.setup()

from django.contrib.auth import logout  # noqa: E402
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest  # noqa: E402
from django.shortcuts import redirect  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.utils.html import escape  # noqa: E402
from mozilla_django_oidc.auth import OIDCAuthenticationBackend  # noqa: E402
from mozilla_django_oidc.views import OIDCAuthenticationRequestView, OIDCLogoutView  # noqa: E402


class SignIn(OIDCAuthenticationRequestView):
    def get_extra_params(self, request: HttpRequest) -> dict[str, str]:
        request.session["asked_acr"] = CODE_BY_SMS if request.GET.get("level") == "code" else ""
        return {"acr_values": CODE_BY_SMS} if request.session["asked_acr"] else {}


class Portal(OIDCAuthenticationBackend):
    """Users by `sub`: the e-mail address, the library's own key, may be somebody else's tomorrow."""

    def verify_token(self, token: str, **kwargs: object) -> dict[str, object]:
        """The library compares neither issuer nor audience nor level."""
        said: dict[str, object] = super().verify_token(token, **kwargs)
        asked = self.request.session.get("asked_acr")
        if said["iss"] != ISSUER or said["aud"] != self.OIDC_RP_CLIENT_ID or (asked and said["acr"] != asked):
            return {}
        return said

    def verify_claims(self, claims: dict[str, object]) -> bool:
        return "sub" in claims

    def filter_users_by_claims(self, claims: dict[str, object]) -> object:
        return self.UserModel.objects.filter(username=claims["sub"])

    def create_user(self, claims: dict[str, object]) -> object:
        return self.UserModel.objects.create_user(claims["sub"])

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, object]) -> object:
        userinfo = self.get_userinfo(access_token, id_token, payload)
        if userinfo.get("sub") != payload["sub"]:  # of another citizen
            return None
        self.request.session["told"] = {"id_token": payload, "userinfo": userinfo}
        return super().get_or_create_user(access_token, id_token, payload)


def sign_out_address(request: HttpRequest) -> str:
    query = {"id_token_hint": request.session["oidc_id_token"], "post_logout_redirect_uri": f"{HERE}/"}
    return f"{ISSUER}/openid/end-session?{urlencode(query)}"


def home(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return HttpResponse("<h1>Nobody</h1>")
    told = escape(json.dumps(request.session["told"], ensure_ascii=False))
    buttons = "".join(
        f'<form method="post" action="/{each}"><button>ok</button></form>' for each in ("refresh", "sign-out")
    )
    return HttpResponse(f"<h1>Somebody</h1><pre>{told}</pre>{buttons}")


def refresh(request: HttpRequest) -> HttpResponse:
    """As if the quarter of an hour were over, after which the library asks the portal anew."""
    request.session["oidc_id_token_expiration"] = 0
    return redirect("/")


def told_of_sign_out(request: HttpRequest) -> HttpResponse:
    token = request.POST.get("logout_token", "")
    backend = Portal()
    try:
        said = backend.get_payload_data(token, backend.retrieve_matching_jwk(token))
        is_one = LOGOUT in said["events"] and "nonce" not in said and said["iss"] == ISSUER
        if not is_one or said["aud"] != backend.OIDC_RP_CLIENT_ID:
            raise ValueError
    except Exception:  # whatever is wrong with a token from the network
        return HttpResponseBadRequest()
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for row in store.get_model_class().objects.all():
        if row.get_decoded().get("told", {}).get("id_token", {}).get("sid") == said["sid"]:
            logout_of(store(row.session_key))
    return HttpResponse()


def logout_of(session: object) -> None:
    request = HttpRequest()
    request.session = session  # type: ignore[assignment]
    logout(request)


urlpatterns = [
    path("", home),
    path("sign-in", SignIn.as_view()),
    path("refresh", refresh),
    path("sign-out", OIDCLogoutView.as_view()),
    path("backchannel", told_of_sign_out),
    path("oidc/", include("mozilla_django_oidc.urls")),
]

if __name__ == "__main__":
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from waitress import serve

    call_command("migrate", verbosity=0)
    serve(get_wsgi_application(), host="127.0.0.1", port=PORT, threads=4)
