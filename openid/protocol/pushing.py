"""Pushed authorization requests (RFC 9126): a service says what it asks before it sends its citizen."""

from __future__ import annotations

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidRequestError

from common import limits
from openid import asking, id_token_hints, requests, throttling
from openid.models import AuthMethod
from openid.protocol import server
from openid.protocol.authenticating import TooManyError
from openid.protocol.grants import AUTH_METHODS
from openid.protocol.messages import Answer, Message

_PROOFS = ("client_secret", "client_assertion", "client_assertion_type")


def push_response(asked: Message) -> Answer:
    """The answer of the endpoint: the handle of a request that is in order."""
    try:
        client = server.server.authenticate_client(asked, AUTH_METHODS, "par")
        if "request_uri" in asked.form:
            raise InvalidRequestError("A 'request_uri' cannot be pushed.")
        values = {name: given for name, given in asked.payload.datalist.items() if name not in _PROOFS}
        grant = server.check(values | {"client_id": [client.client_id]})
        given = grant.request.payload.data
        asking.read(given, claims=grant.request.claims, service=grant.client.service)
        id_token_hints.subject(given.get("id_token_hint", ""), service=grant.client.service)
        _refuse_too_many(asked, client.service.auth_method)
    except OAuth2Error as error:
        error.redirect_uri = None  # told to the service itself
        return server.counted(asked, server.server.handle_error_response(asked, error))
    handle = requests.push(service=grant.client.service, parameters=grant.request.payload.data)
    seconds = int(limits.OPENID_PUSHED.total_seconds())
    return Answer(201, {"request_uri": requests.URN + handle, "expires_in": seconds})


def _refuse_too_many(asked: Message, method: str) -> None:
    """Raises TooManyError: anybody can push in the name of a public client, and each request is a row."""
    wait = throttling.kept(address=asked.address) if method == AuthMethod.PUBLIC else 0
    if wait:
        raise TooManyError("Too many requests. Wait.", error="temporarily_unavailable", wait=wait)
