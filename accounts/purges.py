"""Registers the purges of accounts: codes, proofs, failures at the sign-in, sessions."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.codes import validity
from accounts.life import housekeeping
from accounts.sessions import ending
from common import limits, purging
from common.sentences import in_words, when_read

purging.register("codes", _("old codes deleted"), place=30, work=purging.older_than(limits.CODES_KEPT, validity.purge))
purging.register(
    "proofs",
    when_read(
        lambda: (
            _("old proofs, changes and links of accounts, and devices not used for %(span)s deleted")
            % {"span": in_words(limits.TRUSTED_FOR)}
        )
    ),
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
    work=lambda run: ending.purge(dry_run=run.dry_run),
)
