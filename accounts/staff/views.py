"""The pages of the sign-in at /admin/: the password, then the one-time code, or the page where codes are set up.

The admin site brings the templates and their context (tamin_portal/admin.py).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.views import RedirectURLMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from accounts.sessions import devices
from accounts.sign_in import texts as sign_in_texts
from accounts.sign_in.views.password import SignIn
from accounts.staff import flow as staff_flow
from accounts.staff import session as staff_session
from accounts.staff import texts as staff_texts
from accounts.staff import totp
from accounts.staff.forms import StaffCodeForm, StaffSignInForm
from common.errors import PortalError
from common.qr import qr_code

CODE, DEVICE = "admin:staff_code", "admin:staff_device"


class KeepsNext(RedirectURLMixin):
    """Keeps where to go after the sign-in in the address of every step, if it is an address of the portal."""

    request: HttpRequest
    next_page = "admin:index"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """`next`: where to go afterwards, empty when it is no address of the portal."""
        return super().get_context_data(**{self.redirect_field_name: self.get_redirect_url(), **kwargs})  # type: ignore[misc]

    def step(self, page: str) -> HttpResponse:
        wanted = self.get_redirect_url()
        query = urlencode({self.redirect_field_name: wanted}, safe="/") if wanted else ""
        return redirect(reverse(page) + (query and f"?{query}"))


class StaffSignIn(KeepsNext, SignIn):
    """The page of the first step: user name and password."""

    form_class = StaffSignInForm

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            passed = staff_flow.check_password(
                self.request, name=form.name(), password=form.cleaned_data["password"], solution=self.solution
            )
        except PortalError as error:
            return self.refuse_for_now(form, error)
        if passed is None:
            form.add_error(None, sign_in_texts.sentence("wrong_staff"))
            return self.form_invalid(form)
        user, account = passed
        return self.go_on(user, account)

    def go_on(self, user: User, account: str) -> HttpResponse:
        """Go to the code or to where codes are set up; sign in, if this person needs no code."""
        if totp.device_of(user):
            staff_session.begin(self.request, user)
            return self.step(CODE)
        if totp.required():
            staff_session.begin(self.request, user)
            return new_device(self.request, user, self.step(DEVICE))
        staff_session.sign_in(self.request, user)
        response = redirect(self.get_success_url())
        devices.remember_account(self.request, response, account)
        return response


def new_device(request: HttpRequest, user: User, response: HttpResponse) -> HttpResponse:
    """Begin to set up codes in this session, unless they were just set up elsewhere; returns `response`."""
    try:
        staff_session.begin_device(request, user)
    except PortalError:
        messages.info(request, staff_texts.sentence("already_set_up"))
    return response


@method_decorator([sensitive_post_parameters("code"), never_cache], name="dispatch")
class SecondStep(KeepsNext, FormView):
    """The base class of both pages that ask for a code. `user`: whose password was right."""

    form_class = StaffCodeForm
    user: User

    def right_device(self, code: str) -> TOTPDevice:
        """The device that shows this code. Raises PortalError."""
        raise NotImplementedError

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            device = self.right_device(form.cleaned_data["code"])
        except PortalError as error:
            return self.refuse(form, error)
        staff_session.admit(self.request, self.user, device)
        response = redirect(self.get_success_url())
        devices.remember_account(self.request, response, staff_flow.account_key(self.user.username))
        return response

    def refuse(self, form: Any, error: PortalError) -> HttpResponse:
        if error.code not in ("totp_wrong", "totp_pause"):
            return self.begin_again(staff_texts.sentence(error))
        form.add_error("code", staff_texts.sentence(error))
        response = self.form_invalid(form)
        if error.code == "totp_pause":
            response.status_code, response["Retry-After"] = 429, str(error.values["seconds"])
        return response

    def begin_again(self, sentence: str) -> HttpResponse:
        messages.error(self.request, sentence)
        return self.step("admin:login")


class CodePage(SecondStep):
    """The page of the code, for a person whose codes are set up."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        user = staff_session.pending(request)
        if user is None or totp.device_of(user) is None:
            return self.begin_again(staff_texts.sentence("begin_again"))
        self.user = user
        return super().dispatch(request, *args, **kwargs)

    def right_device(self, code: str) -> TOTPDevice:
        return totp.check(user=self.user, code=code)


class DevicePage(SecondStep):
    """The page where codes are set up: the picture for the app, the secret as text, and a right code as the proof.

    For a person whose password was right and who has no codes yet, and for one who is signed in without codes (a demo).
    """

    device: TOTPDevice

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        signed_in = request.user if isinstance(request.user, User) and request.user.is_staff else None
        user = staff_session.pending(request) or (signed_in if totp.may_enter(signed_in) else None)
        if user is None:
            return self.begin_again(staff_texts.sentence("begin_again"))
        device = totp.device_being_set_up(user=user, device_id=request.session.get(staff_session.ENROLMENT))
        if device is None:
            return self.nothing_begun(user)
        self.user, self.device = user, device
        return super().dispatch(request, *args, **kwargs)

    def nothing_begun(self, user: User) -> HttpResponse:
        if user == self.request.user:
            return self.step("admin:index")
        if totp.device_of(user):
            return self.step(CODE)
        return self.begin_again(staff_texts.sentence("totp_replaced"))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        drawn = {"qr": qr_code(self.device.config_url), "secret": totp.secret(self.device)}
        return super().get_context_data(**drawn, **kwargs)

    def right_device(self, code: str) -> TOTPDevice:
        device = totp.confirm(user=self.user, device_id=self.device.pk, code=code)
        messages.success(self.request, staff_texts.sentence("set_up"))
        return device
