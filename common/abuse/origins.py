"""The origin of a request, its address and network, as keyed hashes: the keys of limits and conduct."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from common.secrets import keyed_hash

_WIDE = {4: 24, 6: 48}  # bits of a network in which one customer can change addresses


@dataclass(frozen=True, slots=True)
class Origin:
    """`address`: an IPv4 address or an IPv6 /64; `network`: the IPv4 /24 or IPv6 /48 around it. Keyed hashes of 32
    characters, so that no table says who was where."""

    address: str
    network: str


def origin_of(client_address: str) -> Origin:
    """The origin of a request with this `client_address` (set by `ClientAddress`). Any text is accepted."""
    try:
        inside = ipaddress.ip_network(client_address, strict=False)
    except ValueError:
        wide = client_address
    else:
        wide = str(inside.supernet(new_prefix=min(inside.prefixlen, _WIDE[inside.version])))
    return Origin(address=_hashed("address", client_address), network=_hashed("network", wide))


def _hashed(kind: str, text: str) -> str:
    return keyed_hash("origin", f"{kind}:{text}")[:32]


NOWHERE = Origin(address="", network="")  # of a management command or a task
