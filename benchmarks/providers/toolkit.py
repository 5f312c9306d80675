"""django-oauth-toolkit 3.4 in a plain project: RS256 (it has no ES256), all switches for RFC 9700 on, tokens hashed."""

from __future__ import annotations

from typing import Any

from benchmarks.providers import plain_project as plain
from benchmarks.providers.browser import Browser
from benchmarks.providers.flow import CALLBACK, Addresses, Client, Flow

ADDRESSES = Addresses("/o/authorize/", "/o/token/", "/o/userinfo/", "/o/introspect/")
SWITCHES = (
    *("IMPLICIT_GRANT", "PASSWORD_GRANT", "PKCE_METHOD", "ACCESS_TOKEN_TRANSPORT", "AUTHZ_RESPONSE_ISS"),
    *("TOKEN_STORAGE", "REFRESH_TOKEN", "REDIRECT_URI_SCHEME", "REDIRECT_URI_MATCHING", "PKCE_REQUIRED"),
)


def works() -> dict[str, Any]:
    plain.set_up(
        INSTALLED_APPS=[*plain.APPS, "oauth2_provider"],
        ROOT_URLCONF="benchmarks.providers.toolkit_urls",
        **plain.behind_tls(),
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_RSA_PRIVATE_KEY": plain.signing_key(),
            "PKCE_REQUIRED": True,
            "REFRESH_TOKEN_REUSE_PROTECTION": True,
            "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
            "SCOPES": {"openid": "openid", "profile": "profile", "email": "email"},
            "OAUTH2_VALIDATOR_CLASS": "benchmarks.providers.toolkit_urls.Validator",
            "ACCESS_TOKEN_EXPIRE_SECONDS": 600,
            **{f"COMPLIANT_BCP_RFC9700_{name}": True for name in SWITCHES},
        },
    )
    from django.core.wsgi import get_wsgi_application
    from oauth2_provider.models import Application

    application: Any = get_wsgi_application()
    machine = Browser(application, scheme="https", sends={})
    browsers = plain.browsers(application, backend="django.contrib.auth.backends.ModelBackend")
    done: dict[str, Any] = {}
    for how, stored in plain.secrets_of_services().items():
        service = Application.objects.create(
            name=how,
            client_type=Application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
            client_secret=stored,
            redirect_uris=CALLBACK,
            skip_authorization=True,
            algorithm=Application.RS256_ALGORITHM,
        )
        flow = Flow(ADDRESSES, Client(service.client_id, plain.SECRET), browsers, machine)
        done |= {f"flow-{how}": flow.sign_ins(), f"introspection-{how}": flow.introspections()}
    return done
