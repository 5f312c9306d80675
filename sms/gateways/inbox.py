"""The embedded gateway: keeps what it "sent" in the database, as a phone would. Demo mode only.

`/portal/inbox/` and `manage.py sms_inbox` show it.
"""

from __future__ import annotations

from sms.gateways.base import FOR_EVER, Abilities, Accepted, Gateway, Outcome, Sms
from sms.models import InboxMessage


class InboxGateway(Gateway):
    """Accepts everything. One row for one key: sent twice, it arrives once."""

    name = "inbox"

    def abilities(self, kind: str) -> Abilities:
        return Abilities(client_key=FOR_EVER)

    def send(self, sms: Sms) -> Outcome:
        row = InboxMessage(key=sms.key, to=sms.to, kind=sms.kind, text=sms.text)
        InboxMessage.objects.bulk_create([row], ignore_conflicts=True)
        return Accepted(provider_ids=(sms.key.hex,))
