"""What a service asks for when it leads a citizen to the sign-out, and how much of it is believed.

A browser is led back only to an address that is registered, character by character, and only if the service has shown
an ID token of ours: its client id alone is public, so anybody could have made the link. The ID token may be over, and
signed by a key that signs no more: a sign-out is often the last thing that happens to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from django.core import signing

from common import limits
from common.errors import PortalError
from common.storable_text import can_be_stored
from openid import ending, id_token_hints
from openid.models import ConnectedService, EndReason

_SALT = "openid.end_session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`client_id` and `sid`: whose session, by an ID token that was shown; empty: nobody has proven who asks.
    `address`: where to go on, checked. `fault`: why the service's request is not in order, a code of `texts`."""

    client_id: str = ""
    sid: str = ""
    address: str = ""
    state: str = ""
    fault: str = ""

    @property
    def way_on(self) -> str:
        """The address to go on to, with the service's `state`; empty: to none."""
        if not self.address or not self.state:
            return self.address
        return f"{self.address}{'&' if '?' in self.address else '?'}{urlencode({'state': self.state})}"


def read(values: Mapping[str, Sequence[str]]) -> Asked:
    """The request with these parameters, each with all its values. Never raises: a fault is part of what was asked."""
    try:
        return _read(values)
    except PortalError as error:
        return Asked(fault=error.code)


def _read(values: Mapping[str, Sequence[str]]) -> Asked:
    if any(len(given) > 1 for given in values.values()):
        raise PortalError("twice")
    hint, client_id, address, state = (
        (values.get(name) or [""])[0] for name in ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")
    )
    if len(state) > limits.LARGEST_FIELD or not can_be_stored(state):
        raise PortalError("state")
    if not hint:
        if address:
            raise PortalError("no_proof")
        return Asked()
    service, sid = _shown_by(hint)
    if client_id and client_id != service.client_id:
        raise PortalError("no_proof")
    if address and address not in service.post_logout_redirect_uris:
        raise PortalError("address")
    return Asked(client_id=service.client_id, sid=sid, address=address, state=state)


def _shown_by(hint: str) -> tuple[ConnectedService, str]:
    """The service to which this ID token was given, and the session that it names."""
    claims = id_token_hints.read(hint)
    service = service_of(claims["aud"]) if claims else None
    if claims is None or service is None:
        raise PortalError("no_proof")
    return service, str(claims.get("sid", ""))


def service_of(client_id: str) -> ConnectedService | None:
    """The service of this name; None if there is none, or it is suspended."""
    return ConnectedService.objects.filter(client_id=client_id, suspended_at__isnull=True).first()


def seal(asked: Asked, *, purpose: str) -> str:
    """`asked` as a text for an address or a form, that nobody else can write. It holds no token."""
    return signing.dumps(asdict(asked), salt=f"{_SALT}.{purpose}", compress=True)


def unseal(text: str, *, purpose: str) -> Asked:
    """What was sealed for this purpose, with the fault `over` if it is too old, or not ours, or its service was
    suspended meanwhile."""
    try:
        asked = Asked(**signing.loads(text, salt=f"{_SALT}.{purpose}", max_age=limits.SESSION_IDLE))
    except (signing.BadSignature, TypeError, ValueError):
        return Asked(fault="over")
    if asked.client_id and service_of(asked.client_id) is None:
        return Asked(fault="over")
    return asked


def finish(asked: Asked) -> None:
    """End what the ID token names: the session at this service, and at no other. For that the service needs nobody's
    consent: it could as well revoke its tokens."""
    service = service_of(asked.client_id) if asked.client_id and asked.sid else None
    if service is not None:
        ending.end(service=service, sid=asked.sid, reason=EndReason.SIGNED_OUT)
