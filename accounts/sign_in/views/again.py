"""The page on which a signed-in citizen proves to be there still, by the password or by a code by SMS: a service wants
to be surer than this session is.

The address says what is needed (`need`) and where to go then (`next`); that page decides whether it is enough. A
browser in which nobody is signed in any more is sent there at once, and from there to the sign-in: also after the first
press of a double click, which has given the session another key.
"""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.exceptions import SessionInterrupted
from django.forms import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.codes import delivery as code_delivery
from accounts.codes import issuing
from accounts.codes import texts as code_texts
from accounts.models import CodePurpose, User
from accounts.sessions import sign_in_facts
from accounts.sessions.guards import is_citizen, next_of
from accounts.sign_in import destinations
from accounts.sign_in import service as sign_in_service
from accounts.sign_in import session as sign_in_session
from accounts.sign_in import texts as sign_in_texts
from accounts.sign_in.access import check_current_password
from accounts.sign_in.forms import CodeForm, PasswordAgainForm
from common.abuse import hashing_places
from common.errors import PortalError
from common.persian import mask_mobile

PASSWORD, CODE = "password", "code"
# The session or the account is over, or was changed meanwhile.
_OVER = ("account_closed", "changed_meanwhile", "sign_in_over")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters()
def again(request: HttpRequest) -> HttpResponse:
    """Ask for the first of what is needed; then for the next, or go on."""
    needed = _needed(request)
    if not needed or not is_citizen(request.user):
        return HttpResponseRedirect(_destination(request))
    page = _password if needed[0] == PASSWORD else _code
    try:
        return page(request, needed[1:])
    except SessionInterrupted:  # ended, or given another key, by the first press of a double click
        return HttpResponseRedirect(_destination(request))
    except PortalError as error:
        if error.code not in _OVER:
            raise
        return HttpResponseRedirect(_destination(request))


@require_POST
@never_cache
def send(request: HttpRequest) -> HttpResponse:
    """Send a code to the mobile on record, the first one or another."""
    facts = sign_in_facts.facts_of(request)
    if facts is None:
        return HttpResponseRedirect(_destination(request))
    try:
        issued = sign_in_service.send_code(account=_user(request), asker=_asker(facts))
    except PortalError as error:
        messages.error(request, code_texts.sentence(error))
    else:
        say = messages.success if issued.sent else messages.info
        say(request, code_texts.sentence_of(issued))
    return redirect(_address(request, _needed(request)))


@require_POST
@never_cache
def as_another(request: HttpRequest) -> HttpResponse:
    """Another person wants to sign in: end this session, and go to the sign-in and from there to `next`."""
    logout(request)
    return redirect_to_login(_destination(request))


def _password(request: HttpRequest, then: list[str]) -> HttpResponse:
    form = PasswordAgainForm(request.POST if request.method == "POST" else None)
    pause, busy = 0, None
    if form.is_valid():
        try:
            checked = check_current_password(request, form.cleaned_data["password"])
            sign_in_service.confirm_password(account=_user(request), checked=checked)
            return _go_on(request, then, password=True)
        except PortalError as error:
            if error.code in _OVER:
                raise
            pause = int(str(error.values.get("seconds", 0)))
            busy = error if error.code == "hashing_busy" else None
            form.add_error("password", ValidationError(sign_in_texts.sentence(error), code=error.code))
    response = _page(request, "accounts/sign_in_again.html", form)
    if busy:
        return hashing_places.come_back(response, busy)
    if pause:
        response.status_code, response["Retry-After"] = 429, str(pause)
    return response


def _code(request: HttpRequest, then: list[str]) -> HttpResponse:
    user, facts = _user(request), sign_in_facts.facts_of(request)
    if facts is None:
        return HttpResponseRedirect(_destination(request))
    asker = _asker(facts)
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            sign_in_service.confirm_code(account=user, asker=asker, typed_code=form.cleaned_data["code"])
            return _go_on(request, then, code=True)
        except PortalError as error:
            if error.code in _OVER:
                raise
            form.add_error("code", ValidationError(code_texts.sentence(error), code=error.code))
    purpose, mobile = CodePurpose.SECOND_STEP, user.mobile
    sent = form.is_bound or sign_in_service.waits_for_code(account=user, asker=asker)
    context = {
        "was_asked": sent,
        "delivery": code_delivery.of_newest(purpose=purpose, mobile=mobile, asker=asker) if sent else None,
        "wait": issuing.wait(purpose=purpose, mobile=mobile, asker=asker),
        "masked_mobile": mask_mobile(mobile),
        "on_record": True,
    }
    return _page(request, "accounts/sign_in_again_code.html", form, **context)


def _go_on(request: HttpRequest, then: list[str], **proven: bool) -> HttpResponse:
    """The proof was right: it is noted, under a new key of the session. Raises SessionInterrupted."""
    sign_in_facts.typed_again(request, **proven)
    request.session.cycle_key()
    return redirect(_address(request, then)) if then else HttpResponseRedirect(_destination(request))


def _page(request: HttpRequest, template: str, form: Any, **context: Any) -> HttpResponse:
    next_page = next_of(request)
    found = {"form": form, "next": next_page, "leads_to": destinations.service_name(next_page)}
    query = urlencode({"need": _needed(request), "next": next_page}, doseq=True)
    return render(request, template, found | {"query": query} | context)


def _needed(request: HttpRequest) -> list[str]:
    """What the address asks for, the password first."""
    asked = request.GET.getlist("need")
    return [name for name in (PASSWORD, CODE) if name in asked]


def _address(request: HttpRequest, needed: list[str]) -> str:
    return f"{reverse('sign_in_again')}?{urlencode({'need': needed, 'next': next_of(request)}, doseq=True)}"


def _destination(request: HttpRequest) -> str:
    """Where to go from here; never to this page itself, which would come here again."""
    next_page = next_of(request)
    return reverse("home") if not next_page or next_page.startswith(reverse("sign_in_again")) else next_page


def _asker(facts: sign_in_facts.Facts) -> str:
    return sign_in_session.asker_again(facts.portal_sid)


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
