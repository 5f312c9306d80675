"""The branch desk in the admin: the queue, the search, and the way to one registration's page.

Nobody adds, changes or deletes a registration here, not even an administrator: only the services change a
registration, and every transition writes an event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from common.admin.bases import ReadOnly
from common.admin.lists import OnlyItsFilters, SearchesByPost, searched
from common.persian import InputError, parse_mobile, parse_national_id, to_persian_digits
from common.sentences import jalali
from registration import tracking
from registration.desk.texts import masked_mobile, tracking_code_words
from registration.desk.views import decision, matching_status
from registration.models import Registration
from registration.states import AT_BRANCH, State

RowView = Callable[[HttpRequest, Registration], HttpResponse]


class StateFilter(admin.SimpleListFilter):
    """Filter by state. Without a choice: the requests that wait for a branch; a search looks in all states."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(State.choices)

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": _("Waiting for a branch"),
        }
        for state, label in self.lookup_choices:
            yield {
                "selected": self.value() == state,
                "query_string": changelist.get_query_string({self.parameter_name: state}),
                "display": label,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        chosen = self.value()
        if chosen is not None:  # only a known state goes into a query: PostgreSQL refuses a NUL
            return queryset.filter(state=chosen) if chosen in State.values else queryset.none()
        return queryset if _numbers_in(searched(request)) else queryset.filter(state__in=AT_BRANCH)


@admin.register(Registration)
class RegistrationAdmin(ReadOnly, SearchesByPost, OnlyItsFilters, admin.ModelAdmin):
    """The list of the desk. Needs the permission `work_the_desk`; without it the admin does not show its name."""

    list_display = ("code", "full_name", "shown_national_id", "shown_mobile", "state", "since")
    list_filter = (StateFilter,)
    search_fields = ("tracking_code",)  # only shows the search box; the search is get_search_results
    search_help_text = _("The whole tracking code, national ID or mobile.")
    ordering = ("-state_since", "-pk")
    sortable_by = ()
    actions = None
    list_per_page = 50
    list_max_show_all = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("registration.work_the_desk"))

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Without the columns that nobody at the desk is shown."""
        return super().get_queryset(request).defer("password", "security_question", "security_answer", "draft")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        if not search_term.strip():
            return queryset, False
        numbers = _numbers_in(search_term)
        return queryset.filter(numbers) if numbers else queryset.none(), False

    def search(self, request: HttpRequest, typed: str) -> HttpResponse:
        """A search that finds exactly one registration goes straight to it."""
        numbers = _numbers_in(typed)
        if numbers is None and typed.strip("\0"):
            messages.warning(request, _("This is no whole tracking code, national ID or mobile. Check the digits."))
        found = list(Registration.objects.filter(numbers).values_list("pk", flat=True)[:2]) if numbers else []
        return redirect(decision.PAGE, found[0]) if len(found) == 1 else super().search(request, typed)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The queue, or what a search has found."""
        around = {"title": _("Registrations at the branch"), "operates": matching_status.may_look(request)}
        titled = {**around, **(extra_context or {})}
        return super().changelist_view(request, titled)

    def get_urls(self) -> list[URLPattern]:
        """The pages of one registration; adding, deleting and Django's history are not there."""
        pages: list[tuple[str, str, RowView]] = [
            ("change", "change", decision.show),
            ("send-code", "send_code", decision.send_code),
            ("activate", "activate", decision.activate),
            ("reject", "reject", decision.reject),
            ("ask", "ask", decision.ask),
        ]
        queue = path("", self.admin_site.admin_view(self.changelist_view), name="registration_registration_changelist")
        waiting = path("waiting/", self.admin_site.admin_view(matching_status.show), name=matching_status.NAME)
        return [
            queue,
            waiting,
            *(
                path(f"<int:pk>/{where}/", self._for_row(view), name=f"registration_registration_{name}")
                for where, name, view in pages
            ),
        ]

    def _for_row(self, view: RowView) -> Any:
        """`view` for those who work at the desk, with the registration as it is now."""

        def for_row(request: HttpRequest, pk: int) -> HttpResponse:
            if not self.has_view_permission(request):
                raise PermissionDenied
            row = self.get_queryset(request).filter(pk=pk).first()
            if row is None:
                messages.warning(request, _("This registration does not exist (any more)."))
                return redirect("admin:registration_registration_changelist")
            return view(request, row)

        return self.admin_site.admin_view(for_row)

    @admin.display(description=_("tracking code"))
    def code(self, row: Registration) -> str:
        return tracking_code_words(row) or "—"

    @admin.display(description=_("Name"))
    def full_name(self, row: Registration) -> str:
        return row.full_name or "—"

    @admin.display(description=_("National ID"))
    def shown_national_id(self, row: Registration) -> str:
        return to_persian_digits(row.national_id)

    @admin.display(description=_("mobile"))
    def shown_mobile(self, row: Registration) -> str:
        return masked_mobile(row)

    @admin.display(description=_("In this state since"))
    def since(self, row: Registration) -> str:
        return jalali(row.state_since, "time")


def _numbers_in(typed: str) -> Q | None:
    """A query for the numbers that the typed text can be, in any digits and spelling; None: it can be none."""
    found = Q()
    code = tracking.parse(typed)
    if code:
        found |= Q(tracking_code=code)
    for column, parse in (("national_id", parse_national_id), ("mobile", parse_mobile)):
        try:
            found |= Q(**{column: parse(typed)})
        except InputError:
            continue
    return found or None
