"""Registers the purge step of identity: generations of extracts that are no longer used are deleted."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from common import purging
from identity import services

purging.register(
    "extracts",
    _("extracts that were replaced or never finished deleted"),
    place=50,
    work=lambda run: services.purge_extracts(dry_run=run.dry_run),
)
