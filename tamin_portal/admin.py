"""The admin site for staff, in Persian, with the portal's throttled sign-in and its second step.

The apps' imports stand inside the methods: this module is loaded before the apps are ready.
"""

from __future__ import annotations

from copy import copy
from functools import wraps
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.apps import AdminConfig
from django.contrib.admin.views.main import SEARCH_VAR
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from common.abuse import hashing_places, hashing_texts
from common.admin.lists import list_address
from common.errors import PortalError


class PortalAdminConfig(AdminConfig):
    """Makes `PortalAdminSite` the default site, so that `@admin.register` needs no site."""

    default_site = "tamin_portal.admin.PortalAdminSite"


class PortalAdminSite(admin.AdminSite):
    """The admin site: the branch desk for clerks, everything for administrators."""

    site_header = _("Branch desk")
    site_title = _("Registration portal")
    index_title = _("Work of today")
    site_url = "/portal/"

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether staff typed a one-time code in this session; in a demo, staff who have set up no codes need none."""
        from accounts.staff import totp

        if not super().has_permission(request):
            return False
        user: Any = request.user  # of this request alone: a page asks several times
        if not hasattr(user, "may_enter"):
            user.may_enter = totp.may_enter(user)
        return bool(user.may_enter)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """As Django's, but whoever has to sign in first is redirected without the search of an old bookmark, and gets
        back what they typed in a form."""
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def for_staff(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            from accounts.sessions import given_back

            if request.method == "POST" and not request.user.is_authenticated:
                if response := given_back.answer_signed_out(request):
                    return response
            elif SEARCH_VAR in request.GET and not self.has_permission(request):
                return redirect(list_address(request))
            return cast(HttpResponse, guarded(request, *args, **kwargs))

        return for_staff

    def get_urls(self) -> list[Any]:
        second_step = [
            path("login/code/", self.code, name="staff_code"),
            path("login/device/", self.device, name="staff_device"),
            path("login/device/new/", self.admin_view(self.new_device), name="staff_new_device"),
        ]
        return [*second_step, *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Adds `may_set_up_codes`: whether the user is signed in without a code."""
        context = super().each_context(request)
        without = getattr(request.user, "otp_device", None) is None
        return {**context, "may_set_up_codes": context["has_permission"] and without}

    @method_decorator(never_cache)
    @login_not_required
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The sign-in page of staff: Django's template, the portal's throttle and backend.

        Somebody who is signed in as a citizen is told that this page is not theirs.
        """
        from accounts.staff.views import StaffSignIn

        if request.method == "GET" and self.has_permission(request):
            return redirect("admin:index")
        more = {"username": str(request.user), **(extra_context or {})}
        return self._step(request, StaffSignIn, "admin/login.html", title=_("Sign in"), **more)

    @login_not_required
    def code(self, request: HttpRequest) -> HttpResponse:
        """The second step of the sign-in: a one-time code."""
        from accounts.staff.views import CodePage

        return self._step(request, CodePage, "admin/staff_code.html", title=_("One-time code"))

    @login_not_required
    def device(self, request: HttpRequest) -> HttpResponse:
        """The page on which one-time codes are set up."""
        from accounts.staff.views import DevicePage

        return self._step(request, DevicePage, "admin/staff_device.html", title=_("Set up one-time codes"))

    @method_decorator(require_POST)
    def new_device(self, request: HttpRequest) -> HttpResponse:
        """Begin to set up codes, for a user who is signed in without one."""
        from accounts.staff.views import new_device

        return new_device(request, cast(Any, request.user), redirect("admin:staff_device"))

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """404: no form of ours completes while one types, for the search would be in the address."""
        raise Http404

    def _step(self, request: HttpRequest, view: Any, template: str, **context: Any) -> HttpResponse:
        request.current_app = self.name
        about = {**self.each_context(request), "subtitle": None, "app_path": request.get_full_path(), **context}
        return cast(HttpResponse, view.as_view(template_name=template, extra_context=about)(request))

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Superusers only: a clerk's password is set by an administrator. 503 where no hash can be computed now: the
        form has secrets only, so it comes back empty."""
        self._superusers_only(request)
        try:
            with hashing_places.place(hashing_places.Whose.INSIDE):
                return super().password_change(request, extra_context)
        except PortalError as error:
            return self._empty_password_form(request, extra_context, error)

    def _empty_password_form(
        self, request: HttpRequest, extra_context: dict[str, Any] | None, busy: PortalError
    ) -> TemplateResponse:
        messages.error(request, hashing_texts.sentence(busy))
        fresh = copy(request)
        fresh.method = "GET"
        response = super().password_change(fresh, extra_context)
        hashing_places.come_back(response, busy)
        return response

    def password_change_done(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        self._superusers_only(request)
        return super().password_change_done(request, extra_context)

    @staticmethod
    def _superusers_only(request: HttpRequest) -> None:
        if not getattr(request.user, "is_superuser", False):
            raise PermissionDenied
