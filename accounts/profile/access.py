"""Guards the pages of the profile, and has the current password checked before anything is changed
(`accounts.sign_in.access`).

`owner_page` is for pages on which something is typed or waited for: it says that a form was not taken, and comes back
to the page by its name. A page that is only read, or has nothing but buttons (devices, history), has
`accounts.sessions.guards.citizen_required`, which comes back to the whole address, with the number of a list's page.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.exceptions import SessionInterrupted
from django.forms import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.models import User
from accounts.profile.forms import WithPassword
from accounts.profile.texts import sentence
from accounts.sessions import given_back
from accounts.sessions.guards import View, is_citizen, say_session_over
from accounts.sign_in.access import check_current_password
from common.abuse import hashing_places
from common.errors import PortalError

# Errors of services after which the form cannot go on: another browser was quicker, or the account is closed.
_ENDED = ("changed_meanwhile", "account_closed")
# The field under which the sentence of an error stands; other errors belong to the whole form.
_FIELDS = {
    "password_wrong": "current_password",
    "sign_in_pause": "current_password",
    "same_number": "mobile",
    "mobile_limit": "mobile",
    "code_limit": "mobile",
    "code_budget": "mobile",
    "email_limit": "email",
    "bad_address": "email",
    "empty_answer": "security_answer",
    "answer_too_long": "security_answer",
}


def owner_page(name: str) -> Callable[[View], View]:
    """Decorator: the page is for signed-in citizens; others are sent to the sign-in, and then to the page of this
    `name`.

    Whoever sent a form gets back what was typed, or is told that it was not taken. Never cached.
    """

    def of_page(view: View) -> View:
        @wraps(view)
        @never_cache
        @sensitive_post_parameters()
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if is_citizen(request.user):
                return view(request, *args, **kwargs)
            given = given_back.answer_signed_out(request) if request.method == "POST" else None
            return given or sign_in_again(request, name)

        return guarded

    return of_page


def sign_in_again(request: HttpRequest, name: str) -> HttpResponse:
    """Redirect to the sign-in, and from there to the page of this `name`. Says what became of the session, or of the
    form."""
    if request.method == "POST":
        messages.warning(request, sentence("session_ended"))
    else:
        say_session_over(request)
    return redirect_to_login(reverse(name))


def owner(request: HttpRequest) -> User:
    """The signed-in citizen whose page it is, behind `owner_page`."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("a page of a signed-in citizen")
    return user


def apply_change(
    request: HttpRequest, form: WithPassword, name: str, change: Callable[[str], HttpResponse]
) -> HttpResponse | None:
    """Check the current password, then return what `change` answers; it gets the stored hash. None: refused, and the
    form says why."""
    try:
        return change(check_current_password(request, form.cleaned_data["current_password"]))
    except SessionInterrupted:  # ended, or given another key, by the first press of a double click
        return sign_in_again(request, name)
    except PortalError as error:
        if error.code in _ENDED:
            return sign_in_again(request, name)
        form.pause = int(str(error.values.get("seconds", 0)))
        form.busy = error if error.code == "hashing_busy" else None
        form.add_error(_FIELDS.get(error.code), ValidationError(sentence(error), code=error.code))
        return None


def render_form(request: HttpRequest, template: str, form: WithPassword, **context: Any) -> HttpResponse:
    """The page with the form as it is now. Status 429 during a pause after wrong passwords, 503 where no hash could be
    computed."""
    response = render(request, template, {"form": form, **context}, status=429 if form.pause else 200)
    if form.busy:
        return hashing_places.come_back(response, form.busy)
    if form.pause:
        response["Retry-After"] = str(form.pause)
    return response
