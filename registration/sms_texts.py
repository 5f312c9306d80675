"""Texts of the SMS that tell a citizen the result of their registration. Those of the guide are taken word for word."""

from __future__ import annotations

from django.utils.translation import gettext as _

from common import limits
from common.languages import in_the_portals_language
from common.persian import to_persian_digits
from sms import parts, texts

STATUS_PAGE = "/portal/status"  # leads to the real address, which is too long for an SMS


@in_the_portals_language
def account_created(*, name: str, gender: str = "", service: str = "", address: str = "") -> str:
    """The guide's SMS after a registration that succeeded; then how the person goes on in the service that they came
    from, at this address."""
    sentence = _("Welcome to the central systems of the Social Security Organization. Your account has been created.")
    return _with_way_back(_addressed(name, gender, sentence), service, address)


@in_the_portals_language
def visit_branch(*, name: str, tracking_code: str = "", gender: str = "", host: str = "") -> str:
    """The guide's SMS when what was typed does not match; with the tracking code to take along, and the status
    page on `host` where there is room."""
    sentence = _(
        "There was a problem in confirming your data. To complete your registration please visit the nearest "
        "branch with your identity papers."
    )
    return _with_status_page(_addressed(name, gender, sentence, _tracking_line(tracking_code)), host)


@in_the_portals_language
def activate_at_branch(*, name: str, gender: str = "") -> str:
    """The account is made, and by the policy a branch activates it (the guide's form sample says where)."""
    return _addressed(
        name,
        gender,
        _("Welcome to the central systems of the Social Security Organization. Your account has been created."),
        _("To activate your user name please visit your insurance branch or the nearest branch of the organization."),
    )


@in_the_portals_language
def activated(*, name: str, gender: str = "", service: str = "", address: str = "") -> str:
    """A branch has activated the account. As `account_created` for `service` and `address`."""
    sentence = _("Your account has been activated. You can sign in with your national ID and password.")
    return _with_way_back(_addressed(name, gender, sentence), service, address)


@in_the_portals_language
def rejected(*, name: str, reason: str = "", gender: str = "") -> str:
    """Staff refused the registration; the person may start anew. A long reason is cut."""
    reason = " ".join(reason.split())
    if len(reason) > limits.REJECTION_REASON_LONGEST:
        reason = reason[: limits.REJECTION_REASON_LONGEST - 1].rstrip() + "…"
    return _addressed(
        name,
        gender,
        _("Your registration was not approved at the branch."),
        _("Reason: %(reason)s") % {"reason": reason} if reason else "",
        _("You can register again with correct data."),
    )


@in_the_portals_language
def superseded(*, tracking_code: str) -> str:
    """To the number of a registration that ended because another one for its national ID was approved. Names nobody."""
    return texts.joined(
        _("Another registration with the same national ID was approved, so your request has ended."),
        _tracking_line(tracking_code),
        _("If that registration was not yours, visit the nearest branch with your identity papers."),
    )


@in_the_portals_language
def delayed(*, tracking_code: str, host: str = "") -> str:
    """Matching takes long; nothing is wrong and nothing is to be done. As `visit_branch` for `host`."""
    text = texts.joined(
        _("Checking your request takes longer than usual. You need not do anything: the result comes by SMS."),
        _tracking_line(tracking_code),
    )
    return _with_status_page(text, host)


def _addressed(name: str, gender: str, *lines: str) -> str:
    """`lines` under the guide's salutation, with the person's name."""
    name = " ".join(name.split())
    if gender == "female":
        salutation = _("Dear Ms. %(name)s")
    elif gender == "male":
        salutation = _("Dear Mr. %(name)s")
    else:
        salutation = _("Dear Mr./Ms. %(name)s")
    return texts.joined((salutation % {"name": name}).rstrip(), *lines)


def _tracking_line(tracking_code: str) -> str:
    """The tracking code 3-3-4 with Persian digits. No-break spaces: after Persian letters a hyphen or
    a plain blank would let a phone show the groups in the wrong order."""
    if not tracking_code:
        return ""
    groups = "\u00a0".join((tracking_code[:3], tracking_code[3:6], tracking_code[6:]))
    return _("Tracking code: %(code)s") % {"code": to_persian_digits(groups)}


def _with_status_page(text: str, host: str) -> str:
    """`text` with the address of the status page, if that costs no further part."""
    longer = texts.joined(text, f"{host}{STATUS_PAGE}" if host else "")
    return longer if parts.count(longer) == parts.count(text) else text


def _with_way_back(text: str, service: str, address: str) -> str:
    """`text` with the line that leads on, which names the service unless the name costs a part."""
    if not address:
        return text
    named = texts.joined(text, _("Go on in %(name)s") % {"name": " ".join(service.split())}, address)
    plain = texts.joined(text, _("Go on in the service"), address)
    return named if parts.count(named) == parts.count(plain) else plain
