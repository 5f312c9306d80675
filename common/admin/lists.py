"""Admin lists that allow only their own filters, and searches that never appear in a URL (docs/decisions/0025)."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar, cast

from django.contrib import messages
from django.contrib.admin.views.main import (
    ALL_VAR,
    ERROR_FLAG,
    PAGE_VAR,
    SEARCH_VAR,
    ChangeList,
    ChangeListSearchForm,
)
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from common import limits
from common.persian import InputError, fold, parse_mobile, parse_national_id

FOUND = "found"  # the URL parameter with the word under which the session stores a search
_SEARCHES = "admin_searches"


class OnlyItsFilters:
    """For a `ModelAdmin`: the URL accepts the filters of `list_filter` and nothing else.

    Django allows a filter on any column: `?password__startswith=` or `?text__contains=` would reveal secrets letter by
    letter that no page shows.
    """

    list_filter: ClassVar[Any]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """A filter class checks its value itself; a column's value must be one that a database can look for."""
        for offered in self.list_filter:
            if not isinstance(offered, str):
                if lookup == offered.parameter_name:
                    return True
            elif lookup in (offered, f"{offered}__exact", f"{offered}__isnull"):
                return "\0" not in str(value)
        return False


def searched(request: HttpRequest) -> str:
    """The search of the list at this URL; "" if there is none, or the session has forgotten it."""
    return str(request.session.get(_SEARCHES, {}).get(request.GET.get(FOUND, ""), ""))


def list_address(request: HttpRequest, word: str = "") -> str:
    """The URL of this list with its filters and order, from the first page, with another search or none."""
    query = request.GET.copy()
    for name in (SEARCH_VAR, FOUND, PAGE_VAR, ALL_VAR, ERROR_FLAG):
        query.pop(name, None)
    if word:
        query[FOUND] = word
    return f"{request.path}?{query.urlencode()}" if query else request.path


def as_stored(typed: str) -> str:
    """What was typed into a search, as rows have it: a national ID or a mobile in its one spelling, else folded."""
    for parse in (parse_national_id, parse_mobile):
        try:
            return parse(typed)
        except InputError:
            continue
    return fold(typed)


class FoundList(ChangeList):
    """Django's change list, with the search that the session holds under `?found=`."""

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
    """For a `ModelAdmin` with `search_fields`: what is searched for, a national ID or a name, is never in a URL, which
    histories, logs and other pages store.

    The form posts it; the session stores it, and the URL contains only a random word for it (`?found=`). So pages,
    order, filters and the browser's "back" work. An old `?q=` is redirected to such a URL.
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

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        mine: Any = super()
        return cast("tuple[QuerySet, bool]", mine.get_search_results(request, queryset, as_stored(search_term)))

    def search(self, request: HttpRequest, typed: str) -> HttpResponse:
        """Redirect to the list of what matches `typed`; "" is the whole list."""
        if not typed.replace("\0", ""):
            return redirect(list_address(request))
        kept = dict(request.session.get(_SEARCHES, {}))
        word = next((word for word, before in kept.items() if before == typed), "") or secrets.token_urlsafe(6)
        kept.pop(word, None)
        latest = [*kept.items(), (word, typed)][-limits.SEARCHES_KEPT :]
        request.session[_SEARCHES] = dict(latest)
        return redirect(list_address(request, word))
