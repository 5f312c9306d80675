"""The letter with the link that confirms an e-mail address: its words, and its way into the queue of e-mail."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

import mail
from common.languages import in_the_portals_language
from common.persian import format_jalali, to_persian_digits
from common.secrets import keyed_hash
from mail import letters, outbox


def can_be_sent() -> bool:
    """Whether e-mail is set up at all."""
    return mail.is_configured()


@in_the_portals_language
def send(*, to: str, link: str, expires_at: datetime) -> None:
    """Queue the letter with the link that confirms the address `to`. In the caller's transaction."""
    until = timezone.localtime(expires_at)
    when = {"date": format_jalali(until.date()), "time": to_persian_digits(f"{until:%H:%M}")}
    context = {
        "heading": _("Confirm your e-mail address"),
        "paragraphs": [
            _(
                "Somebody who is signed in to an account of the Social Security Organization wants to use this "
                "address. If it was you, open the link and confirm it."
            ),
            _("The link works until %(date)s at %(time)s, and once.") % when,
        ],
        "button": {"url": link, "label": _("Confirm this address")},
        "footer": _("If it was not you, you need not do anything: without your confirmation nothing changes."),
    }
    subject, text, html = letters.render("notice", context)
    outbox.enqueue(
        to=to,
        subject=subject,
        text=text,
        html=html,
        dedupe_key=f"confirm:{keyed_hash('letter', link)}",
        expires_at=expires_at,
    )
