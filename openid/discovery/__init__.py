"""What the portal says of itself to the programs of services (OpenID Connect Discovery 1.0, RFC 8414)."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from common.links import absolute
from openid import claims, verified
from openid.key_files import ALGORITHMS
from openid.models import AuthMethod, Level
from openid.protocol.authenticating import ALGORITHMS as ASSERTION_ALGORITHMS

ENDPOINTS = {
    "authorization_endpoint": "/openid/authorize",
    "pushed_authorization_request_endpoint": "/openid/par",
    "token_endpoint": "/openid/token",
    "userinfo_endpoint": "/openid/userinfo",
    "revocation_endpoint": "/openid/revoke",
    "introspection_endpoint": "/openid/introspect",
    "end_session_endpoint": "/openid/end-session",
    "jwks_uri": "/openid/jwks",
}
_OF_THE_ID_TOKEN = ("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash")


def document() -> dict[str, Any]:
    """The metadata, as `/.well-known/openid-configuration` shows it. Only what works stands in it."""
    return {
        "issuer": absolute(""),
        **{name: absolute(path) for name, path in ENDPOINTS.items()},
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": [code for code, _name in settings.LANGUAGES],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "require_pushed_authorization_requests": False,
        **_authentication(),
        **_claims(),
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "op_policy_uri": absolute("/portal/help/privacy"),
    }


def _authentication() -> dict[str, Any]:
    """How services prove themselves: at the endpoints with a token of theirs alike."""
    methods = [method.value for method in AuthMethod]
    return {
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        # A token says who somebody is only to a service that proves itself.
        "introspection_endpoint_auth_methods_supported": [name for name in methods if name != AuthMethod.PUBLIC],
        "introspection_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
    }


def _claims() -> dict[str, Any]:
    return {
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "acr_values_supported": [level.value for level in Level],
        "scopes_supported": ["openid", *claims.SCOPES],
        "claim_types_supported": ["normal"],
        "claims_supported": [*_OF_THE_ID_TOKEN, *claims.SCOPE_OF],
        "claims_parameter_supported": True,
        "verified_claims_supported": True,
        "trust_frameworks_supported": [verified.TRUST_FRAMEWORK],
        "evidence_supported": ["electronic_record", "document"],
        "electronic_records_supported": ["population_register"],
        "documents_check_methods_supported": ["vpip"],
        "claims_in_verified_claims_supported": list(verified.CLAIMS),
    }
