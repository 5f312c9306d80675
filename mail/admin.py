"""Django admin of e-mail: superusers see the state of each letter, nobody sees its text or changes it."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from common.admin.bases import QueueColumns, ReadOnly, SeenBySuperusers
from common.admin.lists import OnlyItsFilters
from common.persian import to_persian_digits
from mail.models import Letter


@admin.register(Letter)
class LetterAdmin(SeenBySuperusers, ReadOnly, QueueColumns, OnlyItsFilters, admin.ModelAdmin):
    """Shows no text: the links in a letter give access to an account."""

    list_display = ("created", "number", "to", "state", "sent", "rounds", "last_error")
    list_filter = ("state",)
    list_per_page = 50
    show_full_result_count = False
    ordering = ("-id",)
    fields = ("number", "to", "state", "created", "next_round", "expires", "sent", "final", "rounds", "last_error")
    readonly_fields = fields

    @admin.display(description=_("e-mail number"), ordering="pk")
    def number(self, letter: Letter) -> str:
        """The id that the log names."""
        return to_persian_digits(letter.pk)
