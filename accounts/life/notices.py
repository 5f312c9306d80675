"""The one place that decides what a person is told, by SMS and by e-mail, when something happens to the account.

`record` writes the event into the account's history and queues what `TABLE` says, all in the caller's transaction.
The sentences are in `accounts.life.notice_texts`; e-mail says the same, to a confirmed address only.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from accounts.life import notice_texts
from accounts.models import AccountEvent, EventKind, FreezeLink, User
from common import limits, links
from common.secrets import keyed_hash
from mail import is_configured, letters
from mail import outbox as mail_outbox
from mail.models import Letter
from sms import outbox
from sms.models import Message, MessageKind, Share

# As stored; of an administrator the name follows.
CITIZEN, PORTAL, ADMINISTRATOR = "citizen", "portal", "operator "
NOT_ME = "/portal/not-me/"


@dataclass(frozen=True, slots=True)
class Telling:
    """Who hears of one kind of event. `not_me`: with the link that freezes the account."""

    sms: bool = False
    mail: bool = False
    not_me: bool = False
    once_a_day: bool = False  # what a stranger can cause over and over, at as many accounts as there are IDs


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
    EventKind.SESSION_ELSEWHERE: _QUIET,  # a doubt, no proof: the password was asked again
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

    `actor`: CITIZEN, PORTAL or `administrator(name)`. `sms_to`, `mail_to`: the numbers and addresses that hear of it,
    where these are not just the account's (the old one beside the new one). `details`: what the sentences need; no
    secret, no whole number.
    """
    event = AccountEvent.objects.create(
        account=account, kind=kind, actor=actor, reason=reason, browser=browser, details=details
    )
    telling = TABLE[kind]
    if telling is _QUIET or _was_told_enough(event):
        return event
    if telling.sms:
        for number in dict.fromkeys(sms_to or (account.mobile,)):
            _send_sms(account, event, telling, number)
    if telling.mail and is_configured():
        for address in dict.fromkeys(mail_to or _address_of(account)):
            _send_mail(account, event, telling, address)
    return event


def _was_told_enough(event: AccountEvent) -> bool:
    """Whoever knows a password could have SMS sent without end, until the day's budget has none left for anybody. The
    owner has heard of the same thing so many times today, each with its link; the history has them all."""
    since = event.at - timedelta(days=1)
    alike = AccountEvent.objects.filter(account=event.account, kind=event.kind, at__gt=since)
    return alike.count() > limits.NOTICES_PER_DAY


def record_once_a_day(*, account: User, kind: EventKind) -> None:
    """As `record`, for what a stranger can cause: one event within a day, so that nobody fills a history. The caller
    holds the account."""
    since = timezone.now() - limits.SIGN_IN_FORGET_AFTER
    if not AccountEvent.objects.filter(account=account, kind=kind, at__gt=since).exists():
        record(account=account, kind=kind, actor=PORTAL)


def administrator(name: str) -> str:
    """The actor of what the administrator of this name does, as it is stored."""
    return f"{ADMINISTRATOR}{name}"


def who_heard(*, account: User, event: AccountEvent) -> tuple[list[str], list[str]]:
    """`sms_to` and `mail_to` of `record`: the account's own number and address, and those that were told of `event`."""
    return [account.mobile, *_told(Message, event)], [*_address_of(account), *_told(Letter, event)]


def _told(kind: type[Message] | type[Letter], event: AccountEvent) -> list[str]:
    """To whom a message about `event` went. What is told once a day is named by the account, and has more colons."""
    prefix = f"account:{event.pk}:"
    rows = kind.objects.filter(dedupe_key__startswith=prefix).order_by("pk").values_list("dedupe_key", "to")
    return [to for key, to in rows if ":" not in key.removeprefix(prefix)]


def _address_of(account: User) -> tuple[str, ...]:
    """Only an address that its owner has confirmed: another one may be a stranger's, by a slip of the finger."""
    return (account.email,) if account.email and account.email_confirmed_at else ()


def _send_sms(account: User, event: AccountEvent, telling: Telling, number: str) -> None:
    """To a number that is no longer the account's the link goes all the same: it is who was robbed.

    What a stranger can cause is no alert, for these go beyond the day's budget; and it costs the strangers' share.
    """
    outbox.enqueue(
        to=number,
        kind=MessageKind.NOTICE if telling.once_a_day else MessageKind.ALERT,
        share=Share.REST if telling.once_a_day else Share.RESULTS,
        text=notice_texts.account_event(
            event.kind, at=event.at, link=_freeze_link(account, event, telling), **event.details
        ),
        dedupe_key=f"account:{_told_once(account, event, telling)}:{number}",
    )


def _send_mail(account: User, event: AccountEvent, telling: Telling, address: str) -> None:
    link = _freeze_link(account, event, telling)
    sentence, when = notice_texts.account_sentence(event.kind, at=event.at, **event.details)
    context: dict[str, object] = {"heading": event.get_kind_display(), "paragraphs": [sentence, when]}
    if link:
        context["paragraphs"] = [sentence, when, notice_texts.freeze_it()]
        context["button"] = {"url": link, "label": notice_texts.not_me()}
    subject, text, html = letters.render("notice", context)
    mail_outbox.enqueue(
        to=address,
        subject=subject,
        text=text,
        html=html,
        dedupe_key=f"account:{_told_once(account, event, telling)}:{keyed_hash('address', address)[:16]}",
    )


def _told_once(account: User, event: AccountEvent, telling: Telling) -> str:
    """What is said once: this event, or this kind of event on this day."""
    return f"{account.pk}:{event.kind}:{timezone.localdate()}" if telling.once_a_day else str(event.pk)


def _freeze_link(account: User, event: AccountEvent, telling: Telling) -> str:
    """A fresh "not me" link with 96 random bits, of which only the keyed hash is kept; empty where none belongs."""
    if not telling.not_me:
        return ""
    token = secrets.token_urlsafe(12)
    FreezeLink.objects.create(account=account, event=event, token_hash=keyed_hash("not me", token))
    return links.absolute(NOT_ME + token)
