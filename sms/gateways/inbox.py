"""Inbox gateway: stores messages in the database instead of sending them (demo mode only).

`/portal/inbox/` and `manage.py sms_inbox` show them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sms.gateways.base import FOR_EVER, Abilities, Accepted, Gateway, Outcome, Sms
from sms.models import InboxMessage


class InboxGateway(Gateway):
    """Accepts everything. One row for each key: a message sent twice arrives once."""

    KIND = "inbox"
    batch = 50

    def __init__(self, *, name: str = KIND, options: Mapping[str, str] | None = None) -> None:
        super().__init__(name=name, options=options or {})

    def abilities(self, kind: str) -> Abilities:
        return Abilities(client_key=FOR_EVER)

    def send(self, sms: Sms) -> Outcome:
        return self.send_many([sms])[0]

    def send_many(self, batch: Sequence[Sms]) -> list[Outcome]:
        rows = [InboxMessage(key=sms.key, to=sms.to, kind=sms.kind, text=sms.text) for sms in batch]
        InboxMessage.objects.bulk_create(rows, ignore_conflicts=True)
        return [Accepted(provider_ids=(sms.key.hex,)) for sms in batch]
