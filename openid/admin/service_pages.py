"""The admin's pages of one connected service: its form, its secret, suspending it, and what it did."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _

from common import limits
from common.errors import PortalError
from common.persian import format_jalali, to_persian_digits
from common.sentences import jalali
from openid import services, usage
from openid.admin import event_words, trial_page
from openid.admin.forms import ReasonForm, RotateForm, ServiceForm, initial_of
from openid.admin.frame import framed, who
from openid.models import ConnectedService, LogoutNotice
from openid.models.services import new_client_id
from openid.service_texts import sentence

_EVENTS_SHOWN = 50


def urls(model_admin: ModelAdmin) -> list[URLPattern]:
    """The addresses …/<primary key>/usage/ and so on, for those who may change services."""
    pages = {
        "usage": usage_page,
        "try": trial_page.page,
        "suspend": suspend,
        "resume": resume,
        "rotate": rotate,
        "logo": logo,
    }

    def page(name: str) -> Callable[..., HttpResponse]:
        def guarded(request: HttpRequest, pk: int) -> HttpResponse:
            if not model_admin.has_change_permission(request):
                raise PermissionDenied
            return pages[name](model_admin, request, _service(pk))

        return model_admin.admin_site.admin_view(guarded)

    return [path(f"<int:pk>/{name}/", page(name), name=f"openid_service_{name}") for name in pages]


def add(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Add a service; the answer shows its secret, once. Sent twice, the page adds one."""
    form = ServiceForm(request.POST or None, request.FILES or None, initial={"client_id": new_client_id()})
    if form.is_bound and form.is_valid():
        client_id = form.cleaned_data["client_id"] or new_client_id()
        if ConnectedService.objects.filter(client_id=client_id).exists():
            messages.info(request, _("This service was added already. Its secret was shown then, and only then."))
            return redirect("admin:openid_connectedservice_changelist")
        try:
            reason = form.cleaned_data["reason"]
            service, secret = services.add(facts=form.facts(), by=who(request), reason=reason, client_id=client_id)
        except PortalError as error:
            form.add_error(None, sentence(error))
        else:
            return _secret(model_admin, request, service, secret)
    return framed(model_admin, request, None, "form", {"title": _("Add a service"), "form": form})


def change(model_admin: ModelAdmin, request: HttpRequest, pk: str) -> HttpResponse:
    """Change a service, unless somebody else did so meanwhile; what was typed then stays on the page."""
    service = found(pk)
    form = ServiceForm(request.POST or None, request.FILES or None, initial=initial_of(service))
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        try:
            done = services.change(
                service=service,
                revision=given["revision"] if given["revision"] is not None else -1,
                facts=form.facts(),
                by=who(request),
                reason=given["reason"],
            )
        except PortalError as error:
            form.add_error(None, sentence(error))
        else:
            messages.success(request, _("The service was changed.") if done else _("Nothing was different."))
            return redirect("admin:openid_connectedservice_change", service.pk)
    return framed(model_admin, request, service, "form", {"title": service.name, "form": form})


def suspend(model_admin: ModelAdmin, request: HttpRequest, service: ConnectedService) -> HttpResponse:
    explained = _(
        "From this moment on nobody can sign in to it, its tokens are void, and its sessions are told to end."
    )
    return _act(model_admin, request, service, _("Suspend the service"), explained, services.suspend)


def resume(model_admin: ModelAdmin, request: HttpRequest, service: ConnectedService) -> HttpResponse:
    explained = _("Citizens can sign in to it again. What ended with the suspension stays ended.")
    return _act(model_admin, request, service, _("Resume the service"), explained, services.resume)


def rotate(model_admin: ModelAdmin, request: HttpRequest, service: ConnectedService) -> HttpResponse:
    form = RotateForm(request.POST or None, initial={"revision": service.revision})
    if form.is_bound and form.is_valid():
        try:
            secret = services.rotate_secret(service=service, by=who(request), **form.cleaned_data)
        except PortalError as error:
            form.add_error(None, sentence(error))
        else:
            return _secret(model_admin, request, service, secret)
    context = {
        "title": _("New secret"),
        "button": _("New secret"),
        "explained": _("The new secret is shown only now. The one before works on for %(days)s days.")
        % {"days": to_persian_digits(limits.OPENID_SECRET_OVERLAP.days)},
        "form": form,
    }
    return framed(model_admin, request, service, "act", context)


def usage_page(model_admin: ModelAdmin, request: HttpRequest, service: ConnectedService) -> HttpResponse:
    """What the service did day by day, its errors by kind, its sign-outs that wait, and what was done to it."""
    days = usage.of(service, days=limits.OPENID_USAGE_SHOWN)
    errors = sorted({what for counts in days.values() for what in counts if what.startswith("error:")})
    columns = [*usage.WHAT, *errors]
    waiting = LogoutNotice.objects.filter(service=service, final_at__isnull=True).order_by("pk")
    context = {
        "title": _("Usage of the service"),
        "columns": [usage.in_words(what) for what in columns],
        "days": [(format_jalali(day), [counts.get(what, 0) for what in columns]) for day, counts in days.items()],
        "waiting": waiting.count(),
        "oldest": [(jalali(each.created_at, "time"), each.attempts, each.last_error) for each in waiting[:10]],
        "events": [
            {
                "at": jalali(event.at, "time"),
                "what": event.get_kind_display(),
                "who": event.actor,
                "why": event.reason,
                "changes": event_words.changes(event.details),
            }
            for event in service.events.order_by("-pk")[:_EVENTS_SHOWN]
        ],
    }
    return framed(model_admin, request, service, "usage", context)


def logo(_model_admin: ModelAdmin, request: HttpRequest, service: ConnectedService) -> HttpResponse:
    if not service.logo:
        raise Http404
    return HttpResponse(bytes(service.logo), content_type="image/png", headers={"X-Content-Type-Options": "nosniff"})


def _act(
    model_admin: ModelAdmin,
    request: HttpRequest,
    service: ConnectedService,
    title: str,
    explained: str,
    work: Callable[..., bool],
) -> HttpResponse:
    form = ReasonForm(request.POST or None)
    if form.is_bound and form.is_valid():
        done = work(service=service, by=who(request), reason=form.cleaned_data["reason"])
        messages.success(request, title) if done else messages.info(request, _("Nothing was different."))
        return redirect("admin:openid_connectedservice_change", service.pk)
    context = {"title": title, "button": title, "explained": explained, "form": form}
    return framed(model_admin, request, service, "act", context)


def _secret(model_admin: ModelAdmin, request: HttpRequest, service: ConnectedService, secret: str) -> HttpResponse:
    """No redirect: the secret may stand in no session, so this answer is the only one that has it."""
    context = {"title": _("The secret of the service"), "secret": secret}
    response = framed(model_admin, request, service, "secret", context)
    add_never_cache_headers(response)
    return response


def _service(pk: int) -> ConnectedService:
    service = ConnectedService.objects.select_related("sector").filter(pk=pk).first()
    if service is None:
        raise Http404
    return service


def found(pk: str) -> ConnectedService:
    """The service with this primary key, as an address has it. Raises Http404."""
    return _service(int(pk) if pk.isdecimal() and len(pk) < 19 else 0)
