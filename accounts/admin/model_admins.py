"""Registers branches, services and accounts in the admin, for superusers. Clerks work at the desk (registration)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.admin import account_actions
from accounts.home import catalogue
from accounts.life import history as account_history
from accounts.models import Branch, Service, User
from accounts.sessions.ending import end_sessions
from accounts.sessions.listeners import Reason
from accounts.staff import totp
from common.admin.bases import SeenBySuperusers
from common.admin.lists import OnlyItsFilters, SearchesByPost
from common.persian import format_jalali, local_mobile, to_persian_digits

# `add_staff` gives staff their rights; a group made by hand could allow more than the desk.
admin.site.unregister(Group)
# Its pages show the secret. After a lost phone: `manage.py reset_totp`.
admin.site.unregister(TOTPDevice)


class SuperusersOnly(SeenBySuperusers, SearchesByPost, OnlyItsFilters, admin.ModelAdmin):
    """The base class: superusers may do everything, whatever permissions others were given."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)


@admin.register(Branch)
class BranchAdmin(SuperusersOnly):
    list_display = ("code", "name", "province", "city", "hours")
    search_fields = ("code", "name", "province", "city")
    ordering = ("code",)


class ServiceForm(forms.ModelForm):
    def clean_link(self) -> str:
        link = str(self.cleaned_data["link"])
        catalogue.check_link(link)
        return link


@admin.register(Service)
class ServiceAdmin(SuperusersOnly):
    """The catalogue on the citizens' home page."""

    form = ServiceForm
    list_display = ("title", "icon", "link", "order", "is_shown")
    list_editable = ("order", "is_shown")
    list_filter = ("is_shown",)
    search_fields = ("title",)
    ordering = ("order", "pk")


@admin.register(User)
class UserAdmin(SuperusersOnly):
    """Shows accounts, and leads to the pages that close or open one. Shows no passwords, answers or rights."""

    list_display = ("__str__", "is_staff", "is_active", "branch", "activated")
    list_filter = ("is_staff", "is_active")
    list_select_related = ("branch",)
    # Whole numbers only: nobody browses citizens by the beginning of an ID.
    search_fields = ("username", "national_id__exact", "mobile__exact", "last_name")
    ordering = ("-id",)
    _who = ("name", "login_name", "shown_national_id", "shown_mobile", "birth", "city", "email")
    _standing = ("state", "activated", "codes")
    fields = (*_who, "branch", "is_active", *_standing)
    readonly_fields = (*_who, *_standing)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # citizens register; staff: add_staff

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # what happened to an account has to stay

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Only staff have fields that a form changes: a branch, and whether they are active. A citizen's account is
        closed and opened with a reason, on pages of its own; one that waits for a branch is activated there."""
        return super().has_change_permission(request, obj) and (obj is None or obj.is_staff)

    def get_urls(self) -> list[URLPattern]:
        return [*account_actions.urls(self), *super().get_urls()]

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The history of a citizen's account; for staff, Django's own log of changes made here."""
        account = account_actions.citizen(object_id)
        if account is None:
            return super().history_view(request, object_id, extra_context)
        return account_actions.show_history(self, request, account)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not obj.is_active:  # otherwise a session would be alive again when the box is ticked again
            end_sessions(account=obj, reason=Reason.CLOSED)

    @admin.display(description=_("Name"))
    def name(self, user: User) -> str:
        return user.get_full_name() or "-"

    @admin.display(description=_("User name"))
    def login_name(self, user: User) -> str:
        return user.username if user.is_staff else "-"

    @admin.display(description=_("National ID"))
    def shown_national_id(self, user: User) -> str:
        return to_persian_digits(user.national_id) or "-"

    @admin.display(description=_("Mobile phone"))
    def shown_mobile(self, user: User) -> str:
        return to_persian_digits(local_mobile(user.mobile)) if user.mobile else "-"

    @admin.display(description=_("Birth date"))
    def birth(self, user: User) -> str:
        return format_jalali(user.birth_date, user.birth_unknown) if user.birth_date else "-"

    @admin.display(description=_("State"))
    def state(self, user: User) -> str:
        return "-" if user.is_staff else account_history.state_in_words(user)

    @admin.display(description=_("Activated"), ordering="activated_at")
    def activated(self, user: User) -> str:
        return format_jalali(timezone.localtime(user.activated_at).date()) if user.activated_at else "-"

    @admin.display(description=_("One-time codes"))
    def codes(self, user: User) -> str:
        """Whether one-time codes are set up for this member of staff, and since when."""
        if not user.is_staff:
            return "-"
        device = totp.device_of(user)
        if device is None:
            return gettext("Not set up")
        return gettext("Set up on %(date)s") % {"date": format_jalali(timezone.localtime(device.created_at).date())}
