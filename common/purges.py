"""Registers the purge steps of the tables that all apps share."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from common import alarms, limits, purging
from common.abuse import conduct, proof_of_work, turns
from common.models import PostCount


def _purge_post_counts(*, before: datetime, dry_run: bool) -> int:
    return purging.delete(PostCount.objects.filter(minute__lt=int(before.timestamp() // 60)), dry_run=dry_run)


purging.register(
    "alarms", _("old alarms deleted"), place=100, work=purging.older_than(limits.ALARMS_KEPT, alarms.purge)
)
purging.register(
    "conduct",
    _("old counts of conduct deleted"),
    place=130,
    work=purging.older_than(limits.CONDUCT_KEPT, conduct.purge),
)
purging.register(
    "proofs_of_work",
    _("used proofs of work deleted"),
    place=140,
    work=purging.older_than(limits.CONDUCT_KEPT, proof_of_work.purge),
)
purging.register("turns", _("old turns deleted"), place=150, work=purging.older_than(limits.CONDUCT_KEPT, turns.purge))
purging.register(
    "post_counts",
    _("old counts of requests per address deleted"),
    place=160,
    work=purging.older_than(limits.POST_COUNTS_KEPT, _purge_post_counts),
)
