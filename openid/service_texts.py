"""The sentence for each refusal of what an administrator enters about a service."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.sentences import Sentences, filled, jalali


def rotated_just_now(*, until: datetime) -> str:
    """`until`: when the secret before the present one ends."""
    text = _(
        "The secret was changed only just now, and the one before it works until %(until)s. Another new one now would "
        "end a secret that the service may still use. If a stranger may have the secret, end the earlier ones at once."
    )
    return filled(text, {"until": jalali(until, "time")})


ADDRESSES: dict[str, Any] = {
    "address_empty": gettext_lazy("The address is empty."),
    "address_long": gettext_lazy("The address is longer than %(longest)s characters."),
    "address_wildcard": gettext_lazy("An address has no “*”: each address is written out, and compared exactly."),
    "address_fragment": gettext_lazy("An address has no part behind “#”: browsers do not send it."),
    "address_characters": gettext_lazy(
        "There is something in the address that addresses do not have, such as a blank or a backslash. In the path, "
        "other scripts are written percent-encoded."
    ),
    "address_no_address": gettext_lazy("This is no address: write it like https://service.tamin.ir/callback."),
    "address_no_https": gettext_lazy(
        "An address begins with https:// in small letters; only an app without a secret may also have http:// and a "
        "loopback address."
    ),
    "address_userinfo": gettext_lazy("An address has no user name before its host, and no “@” there."),
    "address_ip": gettext_lazy("The host is a number. An address names its host: no IP addresses."),
    "address_internal": gettext_lazy("The host is one of this machine or of an internal network, not of the Internet."),
    "address_host": gettext_lazy("The host of the address is no name of a host."),
    "address_port": gettext_lazy("The port of the address is none, or is not written plainly."),
    "address_normal": gettext_lazy(
        "Browsers write this address in another way, and then it would not be the same: write “%(normal)s”."
    ),
    "address_no_path": gettext_lazy("Browsers add a slash to this address: write “%(normal)s”."),
    "address_dots": gettext_lazy("The path has “.”, “..” or “//” in it: write the path that is meant."),
    "address_encoded": gettext_lazy(
        "Behind a percent sign stand the digits of what it encodes; slashes and control characters are not hidden so."
    ),
    "address_parameter": gettext_lazy(
        "The address has the parameter “%(parameter)s”, which the portal itself adds to it."
    ),
}
SENTENCES: dict[str, Any] = {
    **ADDRESSES,
    "no_service": gettext_lazy("There is no service with this client_id."),
    "no_redirect_uri": gettext_lazy("At least one redirect address is needed."),
    "addresses_many": gettext_lazy("At most %(most)s addresses of one kind."),
    "name": gettext_lazy("The name is empty, or longer than %(longest)s characters."),
    "contact": gettext_lazy("The contact has at most %(longest)s characters."),
    "sector": gettext_lazy("The sector has at most %(longest)s characters."),
    "auth_method": gettext_lazy("A service proves itself by client_secret_basic, private_key_jwt or none."),
    "level": gettext_lazy("There is no such level."),
    "algorithm": gettext_lazy("ID tokens are signed by ES256 or RS256."),
    "scope_unknown": gettext_lazy("There is no scope “%(scope)s”."),
    "scope_reason": gettext_lazy("A reason has at most %(longest)s characters."),
    "scope_needs_reason": gettext_lazy(
        "The scope “%(scope)s” needs a reason of its own: which law or duty makes the service know it?"
    ),
    "jwks": gettext_lazy("The keys are no JWK Set with public keys of type EC or RSA."),
    "jwks_private": gettext_lazy(
        "A private key stands among the keys. It is no secret any more: make a new pair, and give its public half only."
    ),
    "jwks_weak": gettext_lazy("An RSA key is too short to be safe."),
    "logo_large": gettext_lazy("The logo is larger than %(kilobytes)s kilobytes."),
    "logo_no_png": gettext_lazy("The logo is no whole PNG picture (without interlacing)."),
    "logo_size": gettext_lazy("Each side of the logo has between %(least)s and %(most)s pixels."),
    "sector_is_used": gettext_lazy(
        "Citizens are known to this service by its sector already: in another one they would be strangers to it. Add a "
        "new service instead."
    ),
    "changed_meanwhile": gettext_lazy(
        "Somebody changed this service while you were at this page. Look at it again, and then make your change."
    ),
    "no_secret": gettext_lazy("This service proves itself by something else than a secret."),
    "rotated_just_now": rotated_just_now,
}
sentence = Sentences(SENTENCES)
