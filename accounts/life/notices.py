"""Records what happens to an account in its history, and notifies its owner by SMS and by e-mail.

`record` writes the event and queues what `NOTICES` says, all in the caller's transaction. Nothing else decides who is
told. The sentences are in `accounts.life.notice_texts`; an e-mail says the same, and goes to a confirmed address only.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from accounts.life import notice_texts
from accounts.models import AccountEvent, EventKind, FreezeLink, User
from common import limits, links
from common.email_addresses import parse_email
from common.languages import in_the_portals_language
from common.persian import InputError
from common.secrets import keyed_hash
from mail import is_configured, letters
from mail import outbox as mail_outbox
from mail.models import Letter
from sms import outbox
from sms.models import Message, MessageKind, Share

log = logging.getLogger(__name__)

# As stored; of an administrator the name follows.
CITIZEN, PORTAL, ADMINISTRATOR = "citizen", "portal", "operator "
NOT_ME = "/portal/not-me/"


@dataclass(frozen=True, slots=True)
class Notice:
    """How the owner is notified of one kind of event. `not_me`: with the link that freezes the account."""

    sms: bool = False
    mail: bool = False
    not_me: bool = False
    once_a_day: bool = False  # a stranger can cause it over and over, at any number of accounts


_NO_NOTICE = Notice()
_FULL_NOTICE = Notice(sms=True, mail=True, not_me=True)

NOTICES: dict[EventKind, Notice] = {
    EventKind.SIGNED_IN: _NO_NOTICE,
    EventKind.DEVICE_TRUSTED: _FULL_NOTICE,
    EventKind.DEVICE_FORGOTTEN: _NO_NOTICE,
    EventKind.CLOSED_SIGN_IN: Notice(sms=True, once_a_day=True),
    EventKind.MANY_FAILURES: Notice(sms=True, mail=True, once_a_day=True),
    EventKind.PASSWORD_CHANGED: _FULL_NOTICE,
    EventKind.ANSWER_TRIED: _NO_NOTICE,
    EventKind.ANSWER_RIGHT: _NO_NOTICE,
    EventKind.RECOVERED: _FULL_NOTICE,
    EventKind.RECOVERY_READY: Notice(sms=True),
    EventKind.RECOVERY_REFUSED: Notice(sms=True, mail=True, not_me=True),
    EventKind.EMAIL_ASKED: _NO_NOTICE,
    EventKind.EMAIL_CHANGED: _FULL_NOTICE,
    EventKind.MOBILE_ASKED: _NO_NOTICE,
    EventKind.MOBILE_REFUSED: Notice(sms=True, mail=True, not_me=True),
    EventKind.MOBILE_LATE: Notice(sms=True),
    EventKind.MOBILE_CHANGED: _FULL_NOTICE,
    EventKind.QUESTION_CHANGED: _FULL_NOTICE,
    EventKind.CODE_ON: _NO_NOTICE,
    EventKind.CODE_OFF: _FULL_NOTICE,
    EventKind.SESSION_ENDED: _NO_NOTICE,
    EventKind.SESSIONS_ENDED: _NO_NOTICE,
    EventKind.SESSION_ELSEWHERE: _NO_NOTICE,  # only a suspicion: the password was asked for again
    EventKind.FROZEN: Notice(sms=True, mail=True),
    EventKind.DEACTIVATED: Notice(sms=True, mail=True),
    EventKind.REACTIVATED: Notice(sms=True, mail=True),
    EventKind.SERVICE_CONNECTED: _FULL_NOTICE,
    EventKind.SERVICE_DISCONNECTED: _NO_NOTICE,
    EventKind.LOOKED_AT: _NO_NOTICE,
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
    """Record that `kind` happened to `account`, and notify its owner. In the caller's transaction.

    `actor`: CITIZEN, PORTAL or `administrator(name)`. `sms_to`, `mail_to`: the numbers and addresses that are told,
    where these are not just the account's (the old one beside the new one). `details`: the values of the sentences;
    no secret, no whole number.
    """
    event = AccountEvent.objects.create(
        account=account, kind=kind, actor=actor, reason=reason, browser=browser, details=details
    )
    notice = NOTICES[kind]
    if notice is _NO_NOTICE or _is_over_daily_limit(event):
        return event
    if notice.sms:
        for number in dict.fromkeys(sms_to or (account.mobile,)):
            _send_sms(account, event, notice, number)
    if notice.mail and is_configured():
        for address in _sendable(mail_to or _address_of(account)):
            _send_mail(account, event, notice, address)
    return event


def _is_over_daily_limit(event: AccountEvent) -> bool:
    """Whether the owner has been told of this kind of event often enough today. Otherwise whoever knows a password
    could have SMS sent without end, and use up the day's budget. The history keeps all events."""
    since = event.at - timedelta(days=1)
    alike = AccountEvent.objects.filter(account=event.account, kind=event.kind, at__gt=since)
    return alike.count() > limits.NOTICES_PER_DAY


def record_once_a_day(*, account: User, kind: EventKind) -> None:
    """As `record`, for what a stranger can cause: one event within a day, so that nobody can fill a history. The caller
    has locked the account."""
    since = timezone.now() - limits.SIGN_IN_FORGET_AFTER
    if not AccountEvent.objects.filter(account=account, kind=kind, at__gt=since).exists():
        record(account=account, kind=kind, actor=PORTAL)


def administrator(name: str) -> str:
    """The `actor` of what the administrator of this name does."""
    return f"{ADMINISTRATOR}{name}"


def recipients_of(*, account: User, event: AccountEvent) -> tuple[list[str], list[str]]:
    """`sms_to` and `mail_to` of `record`: the account's own number and address, and those that were told of `event`."""
    return [account.mobile, *_recipients(Message, event)], [*_address_of(account), *_recipients(Letter, event)]


def _recipients(kind: type[Message] | type[Letter], event: AccountEvent) -> list[str]:
    """To whom messages about `event` went. The key of what is told once a day names the account, and has more
    colons."""
    prefix = f"account:{event.pk}:"
    rows = kind.objects.filter(dedupe_key__startswith=prefix).order_by("pk").values_list("dedupe_key", "to")
    return [to for key, to in rows if ":" not in key.removeprefix(prefix)]


def _address_of(account: User) -> tuple[str, ...]:
    """The address, if its owner has confirmed it: another one may be a stranger's, by a typing mistake."""
    return (account.email,) if account.email and account.email_confirmed_at else ()


def _sendable(addresses: Sequence[str]) -> list[str]:
    """Those that can be sent to, once each. An address of before, by a rule that allowed more, must not keep anybody
    from freezing the account."""
    found: dict[str, None] = {}
    for address in addresses:
        try:
            found[parse_email(address).wire] = None
        except InputError as error:
            log.warning("a confirmed address is told nothing: no e-mail can be sent there (%s)", error.code)
    return list(found)


def _send_sms(account: User, event: AccountEvent, notice: Notice, number: str) -> None:
    """Queue the SMS. The link also goes to a number that is no longer the account's: its owner may be the one who was
    robbed.

    What a stranger can cause is no alert, because alerts go beyond the day's budget; and the strangers' share pays for
    it.
    """
    outbox.enqueue(
        to=number,
        kind=MessageKind.NOTICE if notice.once_a_day else MessageKind.ALERT,
        share=Share.REST if notice.once_a_day else Share.RESULTS,
        text=notice_texts.account_event(
            event.kind, at=event.at, link=_freeze_link(account, event, notice), **event.details
        ),
        dedupe_key=f"account:{_dedupe_name(account, event, notice)}:{number}",
    )


@in_the_portals_language
def _send_mail(account: User, event: AccountEvent, notice: Notice, address: str) -> None:
    link = _freeze_link(account, event, notice)
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
        dedupe_key=f"account:{_dedupe_name(account, event, notice)}:{keyed_hash('address', address)[:16]}",
    )


def _dedupe_name(account: User, event: AccountEvent, notice: Notice) -> str:
    """What is told only once: this event, or this kind of event on this day."""
    return f"{account.pk}:{event.kind}:{timezone.localdate()}" if notice.once_a_day else str(event.pk)


def _freeze_link(account: User, event: AccountEvent, notice: Notice) -> str:
    """A new "not me" link with 96 random bits, of which only the keyed hash is stored; empty where the notice has
    none."""
    if not notice.not_me:
        return ""
    token = secrets.token_urlsafe(12)
    FreezeLink.objects.create(account=account, event=event, token_hash=keyed_hash("not me", token))
    return links.absolute(NOT_ME + token)
