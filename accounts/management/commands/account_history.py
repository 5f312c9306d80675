"""Shows what happened to an account: `manage.py account_history NATIONAL_ID --by NAME --reason TEXT [--json]`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from accounts.closing import service as closing
from accounts.life import history as account_history
from accounts.management.account_command import AccountCommand, by_and_reason
from accounts.models import AccountEvent, User
from common.commands.output import add_json, as_json, iso
from common.persian import mask_mobile


class Command(AccountCommand):
    help = (
        "Show what happened to a citizen's account, newest first: what, when, who, why and from which browser. That "
        "you looked, and why, is written into the history too, where the owner can see that an administrator looked. "
        "Shows no secret and no whole number."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_json(parser)

    def act(self, account: User, options: dict[str, Any]) -> str:
        events = closing.look_at_history(account=account, **by_and_reason(options))
        if options["json"]:
            return as_json(_as_object(account, events))
        return "\n".join(_as_text(account, events))


def _as_text(account: User, events: list[AccountEvent]) -> Iterator[str]:
    facts = {"state": account_history.state_in_words(account), "mobile": mask_mobile(account.mobile)}
    yield _("The account is %(state)s; its mobile is %(mobile)s.") % facts
    for line in account_history.entries_of(account, events, for_owner=False):
        around = _("; ").join(part for part in (line.who, line.browser) if part)
        yield f"{line.when}  {line.what}" + (f" ({around})" if around else "")
        if line.reason:
            yield "    " + _("Reason: %(reason)s") % {"reason": line.reason}


def _as_object(account: User, events: list[AccountEvent]) -> dict[str, Any]:
    return {
        "state": account_history.state_of(account),
        "created_at": iso(account.date_joined),
        "activated_at": iso(account.activated_at),
        "closed_at": iso(account.closed_at),
        "events": [
            {
                "at": iso(event.at),
                "kind": event.kind,
                "actor": event.actor,
                "reason": event.reason,
                "browser": event.browser,
                "details": event.details,
            }
            for event in events
        ],
    }
