"""The one place that decides what a person is told, by SMS and by e-mail, when something happens to the account.

`record` writes the event into the account's history and queues what `TABLE` says, all in the caller's transaction.
The sentences are in `sms.texts`; e-mail says the same, to a confirmed address only.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from accounts.models import AccountEvent, EventKind, FreezeLink, User
from sms import outbox, texts
from sms.models import MessageKind
from tamin_portal import links
from tamin_portal.secrets import keyed_hash

CITIZEN, PORTAL = "citizen", "portal"
NOT_ME = "/portal/not-me/"


@dataclass(frozen=True, slots=True)
class Telling:
    """Who hears of one kind of event. `not_me`: with the link that freezes the account."""

    sms: bool = False
    mail: bool = False
    not_me: bool = False
    once_a_day: bool = False  # what a stranger can cause over and over


_QUIET = Telling()
_LOUD = Telling(sms=True, mail=True, not_me=True)

TABLE: dict[EventKind, Telling] = {
    EventKind.SIGNED_IN: _QUIET,
    EventKind.DEVICE_TRUSTED: _LOUD,
    EventKind.DEVICE_FORGOTTEN: _QUIET,
    EventKind.CLOSED_SIGN_IN: Telling(sms=True, once_a_day=True),
    EventKind.MANY_FAILURES: Telling(sms=True, mail=True, once_a_day=True),
    EventKind.PASSWORD_CHANGED: _LOUD,
    EventKind.ANSWER_TRIED: _QUIET,
    EventKind.ANSWER_RIGHT: _QUIET,
    EventKind.RECOVERED: _LOUD,
    EventKind.RECOVERY_READY: Telling(sms=True),
    EventKind.RECOVERY_REFUSED: Telling(sms=True, mail=True, not_me=True),
    EventKind.EMAIL_ASKED: _QUIET,
    EventKind.EMAIL_CHANGED: _LOUD,
    EventKind.MOBILE_ASKED: _QUIET,
    EventKind.MOBILE_REFUSED: Telling(sms=True, mail=True, not_me=True),
    EventKind.MOBILE_LATE: Telling(sms=True),
    EventKind.MOBILE_CHANGED: _LOUD,
    EventKind.QUESTION_CHANGED: _LOUD,
    EventKind.CODE_ON: _QUIET,
    EventKind.CODE_OFF: _LOUD,
    EventKind.SESSION_ENDED: _QUIET,
    EventKind.SESSIONS_ENDED: _QUIET,
    EventKind.SESSION_ELSEWHERE: _LOUD,
    EventKind.FROZEN: Telling(sms=True, mail=True),
    EventKind.DEACTIVATED: Telling(sms=True, mail=True),
    EventKind.REACTIVATED: Telling(sms=True, mail=True),
    EventKind.LOOKED_AT: _QUIET,
}


def record(
    *,
    account: User,
    kind: EventKind,
    actor: str = CITIZEN,
    reason: str = "",
    browser: str = "",
    sms_to: Sequence[str] = (),
    mail_to: Sequence[str] = (),
    **details: object,
) -> AccountEvent:
    """Write that `kind` happened to `account`, and tell its owner. In the caller's transaction.

    `actor`: CITIZEN, PORTAL or "operator NAME". `sms_to`: the numbers that hear of it, where these are not just the
    account's; `mail_to`: the same for confirmed addresses. `details`: what the sentences need; no secret, no whole
    number.
    """
    event = AccountEvent.objects.create(
        account=account, kind=kind, actor=actor, reason=reason, browser=browser, details=details
    )
    telling = TABLE[kind]
    if telling.sms:
        for number in dict.fromkeys(sms_to or (account.mobile,)):
            _send_sms(account, event, telling, number)
    return event


def _send_sms(account: User, event: AccountEvent, telling: Telling, number: str) -> None:
    """To a number that is no longer the account's the link goes all the same: it is who was robbed."""
    link = links.absolute(NOT_ME + _freeze_token(account, event)) if telling.not_me else ""
    told = f"{account.pk}:{event.kind}:{timezone.localdate()}" if telling.once_a_day else str(event.pk)
    outbox.enqueue(
        to=number,
        kind=MessageKind.NOTICE,
        text=texts.account_event(event.kind, at=event.at, link=link, **event.details),
        dedupe_key=f"account:{told}:{number}",
    )


def _freeze_token(account: User, event: AccountEvent) -> str:
    """A fresh "not me" link's secret: 96 random bits. Only its keyed hash is kept."""
    token = secrets.token_urlsafe(12)
    FreezeLink.objects.create(account=account, event=event, token_hash=keyed_hash("not me", token))
    return token
