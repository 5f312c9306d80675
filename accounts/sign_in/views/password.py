"""The page of a citizen's sign-in, and the base class that it shares with the staff's page."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import RedirectURLMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from accounts.codes import texts as code_texts
from accounts.sessions.guards import is_citizen, query_of
from accounts.sign_in import destinations, pressure
from accounts.sign_in import flow as sign_in_flow
from accounts.sign_in import service as sign_in_service
from accounts.sign_in import session as sign_in_session
from accounts.sign_in import texts as sign_in_texts
from accounts.sign_in.forms import CitizenSignInForm
from common.abuse import hashing_places
from common.errors import PortalError


@method_decorator([sensitive_post_parameters("password"), never_cache], name="dispatch")
class SignIn(RedirectURLMixin, FormView):
    """The base class of both sign-in pages."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """`next`: where to go afterwards, empty when it is no address of the portal. `proof`: the proof of work for the
        browser, empty as a rule."""
        more = {self.redirect_field_name: self.get_redirect_url(), "proof": pressure.to_solve(self.request)}
        return super().get_context_data(**more | kwargs)

    @property
    def solution(self) -> str:
        """The solution of the page's proof of work, if it gave one."""
        return self.request.POST.get("proof", "")

    def refuse_for_now(self, form: Any, error: PortalError) -> HttpResponse:
        """The same page with what was typed, except the password. Status 429 during a pause or where a proof of work is
        required, 503 where no hash could be computed."""
        seconds = int(str(error.values["seconds"]))
        form.add_error(None, sign_in_texts.sentence(error))
        turn = seconds if error.code == "pressure" else 0
        response = self.render_to_response(self.get_context_data(form=form, turn=turn))
        if error.code == "hashing_busy":
            return hashing_places.come_back(response, error)
        response.status_code = 429
        response["Retry-After"] = str(seconds)
        return response


class CitizenSignIn(SignIn):
    template_name = "accounts/sign_in.html"
    form_class = CitizenSignInForm
    next_page = "home"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_citizen(request.user):
            return redirect(self.get_success_url())
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(leads_to=destinations.service_name(self.get_redirect_url()), **kwargs)

    def get_initial(self) -> dict[str, Any]:
        """The national ID whose mobile was just proven here. A trusted device fills in none: a household reads it."""
        proof = sign_in_session.proven_challenge(self.request)
        return {"national_id": proof.national_id} if proof else {}

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            passed = sign_in_flow.try_password(
                self.request,
                national_id=form.name(),
                password=form.cleaned_data["password"],
                solution=self.solution,
            )
            return self.go_on(passed, remember=form.cleaned_data["remember"]) if passed else self.refuse(form)
        except PortalError as error:
            if error.code in ("sign_in_pause", "pressure", "hashing_busy"):
                self.extra_context = {"paused": error.code == "sign_in_pause"}
                return self.refuse_for_now(form, error)
            if error.code in ("account_closed", "changed_meanwhile"):
                return self.refuse(form)
            self.extra_context = {"no_code": True}
            form.add_error(None, sign_in_texts.sentence("no_code", reason=code_texts.sentence(error)))
            return self.form_invalid(form)

    def go_on(self, passed: sign_in_flow.Passed, *, remember: bool) -> HttpResponse:
        """Sign in, or go on to the code. Raises PortalError."""
        if not passed.needs_code:
            response = redirect(self.get_success_url())
            return sign_in_flow.admit(self.request, passed.user, response, remember=remember, passed=passed)
        asker = sign_in_session.asker_of(self.request, passed.user)
        sign_in_service.send_code(account=passed.user, asker=asker)
        sign_in_session.begin_second_step(
            self.request, passed.user, asker=asker, remember=remember, next_page=self.get_redirect_url()
        )
        return redirect(reverse("sign_in_code") + query_of(self.get_redirect_url()))

    def refuse(self, form: Any) -> HttpResponse:
        form.add_error(None, sign_in_texts.sentence("wrong_citizen"))
        return self.form_invalid(form)


sign_in = CitizenSignIn.as_view()
