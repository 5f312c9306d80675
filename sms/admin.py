"""SMS in the admin: operators see where a message is, nobody changes one there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from sms.models import Attempt, Message, MessageKind
from tamin_portal.admin import OnlyItsFilters
from tamin_portal.persian import mask_mobile, to_persian_digits
from tamin_portal.templatetags.persian_text import jalali


def moment(field: str, label: Any) -> Callable[[Any, Model], str]:
    """A column that shows the date and time in `field` as Jalali, with Persian digits."""

    @admin.display(description=label, ordering=field)
    def shown(self: Any, row: Model) -> str:
        return jalali(getattr(row, field), "time") or "—"

    return shown


class ReadOnly:
    """No adding, changing or deleting, whoever asks."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class AttemptInline(ReadOnly, admin.TabularInline):
    model = Attempt
    fields = ("gateway", "started", "finished", "outcome", "detail")
    readonly_fields = fields
    extra = 0

    started = moment("started_at", _("started"))
    finished = moment("finished_at", _("finished"))


@admin.register(Message)
class MessageAdmin(ReadOnly, OnlyItsFilters, admin.ModelAdmin):
    """Masked numbers; the body only while it waits to be sent, and a code's never: who reads a live
    code could use it."""

    list_display = ("created", "masked_number", "operator", "kind", "state", "gateway", "parts", "rounds")
    list_filter = ("state", "kind", "gateway", "operator")
    list_per_page = 50
    show_full_result_count = False
    ordering = ("-id",)
    fields = (
        ("masked_number", "operator"),
        ("kind", "state", "gateway"),
        ("parts", "rounds"),
        ("created", "sent", "final", "next_round", "expires"),
        "body",
    )
    readonly_fields = ("masked_number", "rounds", "created", "sent", "final", "next_round", "expires", "body")
    inlines = (AttemptInline,)

    created = moment("created_at", _("created"))
    sent = moment("sent_at", _("sent"))
    final = moment("final_at", _("final"))
    next_round = moment("next_attempt_at", _("next attempt"))
    expires = moment("expires_at", _("expires"))

    @admin.display(description=_("mobile"), ordering="to")
    def masked_number(self, message: Message) -> str:
        return to_persian_digits(mask_mobile(message.to))

    @admin.display(description=_("attempts"), ordering="attempts")
    def rounds(self, message: Message) -> str:
        return to_persian_digits(message.attempts)

    @admin.display(description=_("text"))
    def body(self, message: Message) -> str:
        hidden = message.kind == MessageKind.CODE or message.next_attempt_at is None
        return "—" if hidden else message.text
