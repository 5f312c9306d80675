"""Base classes of admin pages: read-only pages, pages for superusers only, columns with a moment, queue columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.persian import to_persian_digits
from common.sentences import jalali


class ReadOnly:
    """For a `ModelAdmin` or an inline: nobody may add, change or delete."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class SeenBySuperusers:
    """For a `ModelAdmin`: shown to superusers only, whatever permissions others have."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request)


def moment(field: str, label: Any) -> Callable[[Any, Model], str]:
    """A column that shows the date and time of `field` as Jalali, with Persian digits."""

    @admin.display(description=label, ordering=field)
    def shown(self: Any, row: Model) -> str:
        return jalali(getattr(row, field), "time") or "—"

    return shown


class QueueColumns:
    """For the `ModelAdmin` of a `Leased` model that is sent: its times, and the number of its rounds."""

    created = moment("created_at", _("created"))
    sent = moment("sent_at", _("sent"))
    final = moment("final_at", _("final"))
    next_round = moment("next_attempt_at", _("next attempt"))
    expires = moment("expires_at", _("expires"))

    @admin.display(description=_("attempts"), ordering="attempts")
    def rounds(self, row: Any) -> str:
        return to_persian_digits(row.attempts)
