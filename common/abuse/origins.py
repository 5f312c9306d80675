"""Where a request came from, as keyed hashes: what limits and conduct are counted by."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from common.secrets import keyed_hash

_WIDE = {4: 24, 6: 48}  # what one owner of a line or a rack can move within


@dataclass(frozen=True, slots=True)
class Origin:
    """`address`: an IPv4 address or an IPv6 /64; `network`: the IPv4 /24 or IPv6 /48 around it. Keyed hashes, 32
    characters each, so that no table says who was where."""

    address: str
    network: str


def origin_of(client_address: str) -> Origin:
    """The origin of a request whose `client_address` (set by `ClientAddress`) this is. Any text is taken."""
    try:
        inside = ipaddress.ip_network(client_address, strict=False)
    except ValueError:
        wide = client_address
    else:
        wide = str(inside.supernet(new_prefix=min(inside.prefixlen, _WIDE[inside.version])))
    return Origin(address=_hashed("address", client_address), network=_hashed("network", wide))


def _hashed(kind: str, text: str) -> str:
    return keyed_hash("origin", f"{kind}:{text}")[:32]


NOWHERE = Origin(address="", network="")  # an administrator's command, or a task
