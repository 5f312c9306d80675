"""The trial proves itself as the service does, by a secret or a key that is lent to the service's row until the
transaction is rolled back: of the service's own secret the portal knows a hash only, and of its key the public half."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import ECKey

from common.links import absolute
from openid import credentials
from openid.models import AuthMethod, ConnectedService
from openid.protocol.authenticating import TYPE


@dataclass(frozen=True)
class Proof:
    """How a request of the service proves itself. Its repr shows nothing of it."""

    client_id: str
    secret: str = ""
    key: Any = None

    def __repr__(self) -> str:
        return "Proof(…)"

    @property
    def headers(self) -> dict[str, str]:
        if not self.secret:
            return {}
        said = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        return {"Authorization": f"Basic {said}"}

    def form(self) -> dict[str, str]:
        """The fields beside those of the request; anew for each one."""
        if self.secret:
            return {}
        if self.key is None:
            return {"client_id": self.client_id}
        now = int(timezone.now().timestamp())
        named = {"iss": self.client_id, "sub": self.client_id, "aud": absolute("")}
        claims = {**named, "iat": now, "exp": now + 60, "jti": credentials.new()}
        signed = jwt.encode({"alg": "ES256", "kid": "trial"}, claims, self.key, algorithms=["ES256"])
        return {"client_assertion": signed, "client_assertion_type": TYPE}


def lend(service: ConnectedService) -> Proof:
    """Give the row of `service` something that the trial can prove itself by, in the caller's transaction."""
    row = ConnectedService.objects.filter(pk=service.pk)
    if service.auth_method == AuthMethod.SECRET:
        secret = credentials.new()
        row.update(secret_hash=credentials.hash_of(credentials.CLIENT_SECRET, secret))
        return Proof(service.client_id, secret=secret)
    if service.auth_method == AuthMethod.KEY:
        key = ECKey.generate_key("P-256", {"kid": "trial"})
        row.update(jwks={"keys": [key.as_dict(private=False)]})
        return Proof(service.client_id, key=key)
    return Proof(service.client_id)
