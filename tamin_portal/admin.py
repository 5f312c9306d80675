"""The admin site of the portal: for staff, in Persian, with the throttled sign-in and its second step.

The apps' imports stand inside the methods: this module is loaded before the apps are ready.
"""

from __future__ import annotations

import secrets
from copy import copy
from functools import wraps
from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.contrib.admin.apps import AdminConfig
from django.contrib.admin.views.main import (
    ALL_VAR,
    ERROR_FLAG,
    PAGE_VAR,
    SEARCH_VAR,
    ChangeList,
    ChangeListSearchForm,
)
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

from tamin_portal import limits
from tamin_portal.abuse import lane, lane_texts
from tamin_portal.errors import PortalError

FOUND = "found"  # in an address: under which word the session keeps what was searched for
_SEARCHES = "admin_searches"


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


def searched(request: HttpRequest) -> str:
    """What the list at this address was searched for; "" where nobody searched, or the session forgot."""
    return str(request.session.get(_SEARCHES, {}).get(request.GET.get(FOUND, ""), ""))


def list_address(request: HttpRequest, word: str = "") -> str:
    """The list at this address as it is filtered and sorted, from its first page, with another search or none."""
    query = request.GET.copy()
    for name in (SEARCH_VAR, FOUND, PAGE_VAR, ALL_VAR, ERROR_FLAG):
        query.pop(name, None)
    if word:
        query[FOUND] = word
    return f"{request.path}?{query.urlencode()}" if query else request.path


class FoundList(ChangeList):
    """Django's list, searched for what the session knows under `?found=`."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        typed = {SEARCH_VAR: searched(request)}

        class Typed(ChangeListSearchForm):
            """Filled from the session, not from the address."""

            def __init__(self, _address: Any) -> None:
                super().__init__(typed)

        self.search_form_class = Typed
        super().__init__(request, *args, **kwargs)

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        found = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name != FOUND}


class SearchesByPost:
    """For a `ModelAdmin` with `search_fields`: what is searched for, a national ID or a name, is never in an address,
    where histories, logs and other pages keep it.

    The form posts it; the session keeps it, and the address of the list says only under which made-up word
    (`?found=`). So pages, order, filters and the browser's "back" work. An old `?q=` is led on to such an address.
    """

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FoundList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        mine: Any = self
        posts = request.method == "POST" and SEARCH_VAR in request.POST
        if posts or SEARCH_VAR in request.GET:
            if not mine.has_view_or_change_permission(request):
                raise PermissionDenied
            typed = request.POST if posts else request.GET
            return self.search(request, typed.get(SEARCH_VAR, "").strip()[: limits.SEARCH_LONGEST])
        if FOUND in request.GET and not searched(request):
            messages.info(request, _("This search is over. Please search again."))
            return redirect(list_address(request))
        return cast(HttpResponse, super().changelist_view(request, extra_context))  # type: ignore[misc]

    def search(self, request: HttpRequest, typed: str) -> HttpResponse:
        """Lead to the list of what fits `typed`; "" is the whole list."""
        if not typed.replace("\0", ""):
            return redirect(list_address(request))
        kept = dict(request.session.get(_SEARCHES, {}))
        word = next((word for word, before in kept.items() if before == typed), "") or secrets.token_urlsafe(6)
        kept.pop(word, None)
        latest = [*kept.items(), (word, typed)][-limits.SEARCHES_KEPT :]
        request.session[_SEARCHES] = dict(latest)
        return redirect(list_address(request, word))


class PortalAdminSite(admin.AdminSite):
    """The branch desk, and what superusers look after."""

    site_header = _("Branch desk")
    site_title = _("Registration portal")
    index_title = _("Work of today")
    site_url = "/portal/"

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff who typed a one-time code in this session; in a demo also those who have set up none."""
        from accounts import staff_totp

        if not super().has_permission(request):
            return False
        user: Any = request.user  # of this request alone: a page asks several times
        if not hasattr(user, "may_enter"):
            user.may_enter = staff_totp.may_enter(user)
        return bool(user.may_enter)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Django's; whoever has to sign in first does not find an old bookmark's search in the address meanwhile."""
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def without_search(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if SEARCH_VAR in request.GET and not self.has_permission(request):
                return redirect(list_address(request))
            return cast(HttpResponse, guarded(request, *args, **kwargs))

        return without_search

    def get_urls(self) -> list[Any]:
        second_step = [
            path("login/code/", self.code, name="staff_code"),
            path("login/device/", self.device, name="staff_device"),
            path("login/device/new/", self.admin_view(self.new_device), name="staff_new_device"),
        ]
        return [*second_step, *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """`may_set_up_codes`: in, but without a code."""
        context = super().each_context(request)
        without = getattr(request.user, "otp_device", None) is None
        return {**context, "may_set_up_codes": context["has_permission"] and without}

    @method_decorator(never_cache)
    @login_not_required
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The sign-in page of staff: Django's template, the portal's throttle and backend.

        Somebody who is signed in as a citizen is told that this page is not theirs.
        """
        from accounts.staff_views import StaffSignIn

        if request.method == "GET" and self.has_permission(request):
            return redirect("admin:index")
        more = {"username": str(request.user), **(extra_context or {})}
        return self._step(request, StaffSignIn, "admin/login.html", title=_("Sign in"), **more)

    @login_not_required
    def code(self, request: HttpRequest) -> HttpResponse:
        """The second step of the sign-in: a one-time code."""
        from accounts.staff_views import CodePage

        return self._step(request, CodePage, "admin/staff_code.html", title=_("One-time code"))

    @login_not_required
    def device(self, request: HttpRequest) -> HttpResponse:
        """Where one-time codes are set up."""
        from accounts.staff_views import DevicePage

        return self._step(request, DevicePage, "admin/staff_device.html", title=_("Set up one-time codes"))

    @method_decorator(require_POST)
    def new_device(self, request: HttpRequest) -> HttpResponse:
        """Who is in without a code begins to set codes up."""
        from accounts.staff_views import new_device

        return new_device(request, cast(Any, request.user), redirect("admin:staff_device"))

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """No form of ours completes while one types: what is searched for would be in the address."""
        raise Http404

    def _step(self, request: HttpRequest, view: Any, template: str, **context: Any) -> HttpResponse:
        request.current_app = self.name
        about = {**self.each_context(request), "subtitle": None, "app_path": request.get_full_path(), **context}
        return cast(HttpResponse, view.as_view(template_name=template, extra_context=about)(request))

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Superusers only: a clerk's password is set by an operator. 503 where no hash can be computed now: the form
        has secrets only, so it comes back empty."""
        self._superusers_only(request)
        try:
            with lane.place(lane.Whose.INSIDE):
                return super().password_change(request, extra_context)
        except PortalError as error:
            return self._empty_password_form(request, extra_context, error)

    def _empty_password_form(
        self, request: HttpRequest, extra_context: dict[str, Any] | None, busy: PortalError
    ) -> TemplateResponse:
        messages.error(request, lane_texts.sentence(busy))
        fresh = copy(request)
        fresh.method = "GET"
        response = super().password_change(fresh, extra_context)
        lane.come_back(response, busy)
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
