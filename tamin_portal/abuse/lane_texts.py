"""What a page says to a try that got no place to hash in."""

from __future__ import annotations

from django.utils.translation import gettext as _

from tamin_portal.persian import to_persian_digits


def busy(seconds: object) -> str:
    """Nothing was looked at, and when to send it again: `seconds` of `hashing_busy`."""
    return _(
        "The portal is very busy at this moment, so this was not looked at and counts as no try. What you typed is "
        "kept, except passwords and answers. Please send it again in %(seconds)s seconds."
    ) % {"seconds": to_persian_digits(str(seconds))}
