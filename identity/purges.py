"""What is purged of registries: extracts that are no longer used."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from identity import services as identity
from tamin_portal import purging

purging.register(
    "extracts",
    _("extracts that were replaced or never finished deleted"),
    place=50,
    work=lambda run: identity.purge_extracts(dry_run=run.dry_run),
)
