"""The page on which an administrator tries a service, and reads what came of the last try."""

from __future__ import annotations

import threading

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from common.sentences import jalali
from openid import services
from openid.admin.frame import framed, who
from openid.models import ConnectedService, ServiceEventKind
from openid.trial import flow, known, outside, report, texts
from openid.trial.report import Line, Outcome

_running = threading.Lock()  # a trial may last ten seconds: it holds one thread of a web process, never all of them


def page(model_admin: ModelAdmin, request: HttpRequest, service: ConnectedService) -> HttpResponse:
    """A POST tries the service and leads back to the page, which shows the last report."""
    if request.method == "POST":
        if not _tried(request, service):
            messages.warning(request, _("Another trial is running. Please try again in a moment."))
        return redirect("admin:openid_service_try", service.pk)
    last = service.events.filter(kind=ServiceEventKind.TRIED).order_by("-pk").first()
    lines = report.from_stored(last.details["report"]) if last else []
    context = {
        "title": _("Try the service"),
        "at": jalali(last.at, "time") if last else "",
        "by": last.actor if last else "",
        "lines": [_shown(line) for line in lines],
        "failed": sum(line.outcome == Outcome.FAILED for line in lines),
    }
    return framed(model_admin, request, service, "try", context)


def _tried(request: HttpRequest, service: ConnectedService) -> bool:
    """Try the service and keep the report; False, and nothing is done, while this process tries one."""
    if not _running.acquire(blocking=False):
        return False
    try:
        lines = [*flow.through_the_portal(service), *outside.addresses_of(service), *known.of(service)]
        services.note_trial(service=service, by=who(request), report=report.as_stored(lines))
    finally:
        _running.release()
    return True


def _shown(line: Line) -> dict[str, str]:
    """A line as the page has it: the kind of its outcome, the outcome in words, the step, the sentence."""
    return {
        "kind": line.outcome.value,
        "outcome": str(texts.OUTCOMES[line.outcome]),
        "step": str(texts.STEPS[line.step]),
        "said": texts.sentence(line.said, line.values),
    }
