"""What is purged of accounts: codes, proofs, failures at the sign-in, sessions."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import code_validity, session_ending
from accounts.services import housekeeping
from tamin_portal import limits, purging

purging.register(
    "codes", _("old codes deleted"), place=30, work=purging.older_than(limits.CODES_KEPT, code_validity.purge)
)
purging.register(
    "proofs",
    _("old proofs, changes and links of accounts, and devices not used for a year deleted"),
    place=40,
    work=purging.older_than(limits.PROOFS_KEPT, housekeeping.purge_proofs),
)
purging.register(
    "sign_in_failures",
    _("forgotten sign-in failures deleted"),
    place=110,
    work=purging.older_than(limits.SIGN_IN_FORGET_AFTER, housekeeping.purge_failures),
)
purging.register(
    "sessions",
    _("ended sessions deleted"),
    place=120,
    work=lambda run: session_ending.purge(dry_run=run.dry_run),
)
