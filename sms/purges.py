"""Registers the purge steps of SMS: texts of final messages are blanked, old receipts deleted."""

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
