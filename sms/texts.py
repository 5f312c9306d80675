"""The texts of code SMS and test SMS. Other SMS are worded by the app that sends them.

The functions return the whole text; a code fits into one part if possible.
"""

from __future__ import annotations

import re
import secrets

from django.utils.translation import gettext as _

from common import limits
from common.languages import in_the_portals_language
from sms import parts

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
    """The text by which an administrator tries a gateway."""
    return _("This is a test SMS of the registration portal.")


@in_the_portals_language
def test_code(*, host: str) -> str:
    """The text by which an administrator tries the way that codes are sent, with a random code that opens nothing."""
    made_up = "".join(secrets.choice("0123456789") for _ in range(limits.CODE_DIGITS))
    return code(code=made_up, purpose_label=_("test"), host=host)


def joined(*lines: str) -> str:
    """The lines of a text, without the empty ones."""
    return "\n".join(line for line in lines if line)
