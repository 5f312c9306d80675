"""What an administrator says about a service, and its checks: what comes out of them is stored as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from unicodedata import category

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from common import limits
from common.errors import PortalError
from common.persian import without_marks
from common.storable_text import can_be_stored
from openid import addresses, claims, logos
from openid.models import AuthMethod, Level, SigningAlgorithm

# What a service may ask for besides "openid", which every one has.
SCOPES = tuple(claims.SCOPES)
WITH_A_REASON = ("national_id",)  # of its own; the others may share one
_RSA_LEAST = 2048  # bits (NIST SP 800-131A)
_MEMBERS = ("kty", "kid", "use", "alg", "crv", "x", "y", "n", "e")  # of a public key (RFC 7517, 7518)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """As they were typed. `scopes`: each with why the service needs it. `logo`: None leaves the one that is there,
    b"" takes it away. `sector`: "" is the host of the first redirect address."""

    name: str
    redirect_uris: Sequence[str]
    scopes: Mapping[str, str]
    sector: str = ""
    auth_method: str = AuthMethod.SECRET
    jwks: Any = None
    contact: str = ""
    home_page: str = ""
    initiate_login_uri: str = ""
    post_logout_redirect_uris: Sequence[str] = field(default=())
    backchannel_logout_uri: str = ""
    is_third_party: bool = False
    required_level: str = Level.PASSWORD
    id_token_algorithm: str = SigningAlgorithm.ES256
    logo: bytes | None = None


def checked(facts: Facts) -> dict[str, Any]:
    """The columns of `ConnectedService`, without its sector and with `logo` only if it changes. Raises PortalError:
    codes of `openid.service_texts`."""
    is_public = facts.auth_method == AuthMethod.PUBLIC
    columns: dict[str, Any] = {
        "name": _text(facts.name, "name", longest=80),
        "contact": _text(facts.contact, "contact", longest=200, may_be_empty=True),
        "auth_method": _choice(facts.auth_method, AuthMethod.values, "auth_method"),
        "required_level": _choice(facts.required_level, Level.values, "level"),
        "id_token_algorithm": _choice(facts.id_token_algorithm, SigningAlgorithm.values, "algorithm"),
        "is_third_party": facts.is_third_party,
        "jwks": _keys(facts.jwks) if facts.auth_method == AuthMethod.KEY else None,
        "scopes": _scopes(facts.scopes),
        "redirect_uris": _addresses(
            facts.redirect_uris, lambda typed: addresses.check_redirect_uri(typed, is_public=is_public)
        ),
        "post_logout_redirect_uris": _addresses(
            facts.post_logout_redirect_uris, lambda typed: addresses.check_post_logout_uri(typed, is_public=is_public)
        ),
        "home_page": _or_none(facts.home_page, addresses.check_home_page),
        "initiate_login_uri": _or_none(facts.initiate_login_uri, addresses.check_initiate_login_uri),
        "backchannel_logout_uri": _or_none(facts.backchannel_logout_uri, addresses.check_logout_uri),
    }
    if not columns["redirect_uris"]:
        raise PortalError("no_redirect_uri")
    return columns | ({} if facts.logo is None else {"logo": logos.checked(facts.logo) if facts.logo else None})


def sector_name(typed: str, redirect_uris: Sequence[str], client_id: str) -> str:
    """The sector that was typed, else the host of the first address. An app's loopback address is every machine's, so
    such an app has a sector of its own. Raises PortalError("sector")."""
    return _text(typed, "sector", longest=100, may_be_empty=True) or addresses.host_of(redirect_uris[0]) or client_id


def _text(typed: str, what: str, *, longest: int, may_be_empty: bool = False) -> str:
    """What was typed, without signs that nobody sees: citizens read it, and one of them can turn a sentence round."""
    text = " ".join("".join(" " if category(each) == "Cc" else each for each in without_marks(typed)).split())
    if not (text or may_be_empty) or len(text) > longest or not can_be_stored(typed):
        raise PortalError(what, longest=longest)
    return text


def _choice(value: str, known: Iterable[str], what: str) -> str:
    if value not in known:
        raise PortalError(what)
    return str(value)


def _addresses(typed: Sequence[str], check: Callable[[str], str]) -> list[str]:
    found = list(dict.fromkeys(check(address) for address in typed if address.strip()))
    if len(found) > limits.OPENID_ADDRESSES:
        raise PortalError("addresses_many", most=limits.OPENID_ADDRESSES)
    return found


def _or_none(typed: str, check: Callable[[str], str]) -> str:
    return check(typed) if typed.strip() else ""


def _scopes(given: Mapping[str, str]) -> dict[str, str]:
    if unknown := sorted(set(given) - {"openid", *SCOPES}):
        raise PortalError("scope_unknown", scope=unknown[0][:40])
    reasons = {
        name: _text(given[name], "scope_reason", longest=limits.OPENID_REASON_LONGEST, may_be_empty=True)
        for name in SCOPES
        if name in given
    }
    for name in WITH_A_REASON:
        if name in reasons and not reasons[name]:
            raise PortalError("scope_needs_reason", scope=name)
    return reasons


def _keys(jwks: Any) -> dict[str, Any]:
    """The service's public keys, without anything else that stood beside them."""
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not 0 < len(keys) <= limits.OPENID_KEYS_OF_SERVICE:
        raise PortalError("jwks")
    try:
        return {"keys": [_public(key) for key in keys]}
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise PortalError("jwks") from None


def _public(given: dict[str, Any]) -> dict[str, Any]:
    if given["kty"] not in ("EC", "RSA"):
        raise PortalError("jwks")
    if "d" in given:
        raise PortalError("jwks_private")
    if given["kty"] == "RSA" and len(given["n"].rstrip("=")) * 6 < _RSA_LEAST:  # before joserfc warns of it
        raise PortalError("jwks_weak")
    key = KeySet.import_key_set({"keys": [given]}).keys[0]
    public: dict[str, Any] = key.as_dict(private=False)
    return {name: public[name] for name in _MEMBERS if name in public}
