"""The admin site of the portal: for staff, in Persian, with the throttled sign-in.

The apps' imports stand inside the methods: this module is loaded before the apps are ready.
"""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache


class PortalAdminConfig(AdminConfig):
    """Makes `PortalAdminSite` the default site, so that `@admin.register` needs no site."""

    default_site = "tamin_portal.admin.PortalAdminSite"


class OnlyItsFilters:
    """For a `ModelAdmin`: the address bar takes the filters of `list_filter` and nothing else.

    Django's own rule lets any column of the table be asked: `?password__startswith=`, `?text__contains=`
    would spell out secrets that no page shows.
    """

    list_filter: ClassVar[Any]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """A filter class judges its value itself; a column's value must be one that a database can look for."""
        for offered in self.list_filter:
            if not isinstance(offered, str):
                if lookup == offered.parameter_name:
                    return True
            elif lookup in (offered, f"{offered}__exact", f"{offered}__isnull"):
                return "\0" not in str(value)
        return False


class PortalAdminSite(admin.AdminSite):
    """The branch desk, and what superusers look after."""

    site_header = _("Branch desk")
    site_title = _("Registration portal")
    index_title = _("Work of today")
    site_url = "/portal/"

    @method_decorator(never_cache)
    @login_not_required
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The sign-in page of staff: Django's template, the portal's throttle and backend.

        Somebody who is signed in as a citizen is told that this page is not theirs.
        """
        from accounts.views import StaffSignIn

        if request.method == "GET" and self.has_permission(request):
            return redirect("admin:index")
        context = {
            **self.each_context(request),
            "title": _("Sign in"),
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": str(request.user),
            **(extra_context or {}),
        }
        request.current_app = self.name
        page = StaffSignIn.as_view(template_name="admin/login.html", extra_context=context)
        return cast(HttpResponse, page(request))

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Superusers only: a clerk's password is set by an operator."""
        self._superusers_only(request)
        return super().password_change(request, extra_context)

    def password_change_done(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        self._superusers_only(request)
        return super().password_change_done(request, extra_context)

    @staticmethod
    def _superusers_only(request: HttpRequest) -> None:
        if not getattr(request.user, "is_superuser", False):
            raise PermissionDenied
