"""A connected service as Authlib's client, and how it proves at our endpoints that it is itself."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import ClientMixin
from django.utils import timezone

from common.prepared import Prepared
from openid import credentials
from openid.models import AuthMethod, ConnectedService

CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_services = Prepared(
    lambda ids: ConnectedService.objects.select_related("sector").defer("logo").filter(client_id__in=ids).order_by()
)
LOOPBACK = ("127.0.0.1", "::1")


class Client(ClientMixin):
    def __init__(self, service: ConnectedService) -> None:
        self.service = service
        self.client_id = service.client_id

    def __repr__(self) -> str:
        return f"<Client {self.client_id}>"

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """None: a request must always name its address."""

    def get_allowed_scope(self, scope: str | None) -> str:
        """The asked scopes that the service may have; unknown ones are ignored (OpenID Connect Core, 3.1.2.1)."""
        asked = dict.fromkeys((scope or "").split())
        return " ".join(name for name in asked if name == "openid" or name in self.service.scopes)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether it is a registered address, character by character. An app on the citizen's own machine listens on
        whatever port is free: on loopback addresses of public clients the port may differ (RFC 8252, 7.3)."""
        registered = self.service.redirect_uris
        if redirect_uri in registered:
            return True
        if self.service.auth_method != AuthMethod.PUBLIC:
            return False
        plain = _without_port(redirect_uri)
        return plain is not None and plain in (_without_port(address) for address in registered)

    def check_client_secret(self, client_secret: str) -> bool:
        service = self.service
        fits = credentials.matches(credentials.CLIENT_SECRET, client_secret, service.secret_hash)
        until = service.earlier_secret_until
        if not fits and until is not None and timezone.now() < until:
            fits = credentials.matches(credentials.CLIENT_SECRET, client_secret, service.earlier_secret_hash)
        return fits

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return bool(self.service.auth_method == method)

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")


def client_of(client_id: str) -> Client | None:
    """The client with this ID, suspended or not."""
    if not CLIENT_ID.fullmatch(client_id):  # databases refuse some characters
        return None
    service = _services.first([client_id])
    return Client(service) if service else None


def _without_port(address: str) -> str | None:
    """A loopback address of http without its port; None if it is another address, or none at all."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    expected = f"{host}:{port}" if port is not None else host
    if parts.scheme != "http" or parts.hostname not in LOOPBACK or parts.netloc != expected:
        return None
    return address.replace(f"//{expected}", f"//{host}", 1)
