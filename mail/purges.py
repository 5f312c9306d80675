"""Registers the purge steps of e-mail: texts of final letters are blanked, old letters deleted."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from common import limits, purging
from mail import delivery

purging.register(
    "letter_texts", _("e-mail texts blanked"), place=70, work=purging.older_than(limits.MAIL_BODY_KEPT, delivery.scrub)
)
purging.register(
    "letters", _("old e-mails deleted"), place=80, work=purging.older_than(limits.MAIL_KEPT, delivery.purge)
)
