"""What is purged of SMS: texts that were sent, and what gateways said about them."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from common import limits, purging
from sms.reports import pushed
from sms.sending import drain

purging.register(
    "message_texts", _("SMS texts blanked"), place=60, work=purging.older_than(limits.MESSAGE_BODY_KEPT, drain.scrub)
)
purging.register(
    "receipts",
    _("old receipts of SMS gateways deleted"),
    place=90,
    work=purging.older_than(limits.RECEIPTS_KEPT, pushed.purge),
)
