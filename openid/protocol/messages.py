"""What comes in and goes out, as Authlib wants it, without a web framework."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Payload, OAuth2Request

from openid.models import ConnectedService
from openid.protocol.clients import Client


class Parameters(OAuth2Payload):
    """The parameters of a request, each with its values. One without a value counts as omitted (RFC 6749, 3.1)."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        lists = {name: [value for value in given if value] for name, given in values.items()}
        self._lists: defaultdict[str, list[str]] = defaultdict(list, {k: v for k, v in lists.items() if v})
        self._last = {name: given[-1] for name, given in self._lists.items()}

    @property
    def data(self) -> dict[str, str]:
        return self._last

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return self._lists


class Message(OAuth2Request):
    """A request to one of the endpoints.

    Authlib itself refuses plain HTTP. `tamin_portal` leads it to HTTPS outside demo mode, so an address of HTTPS stands
    here for all.
    """

    def __init__(
        self,
        *,
        method: str,
        values: Mapping[str, Sequence[str]],
        headers: Mapping[str, str] | None = None,
        address: str = "",
    ) -> None:
        super().__init__(method, "https://portal/", headers=headers or {})
        self.payload = Parameters(values)
        self.address = address  # where it came from
        self.found: Any = None  # the row of the token or code that it names, which is read before its service
        self.service: ConnectedService | None = None  # that row's, not yet proven
        self.claims: dict[str, dict[str, Any]] = {}  # the parameter `claims`, when it has been read
        self.made: Any = None  # `tokens.Made`, until they are kept
        self.sign_in: Any = None  # `granting.SignIn`, when a citizen's answer is given

    def known_or(self, query_client: Callable[[str], Client | None]) -> Callable[[str], Client | None]:
        """`query_client`, but the service of `found` needs no second statement."""
        known = self.service

        def query(client_id: str) -> Client | None:
            return Client(known) if known is not None and known.client_id == client_id else query_client(client_id)

        return query

    @property
    def args(self) -> dict[str, str]:
        return self.payload.data

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data


@dataclass
class Answer:
    """An answer of an endpoint: the body is JSON (a dict), or empty for a redirect."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @location.setter
    def location(self, address: str) -> None:
        self.headers["Location"] = address
