"""The URLs of `toolkit.py`, and the claims, which the library leaves to a subclass."""

from __future__ import annotations

from typing import Any

from django.urls import include, path
from oauth2_provider.oauth2_validators import OAuth2Validator


class Validator(OAuth2Validator):
    """As its documentation says: functions by claim, given out by scope."""

    oidc_claim_scope = OAuth2Validator.oidc_claim_scope | {"name": "profile"}

    def get_additional_claims(self) -> dict[str, Any]:
        return {
            "name": lambda request: request.user.get_full_name(),
            "given_name": lambda request: request.user.first_name,
            "family_name": lambda request: request.user.last_name,
            "email": lambda request: request.user.email,
        }


urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]
