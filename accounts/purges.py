"""What is purged of accounts: codes, proofs, failures at the sign-in, sessions."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import codes
from accounts.services import housekeeping
from tamin_portal import limits, purging

purging.register(
    "codes",
    _("old codes deleted"),
    place=30,
    work=lambda run: codes.purge(before=run.now - limits.CODES_KEPT, dry_run=run.dry_run),
)
purging.register(
    "proofs",
    _("old proofs, changes and links of accounts, and devices not used for a year deleted"),
    place=40,
    work=lambda run: housekeeping.purge_proofs(before=run.now - limits.PROOFS_KEPT, dry_run=run.dry_run),
)
purging.register(
    "sign_in_failures",
    _("forgotten sign-in failures deleted"),
    place=110,
    work=lambda run: housekeeping.purge_failures(before=run.now - limits.SIGN_IN_FORGET_AFTER, dry_run=run.dry_run),
)
purging.register(
    "sessions",
    _("ended sessions deleted"),
    place=120,
    work=lambda run: housekeeping.purge_sessions(dry_run=run.dry_run),
)
