"""Django admin of sign-outs that services are told: how each service takes them, and each one; nobody changes any."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from common.admin.bases import QueueColumns, ReadOnly, SeenBySuperusers
from common.admin.lists import OnlyItsFilters
from openid.logout import standing
from openid.models import LogoutNotice


@admin.register(LogoutNotice)
class LogoutNoticeAdmin(SeenBySuperusers, ReadOnly, QueueColumns, OnlyItsFilters, admin.ModelAdmin):
    """Shows neither whose session it was nor its name at the service."""

    change_list_template = "admin/openid/sign_outs.html"
    list_display = ("created", "connected_service", "reason", "state", "rounds", "next_round", "last_error")
    list_filter = ("state", "reason")
    list_select_related = ("service",)
    list_per_page = 50
    show_full_result_count = False
    ordering = ("-id",)
    fields = ("connected_service", "reason", "state", "created", "next_round", "final", "rounds", "last_error")
    readonly_fields = fields

    @admin.display(description=_("connected service"), ordering="service__name")
    def connected_service(self, notice: LogoutNotice) -> str:
        return notice.service.name

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        services = standing.look() if self.has_view_permission(request) else []
        return super().changelist_view(request, {**(extra_context or {}), "services": services})
