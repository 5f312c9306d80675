"""Sign-in on the portal, home, sign-out."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth import logout
from django.contrib.auth.views import RedirectURLMixin, redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe
from django.views.generic import FormView

from accounts import catalogue, devices, entrance, texts
from accounts.forms import CitizenSignInForm
from accounts.models import User
from tamin_portal.errors import PortalError

View = Callable[..., HttpResponse]


def is_citizen(user: Any) -> bool:
    """Whether `user` (perhaps anonymous) is a signed-in citizen; staff are not."""
    return isinstance(user, User) and bool(user.national_id)


def citizen_required(view: View) -> View:
    """The page behind it is for signed-in citizens; others sign in first. Never cached."""

    @wraps(view)
    @never_cache
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_citizen(request.user):
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    return guarded


@method_decorator([sensitive_post_parameters("password"), never_cache], name="dispatch")
class SignIn(RedirectURLMixin, FormView):
    """A sign-in page. The parts say who comes in here and where they go then."""

    kind: entrance.Kind
    wrong: Callable[[], str]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """`next`: where to go afterwards, empty when it is not a place of ours."""
        return super().get_context_data(**{self.redirect_field_name: self.get_redirect_url(), **kwargs})

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            account = entrance.sign_in(
                self.request, kind=self.kind, name=form.name(), password=form.cleaned_data["password"]
            )
        except PortalError as error:
            return self.come_back_later(form, error.values["seconds"])
        if account is None:
            form.add_error(None, type(self).wrong())
            return self.form_invalid(form)
        response = redirect(self.get_success_url())
        devices.remember(self.request, response, account)
        return response

    def come_back_later(self, form: Any, seconds: Any) -> HttpResponse:
        form.add_error(None, texts.pause(seconds))
        response = self.form_invalid(form)
        response.status_code = 429
        response["Retry-After"] = str(seconds)
        return response


class CitizenSignIn(SignIn):
    template_name = "accounts/sign_in.html"
    form_class = CitizenSignInForm
    kind = entrance.Kind.CITIZEN
    wrong = texts.wrong_citizen
    next_page = "home"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_citizen(request.user):
            return redirect(self.get_success_url())
        return super().get(request, *args, **kwargs)


sign_in = CitizenSignIn.as_view()


@citizen_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Greets by name, and shows the organisation's services."""
    return render(request, "accounts/home.html", {"services": catalogue.shown()})


@require_POST
@never_cache
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session. Without one, nothing happens."""
    logout(request)
    return redirect("sign_in")
