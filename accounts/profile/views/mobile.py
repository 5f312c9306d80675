"""The pages of a change of mobile: the new number, its code, and the wait for the registry of owners."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.contrib.sessions.exceptions import SessionInterrupted
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.codes import delivery as code_delivery
from accounts.codes import issuing
from accounts.codes import texts as code_texts
from accounts.models import CodePurpose, MobileChange, MobileChangeStage
from accounts.profile import mobile_change
from accounts.profile.access import apply_change, owner, owner_page, render_form, sign_in_again
from accounts.profile.forms import MobileForm, NewNumberCodeForm
from accounts.profile.texts import sentence
from accounts.sessions import browsers
from accounts.sessions.store import asked_by_itself, renews_itself
from common import limits
from common.errors import PortalError
from common.persian import mask_mobile


@require_http_methods(["GET", "HEAD", "POST"])
@owner_page("profile_mobile")
def mobile(request: HttpRequest) -> HttpResponse:
    """The new number and the current password; a code is sent to it."""
    form = MobileForm(request.POST if request.method == "POST" else None)
    answer = form.is_valid() and apply_change(
        request, form, "profile_mobile", lambda checked: _begin(request, form, checked)
    )
    if answer:
        return answer
    change = mobile_change.newest(account=owner(request))
    asked = change is not None and change.stage == MobileChangeStage.OWNER_ASKED
    return render_form(request, "accounts/profile_mobile.html", form, asked=asked)


def _begin(request: HttpRequest, form: MobileForm, checked: str) -> HttpResponse:
    typed = {name: form.cleaned_data[name] for name in ("mobile", "operator")}
    mobile_change.begin(account=owner(request), checked=checked, browser=browsers.in_words(request), **typed)
    return redirect("profile_mobile_code")


@require_http_methods(["GET", "HEAD", "POST"])
@owner_page("profile_mobile_code")
def code(request: HttpRequest) -> HttpResponse:
    """The code that was sent to the new number."""
    change = mobile_change.newest(account=owner(request))
    if change is None or not mobile_change.waits_for_code(change):
        return _elsewhere(request, change)
    if request.method == "POST" and request.POST.get("change", "") != str(change.token):
        return _other_change(request)
    form = NewNumberCodeForm(request.POST if request.method == "POST" else None, initial={"change": change.token})
    answer = form.is_valid() and _try(request, form, change)
    return answer or _code_page(request, form, change)


def _code_page(request: HttpRequest, form: NewNumberCodeForm, change: MobileChange) -> HttpResponse:
    context = {
        "form": form,
        "masked_mobile": mask_mobile(change.mobile),
        "wait": issuing.wait(purpose=CodePurpose.NEW_MOBILE, mobile=change.mobile, asker=str(change.token)),
        "delivery": code_delivery.of_newest(
            purpose=CodePurpose.NEW_MOBILE, mobile=change.mobile, asker=str(change.token)
        ),
    }
    return render(request, "accounts/profile_mobile_code.html", context)


def _try(request: HttpRequest, form: NewNumberCodeForm, change: MobileChange) -> HttpResponse | None:
    try:
        mobile_change.confirm(change=change, typed_code=form.cleaned_data["code"])
    except PortalError as error:
        if error.code == "account_closed":
            return sign_in_again(request, "profile_mobile")
        if error.code == "change_over":
            return _elsewhere(request, None)
        form.add_error("code", sentence(error))
        return None
    with suppress(SessionInterrupted):  # the first press of a double click has given it another key
        request.session.cycle_key()
    return redirect("profile_mobile_wait")


@require_POST
@owner_page("profile_mobile_code")
def resend(request: HttpRequest) -> HttpResponse:
    """Send another code to the new number."""
    change = mobile_change.newest(account=owner(request))
    if change is None or not mobile_change.waits_for_code(change):
        return _elsewhere(request, change)
    if request.POST.get("change", "") != str(change.token):
        return _other_change(request)
    try:
        issued = mobile_change.resend(change=change)
    except PortalError as error:
        messages.error(request, sentence(error))
    else:
        messages.info(request, code_texts.sentence_of(issued))
    return redirect("profile_mobile_code")


@require_safe
@renews_itself
@owner_page("profile_mobile_wait")
def wait(request: HttpRequest) -> HttpResponse:
    """What became of the newest change; reloads itself while the registry is asked."""
    change = mobile_change.newest(account=owner(request))
    if change is None or change.stage == MobileChangeStage.CODE_SENT:
        return redirect("profile_mobile_code")
    return render(request, "accounts/profile_mobile_wait.html", _progress(change))


@require_safe
@asked_by_itself
@owner_page("profile_mobile_wait")
def progress(request: HttpRequest) -> HttpResponse:
    """The part of the waiting page that the script renews."""
    change = mobile_change.newest(account=owner(request))
    if change is None or change.stage == MobileChangeStage.CODE_SENT:
        raise Http404
    return render(request, "accounts/_profile_mobile_progress.html", _progress(change))


def _progress(change: MobileChange) -> dict[str, Any]:
    """`slow`: no registry answered at once. `renews`: seconds until the page looks again; 0: it does not."""
    check = mobile_change.owner_check(change)
    asked = check is not None and change.stage == MobileChangeStage.OWNER_ASKED
    since = timezone.now() - check.created_at if check else limits.OWNER_CHECK_LIFE
    renews = asked and since < limits.MOBILE_WAIT_RENEWS_UNTIL
    return {
        "stage": change.stage,
        "masked_mobile": mask_mobile(change.mobile),
        "slow": bool(check and check.outcome) or since > limits.OWNER_CHECK_TELL_AFTER,
        "until": check.created_at + limits.OWNER_CHECK_LIFE if check else None,
        "renews": int(limits.MOBILE_WAIT_RENEWS.total_seconds()) if renews else 0,
    }


def _elsewhere(request: HttpRequest, change: MobileChange | None) -> HttpResponse:
    """Redirect where there is no code to type: it was right already, or the change is over."""
    if change is not None and change.stage not in (MobileChangeStage.CODE_SENT, MobileChangeStage.ENDED):
        return redirect("profile_mobile_wait")
    if change is not None or request.method == "POST":
        messages.warning(request, sentence("change_over"))
    return redirect("profile_mobile")


def _other_change(request: HttpRequest) -> HttpResponse:
    messages.warning(request, sentence("other_change"))
    return redirect("profile_mobile_code")
