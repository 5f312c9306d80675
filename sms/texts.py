"""The texts of code SMS and test SMS. Other SMS are worded by the app that sends them.

The functions return the whole text; a code fits into one part if possible.
"""

from __future__ import annotations

import re
import secrets

from django.db import models
from django.utils.translation import gettext as _

from common import limits
from common.languages import in_the_portals_language
from common.persian import fold_digits, to_persian_digits
from sms import parts

_TEST_DIGITS, _DIGITS = 4, "1234567890"
_TEST_NUMBER = re.compile(rf"[0-9]{{{_TEST_DIGITS}}}\Z")
_CODE = re.compile(rf"(?<![0-9])[0-9]{{{limits.CODE_DIGITS}}}(?![0-9])")


@in_the_portals_language
def code(*, code: str, purpose_label: str, host: str) -> str:
    """A one-time code and what it is for. The last line lets a browser on `host` fill it in (WebOTP):
    that format wants ASCII digits and no port. Names the organisation if one part has room for it."""
    sentence = _("%(purpose)s code: %(code)s") % {"purpose": purpose_label, "code": code}
    site = host.partition(":")[0]
    text = joined(sentence, f"@{site} #{code}" if site else "")
    with_sender = joined(_("Social Security"), text)
    return with_sender if parts.count(with_sender) == 1 else text


@in_the_portals_language
def label_of(purpose: models.TextChoices) -> str:
    """The words before a code for this purpose."""
    return label_in(code(code="0" * limits.CODE_DIGITS, purpose_label=str(purpose.label), host=""))


@in_the_portals_language
def test_label() -> str:
    """The words before the code of `test_code`."""
    return label_in(test_code(host=""))


def code_in(text: str) -> str:
    """The code that `code` wrote into `text`; empty if there is none."""
    found = _CODE.search(text)
    return found[0] if found else ""


def label_in(text: str) -> str:
    """The words before the code that `code` wrote into `text`, for gateways with templates of their own."""
    found = _CODE.search(text)
    return text[: found.start()].rpartition("\n")[2].strip(" :") if found else ""


@in_the_portals_language
def test() -> str:
    """The text by which an administrator tries a gateway: with half-spaces, Persian and Latin digits, and longer than a
    part, because these are what goes wrong. The number at its end shows that the last part has arrived."""
    made_up = "".join(secrets.choice("23456789") for _ in range(_TEST_DIGITS))
    text = _(
        "This is a test SMS of the registration portal. It has half-spaces and “quotation marks”, the digits "
        "%(digits)s and %(latin)s, and this number: %(number)s"
    )
    return text % {"digits": to_persian_digits(_DIGITS), "latin": _DIGITS, "number": to_persian_digits(made_up)}


def number_in_test(text: str) -> str:
    """The number at the end of `test`, in Latin digits; empty if there is none."""
    found = _TEST_NUMBER.search(fold_digits(text))
    return found[0] if found else ""


def without_number(text: str) -> str:
    """`test` with dots instead of the number at its end, which only who reads the phone knows."""
    return text[:-_TEST_DIGITS] + "…" if number_in_test(text) else text


@in_the_portals_language
def test_code(*, host: str) -> str:
    """The text by which an administrator tries the way that codes are sent, with a random code that opens nothing."""
    made_up = "".join(secrets.choice("0123456789") for _ in range(limits.CODE_DIGITS))
    return code(code=made_up, purpose_label=_("test"), host=host)


def joined(*lines: str) -> str:
    """The lines of a text, without the empty ones."""
    return "\n".join(line for line in lines if line)
