"""What is purged of SMS: texts that were sent, and what gateways said about them."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from sms import delivery, reports
from tamin_portal import limits, purging

purging.register(
    "message_texts",
    _("SMS texts blanked"),
    place=60,
    work=lambda run: delivery.scrub(before=run.now - limits.MESSAGE_BODY_KEPT, dry_run=run.dry_run),
)
purging.register(
    "receipts",
    _("old receipts of SMS gateways deleted"),
    place=90,
    work=lambda run: reports.purge(before=run.now - limits.RECEIPTS_KEPT, dry_run=run.dry_run),
)
