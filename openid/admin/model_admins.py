"""Registers connected services, for superusers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

from common.admin.bases import SeenBySuperusers
from common.admin.lists import OnlyItsFilters, SearchesByPost
from openid.admin import service_pages
from openid.models import ConnectedService


@admin.register(ConnectedService)
class ConnectedServiceAdmin(SeenBySuperusers, SearchesByPost, OnlyItsFilters, admin.ModelAdmin):
    """The list; a service itself has pages of its own, because `openid.services` changes it."""

    list_display = ("name", "works", "sector", "is_third_party", "required_level")
    list_filter = ("is_third_party", "auth_method")
    list_select_related = ("sector",)
    search_fields = ("name", "client_id", "contact")
    ordering = ("name", "pk")
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # its events and its citizens' history stay; it is suspended instead

    def get_urls(self) -> list[URLPattern]:
        return [*service_pages.urls(self), *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self._check(request)
        return service_pages.add(self, request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self._check(request)
        return service_pages.change(self, request, object_id)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self._check(request)
        return service_pages.usage_page(self, request, service_pages.found(object_id))

    def _check(self, request: HttpRequest) -> None:
        if not self.has_change_permission(request):
            raise PermissionDenied

    @admin.display(description=_("works"), boolean=True, ordering="suspended_at")
    def works(self, service: ConnectedService) -> bool:
        return service.suspended_at is None
