"""Puts the history of an account into words: for its owner, for administrators' commands and for the admin."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.life.notices import ADMINISTRATOR, CITIZEN, PORTAL
from accounts.models import AccountEvent, User
from common.sentences import digits, jalali

# What an event's details add to its sentence. Other details are not shown.
_DETAILS = {
    "service": gettext_lazy("“%(value)s”"),
    "mobile": gettext_lazy("the number %(value)s"),
    "email": gettext_lazy("the address %(value)s"),
    "sessions": gettext_lazy("%(value)s sessions"),
    "password_reset": gettext_lazy("the old password does not work any more"),
    "without_answer": gettext_lazy("for a while a recovery asks for no security answer"),
}
_STATES = {
    "waiting": pgettext_lazy("account", "not activated yet"),
    "open": pgettext_lazy("account", "open"),
    "closed": pgettext_lazy("account", "closed"),
}
_SAME_MOMENT = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One event in words. `who`, `browser` and `reason` are empty where they are unknown, or hidden from the reader."""

    at: dt.datetime
    what: str
    who: str = ""
    browser: str = ""
    reason: str = ""

    @property
    def when(self) -> str:
        """The time in Tehran: ۱۴۰۵/۰۹/۰۲ ۱۰:۴۲."""
        return jalali(self.at, "time")


def entry_of(event: AccountEvent, *, for_owner: bool) -> HistoryEntry:
    """`event` in words. Its owner reads that an administrator did something, and neither the name nor the reason."""
    return HistoryEntry(
        at=event.at,
        what=_what(event),
        who=_who(event.actor, for_owner),
        browser=event.browser,
        reason="" if for_owner else event.reason,
    )


def state_of(account: User) -> str:
    """The state of an account: waiting (for a branch to activate it), open, frozen, deactivated; closed: no reason was
    recorded."""
    if account.activated_at is None:
        return "waiting"
    return account.closure or ("open" if account.is_active else "closed")


def state_in_words(account: User) -> str:
    """`state_of` in words, and since when the account is closed."""
    words = str(account.get_closure_display() or _STATES[state_of(account)])
    return f"{words} ({jalali(account.closed_at, 'time')})" if account.closed_at else words


def first_entries(account: User) -> list[HistoryEntry]:
    """How the account was created and activated, newest first: the account's own columns tell that, not its events."""
    made, activated = account.date_joined, account.activated_at
    if activated is None:
        return [HistoryEntry(made, _("The account was made, and waits for a branch to activate it"))]
    if activated - made < _SAME_MOMENT:
        return [HistoryEntry(made, _("The account was made and activated"))]
    return [
        HistoryEntry(activated, _("The account was activated"), who=_("the staff of a branch")),
        HistoryEntry(made, _("The account was made")),
    ]


def entries(account: User, *, for_owner: bool) -> list[HistoryEntry]:
    """The whole history, newest first. One query."""
    return entries_of(account, account.events.order_by("-at", "-pk"), for_owner=for_owner)


def entries_of(account: User, events: Iterable[AccountEvent], *, for_owner: bool) -> list[HistoryEntry]:
    """As `entries`, for `events` that were read already."""
    return [*(entry_of(event, for_owner=for_owner) for event in events), *first_entries(account)]


def _what(event: AccountEvent) -> str:
    details = [
        str(words) % {"value": _isolated(event.details[name])}
        for name, words in _DETAILS.items()
        if event.details.get(name)
    ]
    return ": ".join(part for part in (str(event.get_kind_display()), _("; ").join(details)) if part)


def _isolated(value: object) -> str:
    """The value between FSI and PDI marks, so that it reads as it does alone: the dots of a masked number would turn it
    round in a Persian sentence, and a name of Persian and Latin words goes from right to left."""
    return f"\u2068{digits(value)}\u2069"


def _who(actor: str, for_owner: bool) -> str:
    if actor == CITIZEN:
        return "" if for_owner else _("the owner of the account")  # it may have been a thief with the password
    if actor == PORTAL:
        return _("the portal")
    if not actor.startswith(ADMINISTRATOR):
        return _("the staff of a branch")
    return (
        _("an administrator")
        if for_owner
        else _("administrator %(name)s") % {"name": actor.removeprefix(ADMINISTRATOR)}
    )
