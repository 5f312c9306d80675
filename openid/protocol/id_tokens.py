"""The ID token: who signed in, how surely, when (OpenID Connect Core, 2)."""

from __future__ import annotations

from typing import Any

from authlib.oidc.core import OpenIDCode

from openid import claims


class IdToken(OpenIDCode):
    """Authlib's extension of the code grant. A nonce that was used before is for the service to notice: only it knows
    what it has sent."""

    def __call__(self, grant: Any) -> None:
        """Only the token. Authlib's reading of `prompt` wants to know who is signed in; ours is in `openid.asking`."""
        grant.register_hook("after_create_token_response", self.process_token)

    def exists_nonce(self, nonce: str, _asked: Any) -> bool:
        return False

    def encode_id_token(self, token: dict[str, Any], asked: Any) -> str:
        return claims.id_token(grant=asked.authorization_code.grant, access_token=token["access_token"])
