"""Every sentence that goes out by SMS. The result messages are the guide's, word for word.

The functions take what is to be said and return the whole text; a code fits one part where it can.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sms import parts
from tamin_portal import limits
from tamin_portal.persian import format_jalali, to_persian_digits

REASON_LONGEST = 300  # characters; the rest of the text must fit as well
STATUS_PAGE = "/portal/status"  # leads to the real address, which is too long for an SMS
_CODE = re.compile(rf"(?<![0-9])[0-9]{{{limits.CODE_DIGITS}}}(?![0-9])")


def code(*, code: str, purpose_label: str, host: str) -> str:
    """A one-time code and what it is for. The last line lets a browser on `host` fill it in (WebOTP):
    that format wants ASCII digits and no port. Names the organisation if one part has room for it."""
    sentence = _("%(purpose)s code: %(code)s") % {"purpose": purpose_label, "code": code}
    site = host.partition(":")[0]
    text = _lines(sentence, f"@{site} #{code}" if site else "")
    with_sender = _lines(_("Social Security"), text)
    return with_sender if parts.count(with_sender) == 1 else text


def code_in(text: str) -> str:
    """The code that `code` wrote into `text`; empty if there is none."""
    found = _CODE.search(text)
    return found[0] if found else ""


def label_in(text: str) -> str:
    """The words before the code that `code` wrote into `text`, for gateways with templates of their own."""
    found = _CODE.search(text)
    return text[: found.start()].rpartition("\n")[2].strip(" :") if found else ""


def account_created(*, name: str, gender: str = "") -> str:
    """The guide's SMS after a registration that succeeded."""
    return _addressed(
        name,
        gender,
        _("Welcome to the central systems of the Social Security Organization. Your account has been created."),
    )


def visit_branch(*, name: str, tracking_code: str = "", gender: str = "", host: str = "") -> str:
    """The guide's SMS when what was typed does not match; with the tracking code to take along, and the status
    page on `host` where there is room."""
    sentence = _(
        "There was a problem in confirming your data. To complete your registration please visit the nearest "
        "branch with your identity papers."
    )
    return _with_status_page(_addressed(name, gender, sentence, _tracking_line(tracking_code)), host)


def activate_at_branch(*, name: str, gender: str = "") -> str:
    """The account is made, and policy wants a branch to activate it (the guide's form sample says where)."""
    return _addressed(
        name,
        gender,
        _("Welcome to the central systems of the Social Security Organization. Your account has been created."),
        _("To activate your user name please visit your insurance branch or the nearest branch of the organization."),
    )


def activated(*, name: str, gender: str = "") -> str:
    """A branch has activated the account."""
    return _addressed(
        name, gender, _("Your account has been activated. You can sign in with your national ID and password.")
    )


def rejected(*, name: str, reason: str = "", gender: str = "") -> str:
    """Staff refused the registration; the person may start anew. A long reason is cut."""
    reason = " ".join(reason.split())
    if len(reason) > REASON_LONGEST:
        reason = reason[: REASON_LONGEST - 1].rstrip() + "…"
    return _addressed(
        name,
        gender,
        _("Your registration was not approved at the branch."),
        _("Reason: %(reason)s") % {"reason": reason} if reason else "",
        _("You can register again with correct data."),
    )


def superseded(*, tracking_code: str) -> str:
    """Another registration for the same national ID was approved: to the number that lost. Names nobody."""
    return _lines(
        _("Another registration with the same national ID was approved, so your request has ended."),
        _tracking_line(tracking_code),
        _("If that registration was not yours, visit the nearest branch with your identity papers."),
    )


def delayed(*, tracking_code: str, host: str = "") -> str:
    """Matching takes long; nothing is wrong and nothing is to be done. As `visit_branch` for `host`."""
    text = _lines(
        _("Checking your request takes longer than usual. You need not do anything: the result comes by SMS."),
        _tracking_line(tracking_code),
    )
    return _with_status_page(text, host)


_OF_AN_ACCOUNT: dict[str, Any] = {
    "device_trusted": gettext_lazy("Somebody signed in to your account and asked that the device be remembered."),
    "closed_sign_in": gettext_lazy(
        "Your account is closed, so nobody can sign in. To open it go to a branch with your national card and birth "
        "certificate."
    ),
    "many_failures": gettext_lazy(
        "Wrong passwords are being tried at your account. Nobody has got in. Give your password to nobody."
    ),
    "password_changed": gettext_lazy("The password of your account was changed."),
    "recovered": gettext_lazy("The password of your account was recovered, and a new one was set."),
    "recovery_ready": gettext_lazy(
        "Your password can be recovered now: go on in the page of recovery, or begin again there if it was closed."
    ),
    "recovery_refused": gettext_lazy(
        "The password of your account was not recovered: the registry does not say that this mobile is yours. A branch "
        "helps you on."
    ),
    "email_changed": gettext_lazy("An e-mail address was confirmed for your account."),
    "mobile_refused": gettext_lazy(
        "The mobile number of your account was not changed: the new number %(mobile)s is not in your name."
    ),
    "mobile_late": gettext_lazy(
        "The mobile number of your account was not changed: it could not be found out whose the new one is. Please try "
        "again later."
    ),
    "mobile_changed": gettext_lazy("The mobile number of your account was changed to %(mobile)s."),
    "question_changed": gettext_lazy("The security question of your account was changed."),
    "code_off": gettext_lazy(
        "Two-step sign-in of your account was switched off: on a new device the password is enough as a rule."
    ),
    "frozen": gettext_lazy(
        "Your account is frozen, and nobody can sign in. To open it go to a branch with your national card and birth "
        "certificate."
    ),
    "deactivated": gettext_lazy("Your account was closed by the organization. A branch tells you why."),
    "reactivated": gettext_lazy(
        "Your account was opened again. If your password is not accepted, set a new one by recovery on the sign-in "
        "page."
    ),
    "reactivated_with_mobile": gettext_lazy(
        "Your account was opened again at a branch, and its mobile number is now %(mobile)s. If your password is not "
        "accepted, set a new one by recovery on the sign-in page."
    ),
}


def account_event(kind: str, *, at: datetime, link: str = "", **values: object) -> str:
    """What the owner of an account hears when `kind` has happened to it (`accounts.notices`), and when; `link` is
    where to say that it was somebody else."""
    return _lines(_("Social Security"), *account_sentence(kind, at=at, **values), f"{not_me()}: {link}" if link else "")


def account_sentence(kind: str, *, at: datetime, **values: object) -> tuple[str, str]:
    """What has happened, and when: what an SMS and an e-mail say alike."""
    local = timezone.localtime(at)
    time = to_persian_digits(f"{local:%H:%M}")
    when = _("%(date)s at %(time)s") % {"date": format_jalali(local.date()), "time": time}
    shown = {name: _in_order(to_persian_digits(str(value))) for name, value in values.items()}
    with_mobile = f"{kind}_with_mobile" if "mobile" in values else ""
    return str(_OF_AN_ACCOUNT.get(with_mobile) or _OF_AN_ACCOUNT[kind]) % shown, when


def freeze_it() -> str:
    """What the link is for, where there is room to say it."""
    return _("If it was somebody else, freeze your account with the button below. Nobody can sign in then.")


def not_me() -> str:
    """Before the link, and on its button."""
    return _("It was not me")


def test() -> str:
    """What an operator sends to try a gateway."""
    return _("This is a test SMS of the registration portal.")


def test_code(*, host: str) -> str:
    """The same for the way that codes go: with a made-up code that opens nothing."""
    made_up = "".join(secrets.choice("0123456789") for _ in range(limits.CODE_DIGITS))
    return code(code=made_up, purpose_label=_("test"), host=host)


def _addressed(name: str, gender: str, *lines: str) -> str:
    """`lines` under the guide's salutation, with the person's name."""
    name = " ".join(name.split())
    if gender == "female":
        salutation = _("Dear Ms. %(name)s")
    elif gender == "male":
        salutation = _("Dear Mr. %(name)s")
    else:
        salutation = _("Dear Mr./Ms. %(name)s")
    return _lines((salutation % {"name": name}).rstrip(), *lines)


def _tracking_line(tracking_code: str) -> str:
    """The tracking code 3-3-4 with Persian digits. No-break spaces: after Persian letters a hyphen or
    a plain blank would let a phone show the groups in the wrong order."""
    if not tracking_code:
        return ""
    groups = "\u00a0".join((tracking_code[:3], tracking_code[3:6], tracking_code[6:]))
    return _("Tracking code: %(code)s") % {"code": to_persian_digits(groups)}


def _with_status_page(text: str, host: str) -> str:
    """`text` with the address of the status page, if that costs no further part."""
    longer = _lines(text, f"{host}{STATUS_PAGE}" if host else "")
    return longer if parts.count(longer) == parts.count(text) else text


def _in_order(value: str) -> str:
    """The dots of a masked number would turn it round in a Persian line. (Embedding marks: old phones do not know
    isolates, and would show a box.)"""
    return f"\u202a{value}\u202c" if "•" in value else value


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)
