"""django-allauth 65's `idp.oidc` in a plain project: RS256 (it has no ES256), introspection on, without its limits."""

from __future__ import annotations

from typing import Any

from benchmarks.providers import plain_project as plain
from benchmarks.providers.browser import Browser
from benchmarks.providers.flow import CALLBACK, Addresses, Client, Flow

OWN = "/identity/o"
ADDRESSES = Addresses(f"{OWN}/authorize", f"{OWN}/api/token", f"{OWN}/api/userinfo", f"{OWN}/api/introspect")
BACKENDS = ["django.contrib.auth.backends.ModelBackend", "allauth.account.auth_backends.AuthenticationBackend"]


def works() -> dict[str, Any]:
    plain.set_up(
        INSTALLED_APPS=[*plain.APPS, "allauth", "allauth.account", "allauth.idp.oidc"],
        MIDDLEWARE=[*plain.MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"],
        ROOT_URLCONF="benchmarks.providers.allauth_urls",
        AUTHENTICATION_BACKENDS=BACKENDS,
        IDP_OIDC_PRIVATE_KEY=plain.signing_key(),
        IDP_OIDC_INTROSPECTION_ENABLED=True,
        IDP_OIDC_RATE_LIMITS=False,
        IDP_OIDC_ACCESS_TOKEN_EXPIRES_IN=600,
        **plain.behind_tls(),
    )
    from allauth.account.models import EmailAddress
    from allauth.idp.oidc.models import Client as Service
    from django.core.wsgi import get_wsgi_application

    application: Any = get_wsgi_application()

    def with_address(account: Any) -> None:
        EmailAddress.objects.create(user=account, email=account.email, primary=True, verified=False)

    machine = Browser(application, scheme="https", sends={})
    browsers = plain.browsers(application, backend=BACKENDS[0], prepare=with_address)
    done: dict[str, Any] = {}
    for how, stored in plain.secrets_of_services().items():
        service = Service.objects.create(
            name=how,
            secret=stored,
            scopes="openid\nprofile\nemail",
            type=Service.Type.CONFIDENTIAL,
            grant_types="authorization_code\nrefresh_token",
            redirect_uris=CALLBACK,
            skip_consent=True,
        )
        flow = Flow(ADDRESSES, Client(service.pk, plain.SECRET), browsers, machine)
        done |= {f"flow-{how}": flow.sign_ins(), f"introspection-{how}": flow.introspections()}
    return done
