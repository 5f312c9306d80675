"""Registration's purge steps: abandoned registrations end, and ended ones lose answers and password."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from common import limits, purging
from registration.services import housekeeping

purging.register(
    "expired",
    _("abandoned requests ended"),
    place=10,
    work=lambda run: housekeeping.expire_abandoned(dry_run=run.dry_run, progress=run.progress),
)
purging.register(
    "secrets_and_drafts",
    _("ended requests whose answers and password were blanked"),
    place=20,
    work=purging.older_than(limits.DRAFTS_KEPT, housekeeping.forget_ended),
)
purging.register(
    "ways_back",
    _("approved requests that forgot from which service the person came"),
    place=25,
    work=purging.older_than(limits.WAY_BACK_KEPT, housekeeping.forget_services),
)
