"""The admin's pages about one citizen's account: close it, open it again, sign it out everywhere, and read its history.

Superusers only. Each page asks for the reason and calls one function of `accounts.closing.service`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.closing import service as closing
from accounts.life import history as account_history
from accounts.models import User
from common import limits
from common.errors import PortalError
from common.form_fields import MobileField
from common.persian import local_mobile


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=limits.ACCOUNT_REASON_LONGEST,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text=gettext_lazy("Kept in the history of the account for good, with your name. The citizen is not told."),
        error_messages={"required": gettext_lazy("Write why: it is kept in the history.")},
    )


class OpenForm(ReasonForm):
    mobile = MobileField(
        label=gettext_lazy("Another mobile number"),
        required=False,
        help_text=gettext_lazy(
            "Only if the SIM is lost, or the number on record is a thief's. Both numbers are told by SMS."
        ),
    )
    without_answer = forms.BooleanField(
        label=gettext_lazy("The security answer is forgotten"),
        required=False,
        help_text=gettext_lazy("For a while a recovery asks for no security answer. See the papers first."),
    )


@dataclass(frozen=True)
class Action:
    """One thing that can be done to an account. `service` returns a false value where nothing was changed."""

    title: str | Promise
    explained: str | Promise
    button: str | Promise
    done: str | Promise
    nothing: str | Promise
    form: type[ReasonForm]
    service: Callable[..., Any]


ACTIONS = {
    "close": Action(
        gettext_lazy("Close the account"),
        gettext_lazy("Nobody can sign in, and everybody who is signed in is signed out. The owner hears of it by SMS."),
        gettext_lazy("Close the account"),
        gettext_lazy("The account is closed."),
        gettext_lazy("The account was closed already. Nothing was changed."),
        ReasonForm,
        closing.deactivate,
    ),
    "open": Action(
        gettext_lazy("Open the account again"),
        gettext_lazy(
            "When you or a branch have seen the owner and the papers. After a freeze the old password does not work "
            "any more: the owner sets a new one by recovery."
        ),
        gettext_lazy("Open the account again"),
        gettext_lazy("The account is open again."),
        gettext_lazy("The account was open already. Nothing was changed."),
        OpenForm,
        closing.reactivate,
    ),
    "end-sessions": Action(
        gettext_lazy("Sign out everywhere"),
        gettext_lazy("Everybody who is signed in to the account is signed out. The password stays."),
        gettext_lazy("Sign out everywhere"),
        gettext_lazy("All sessions were ended."),
        gettext_lazy("Nobody was signed in."),
        ReasonForm,
        closing.end_all_sessions,
    ),
}


def citizen(pk: str) -> User | None:
    """The citizen's account with this primary key; None when there is none."""
    return User.objects.filter(pk=pk).exclude(national_id="").first() if pk.isdecimal() and len(pk) < 19 else None


def urls(model_admin: ModelAdmin) -> list[URLPattern]:
    """The addresses …/<primary key>/close/ and so on, for those who may change an account."""

    def page(name: str) -> Callable[..., HttpResponse]:
        def guarded(request: HttpRequest, pk: str) -> HttpResponse:
            if not model_admin.has_change_permission(request):
                raise PermissionDenied
            account = citizen(pk)
            if account is None or not account.activated_at:
                messages.warning(request, _("This is no account of a citizen that could be closed or opened."))
                return redirect("admin:accounts_user_changelist")
            return _perform(model_admin, request, account, ACTIONS[name])

        return model_admin.admin_site.admin_view(guarded)

    return [path(f"<str:pk>/{name}/", page(name), name=f"accounts_user_{name}") for name in ACTIONS]


def show_history(model_admin: ModelAdmin, request: HttpRequest, account: User) -> HttpResponse:
    """The page of everything that happened to the account; opening it is recorded there too."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    events = closing.look_at_history(account=account, by=_name(request), reason="")
    entries = account_history.entries_of(account, events, for_owner=False)
    return _page(model_admin, request, account, "history", {"title": _("History of the account"), "entries": entries})


def _perform(model_admin: ModelAdmin, request: HttpRequest, account: User, action: Action) -> HttpResponse:
    form = action.form(request.POST or None)
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        try:
            changed = action.service(account=account, by=_name(request), **given)
        except PortalError:  # deleted, or no citizen's account
            messages.warning(request, _("This is no account of a citizen that could be closed or opened."))
            return redirect("admin:accounts_user_changelist")
        messages.success(request, str(action.done)) if changed else messages.info(request, str(action.nothing))
        return redirect("admin:accounts_user_change", account.pk)
    return _page(model_admin, request, account, "act", {"title": action.title, "action": action, "form": form})


def _page(
    model_admin: ModelAdmin, request: HttpRequest, account: User, name: str, context: dict[str, Any]
) -> TemplateResponse:
    around = {
        **model_admin.admin_site.each_context(request),
        "opts": User._meta,
        "account": account,
        "state": account_history.state_in_words(account),
        "mobile": local_mobile(account.mobile),
    }
    return TemplateResponse(request, f"admin/accounts/user/{name}.html", {**around, **context})


def _name(request: HttpRequest) -> str:
    return request.user.get_username()
