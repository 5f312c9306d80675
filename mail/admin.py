"""Letters in the admin: superusers see where one is and why; nobody sees what it says, or changes one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from mail.models import Letter
from tamin_portal.admin import OnlyItsFilters
from tamin_portal.persian import to_persian_digits
from tamin_portal.templatetags.persian_text import jalali


def moment(field: str, label: Any) -> Callable[[Any, Model], str]:
    """A column that shows the date and time in `field` as Jalali, with Persian digits."""

    @admin.display(description=label, ordering=field)
    def shown(self: Any, row: Model) -> str:
        return jalali(getattr(row, field), "time") or "—"

    return shown


@admin.register(Letter)
class LetterAdmin(OnlyItsFilters, admin.ModelAdmin):
    """Links in a letter open things, so its text is shown to nobody."""

    list_display = ("created", "number", "to", "state", "sent", "rounds", "last_error")
    list_filter = ("state",)
    list_per_page = 50
    show_full_result_count = False
    ordering = ("-id",)
    fields = ("number", "to", "state", "created", "next_round", "expires", "sent", "final", "rounds", "last_error")
    readonly_fields = fields

    created = moment("created_at", _("created"))
    sent = moment("sent_at", _("sent"))
    final = moment("final_at", _("final"))
    next_round = moment("next_attempt_at", _("next attempt"))
    expires = moment("expires_at", _("expires"))

    @admin.display(description=_("e-mail number"), ordering="pk")
    def number(self, letter: Letter) -> str:
        """What the log names."""
        return to_persian_digits(letter.pk)

    @admin.display(description=_("attempts"), ordering="attempts")
    def rounds(self, letter: Letter) -> str:
        return to_persian_digits(letter.attempts)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
