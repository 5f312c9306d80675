"""IP addresses: parses those in settings, and says which cannot be a citizen's on the Internet."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# RFC 1918, RFC 4193, loopback and link-local. Not 100.64.0.0/10: operators put their customers there.
PRIVATE: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "fc00::/7",
        "::/64",  # the loopback, as `ClientAddress` writes it
        "fe80::/10",
    )
)
# What follows from an address alone is worked out once for those that come again and again: a proxy, a busy network.
_remembered = lru_cache(maxsize=4096)
_WITH_PORT = re.compile(r"(?:([^:]+)|\[(.+)\]):\d{1,5}")


@_remembered
def parse(address: str) -> Address | None:
    """The address in `text`, also as a dual-stack socket writes IPv4 (::ffff:203.0.113.9), and without the port that
    some proxies add: with the port each connection would look like another caller. None: no address."""
    with_port = _WITH_PORT.fullmatch(address)
    try:
        peer = ipaddress.ip_address(with_port[1] or with_port[2] if with_port else address)
    except ValueError:
        return None
    return peer.ipv4_mapped or peer if peer.version == 6 else peer


def networks(entries: Iterable[str]) -> list[Network]:
    """The networks that `entries` name, each an address or a network. Raises ValueError for one that is neither."""
    return [ipaddress.ip_network(entry.strip(), strict=False) for entry in entries]


def valid_networks(entries: Iterable[str]) -> list[Network]:
    """As `networks`, but ignores invalid entries."""
    found: list[Network] = []
    for entry in entries:
        with contextlib.suppress(ValueError):
            found += networks([entry])
    return found


def is_one_host_or_private(found: Network) -> bool:
    """Whether `found` contains, besides private networks, at most one machine: then nobody else on the Internet is
    trusted."""
    return found.num_addresses == 1 or any(_holds(private, found) for private in PRIVATE)


@_remembered
def network_of(address: str) -> str:
    """As `ClientAddress` writes a caller: an IPv4 address as it is, of an IPv6 address the /64 network; what is no
    address as it is."""
    peer = parse(address)
    if peer is None:
        return address
    return str(ipaddress.ip_network((int(peer), 64), strict=False)) if peer.version == 6 else str(peer)


@_remembered
def is_private(address: str) -> bool:
    """Whether `address` (or its network, as `ClientAddress` writes IPv6) cannot be a citizen's on the Internet. True
    also for what is no address, such as a UNIX socket's peer."""
    found = valid_networks([address])
    return not found or any(_holds(private, found[0]) for private in PRIVATE)


def _holds(outer: Network, inner: Network) -> bool:
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]
