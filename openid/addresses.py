"""Which addresses a service may register. What is accepted is stored as it is compared later: character by character.

So an address has one spelling: where a browser or a library would write another one, the address is refused, and the
sentence says how it is written. Only a host in another script is changed (UTS 46), because a browser sends it so.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, urlsplit

import idna
from django.conf import settings

from common import limits
from common.errors import PortalError

_ALLOWED = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=%]+")  # RFC 3986, without "#" and "*"
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_ENCODED = re.compile(r"%(..)?")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_OURS = {"code", "state", "iss", "error", "error_description", "error_uri", "session_state"}  # our answer adds them
_INTERNAL = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home", ".test", ".invalid", ".example")
_UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]")
_LOOPBACK = ("127.0.0.1", "[::1]")  # for apps: "localhost" may lead elsewhere (RFC 8252, 8.3)


def check_redirect_uri(typed: str, *, is_public: bool = False) -> str:
    """`typed`, as it is stored: where a citizen comes back to with a code. Raises PortalError("address_…").

    A public client may also have http on a loopback address, whose port is free (RFC 8252, 7.3).
    """
    address, parts = _checked(typed, may_be_loopback=is_public)
    taken = {name for name, _value in parse_qsl(parts.query, keep_blank_values=True)} & _OURS
    if taken:
        raise PortalError("address_parameter", parameter=min(taken))
    return address


def check_logout_uri(typed: str) -> str:
    """`typed`, as it is stored: where logout tokens are posted to. Raises PortalError("address_…")."""
    return _checked(typed)[0]


def check_post_logout_uri(typed: str, *, is_public: bool = False) -> str:
    """`typed`, as it is stored: where a citizen goes after a sign-out. Raises PortalError("address_…")."""
    return _checked(typed, may_be_loopback=is_public)[0]


def check_initiate_login_uri(typed: str) -> str:
    """`typed`, as it is stored: where the service starts a sign-in by itself. Raises PortalError("address_…")."""
    return _checked(typed)[0]


def check_home_page(typed: str) -> str:
    """`typed`, as it is stored: the first page of the service. Raises PortalError("address_…")."""
    return _checked(typed)[0]


def host_of(address: str) -> str:
    """The host of a checked address; "" for a loopback one outside a demo, which is every machine's own."""
    host = urlsplit(address).netloc.rpartition("@")[2]
    host = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    return "" if host in _LOOPBACK and not settings.DEMO else host


def _checked(typed: str, *, may_be_loopback: bool = False) -> tuple[str, SplitResult]:
    address = _with_punycode(typed.strip())
    _check_characters(address)
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise PortalError("address_no_address") from None
    scheme, host = address.partition("://")[0], _host(parts)
    if scheme not in _DEFAULT_PORTS or not host:
        raise PortalError("address_no_https")
    _check_authority(parts, host, port)
    is_loopback = scheme == "http" and host in _LOOPBACK and may_be_loopback
    if not (is_loopback or (settings.DEMO and _is_this_machine(host))):
        if scheme != "https":
            raise PortalError("address_no_https")
        _check_public_host(host)
    _check_path(parts)
    return address, parts


def _with_punycode(address: str) -> str:
    """`address` with its host as browsers send it, if that is written in another script."""
    found = re.match(r"(https?://)([^/?#:@\[\]\\]+)(?=[:/?#]|$)", address)
    if not found or found[2].isascii():
        return address
    try:
        host = idna.encode(found[2], uts46=True, std3_rules=True).decode()
    except idna.IDNAError:
        raise PortalError("address_host") from None
    return found[1] + host + address[found.end() :]


def _check_characters(address: str) -> None:
    if not address:
        raise PortalError("address_empty")
    if len(address) > limits.OPENID_ADDRESS_LONGEST:
        raise PortalError("address_long", longest=limits.OPENID_ADDRESS_LONGEST)
    for character, code in (("*", "address_wildcard"), ("#", "address_fragment")):
        if character in address:
            raise PortalError(code)
    if not _ALLOWED.fullmatch(address):
        raise PortalError("address_characters")


def _host(parts: SplitResult) -> str:
    """The host as it is written, an IPv6 one in its brackets."""
    written = parts.netloc.rpartition("@")[2]
    return written.partition("]")[0] + "]" if written.startswith("[") else written.partition(":")[0]


def _check_authority(parts: SplitResult, host: str, port: int | None) -> None:
    if "@" in parts.netloc:
        raise PortalError("address_userinfo")
    if host != host.lower():
        raise PortalError("address_normal", normal=host.lower())
    expected = host if port is None else f"{host}:{port}"
    if parts.netloc != expected or port == 0:  # an empty port, zeros before it
        raise PortalError("address_port")
    if port == _DEFAULT_PORTS[parts.scheme]:
        raise PortalError("address_normal", normal=f"{parts.scheme}://{host}{parts.path}")


def _is_this_machine(host: str) -> bool:
    return host in _LOOPBACK or host == "localhost" or host.endswith(".localhost")


def _check_public_host(host: str) -> None:
    labels = host.split(".")
    if host.startswith("[") or _is_number(labels[-1]):
        raise PortalError("address_ip")
    if (len(labels) < 2 or host.endswith(_INTERNAL)) and not settings.DEMO:
        raise PortalError("address_internal")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise PortalError("address_host")
    try:
        idna.decode(host, strict=True)  # what begins with xn-- must be what UTS 46 makes of a name
    except idna.IDNAError:
        raise PortalError("address_host") from None


def _is_number(label: str) -> bool:
    """Whether browsers read a host that ends so as an IPv4 address, in whichever base (WHATWG URL, "ends in a
    number")."""
    return bool(re.fullmatch(r"[0-9]+|0x[0-9a-f]*", label))


def _check_path(parts: SplitResult) -> None:
    if not parts.path:
        raise PortalError("address_no_path", normal=f"{parts.scheme}://{parts.netloc}/")
    if "//" in parts.path or any(part in (".", "..") for part in parts.path.split("/")):
        raise PortalError("address_dots")
    for part, refused in ((parts.path, "/\\"), (parts.query, "")):
        for found in _ENCODED.finditer(part):
            _check_encoded(found, refused)


def _check_encoded(found: re.Match[str], refused: str) -> None:
    digits = found[1] or ""
    value = int(digits, 16) if re.fullmatch("[0-9A-Fa-f]{2}", digits) else -1
    if value < 32 or value == 0x7F or chr(value) in refused:  # control characters, and slashes that are hidden
        raise PortalError("address_encoded")
    if digits != digits.upper() or (value < 128 and _UNRESERVED.fullmatch(chr(value))):
        raise PortalError("address_normal", normal=chr(value) if value < 128 else found[0].upper())
