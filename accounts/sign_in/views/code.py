"""The pages for typing a code at the sign-in: of the second step after a right password, and of a challenge, by which a
browser that has to pause proves the mobile.

The pages of a challenge are the same for every national ID; only those of the second step tell what became of the SMS.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.views import RedirectURLMixin
from django.forms import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe
from django.views.generic import FormView

from accounts.codes import challenges, issuing
from accounts.codes import delivery as code_delivery
from accounts.codes import texts as code_texts
from accounts.codes import views as code_views
from accounts.models import CodePurpose, User
from accounts.sessions import devices
from accounts.sessions.guards import next_of, query_of
from accounts.sessions.keys import change_key
from accounts.sessions.store import asked_by_itself
from accounts.sign_in import flow as sign_in_flow
from accounts.sign_in import risk
from accounts.sign_in import service as sign_in_service
from accounts.sign_in import session as sign_in_session
from accounts.sign_in import texts as sign_in_texts
from accounts.sign_in.forms import ByCodeForm, CodeForm
from accounts.sign_in.session import PendingChallenge, PendingSecondStep
from common.abuse.origins import origin_of
from common.errors import PortalError
from common.persian import mask_mobile


@method_decorator(never_cache, name="dispatch")
class ByCode(RedirectURLMixin, FormView):
    """Asks for the national ID whose mobile is to be proven. The answer is the same page for every ID."""

    template_name = "accounts/sign_in_by_code.html"
    form_class = ByCodeForm
    next_page = "home"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{self.redirect_field_name: self.get_redirect_url(), **kwargs})

    def form_valid(self, form: Any) -> HttpResponse:
        national_id = form.cleaned_data["national_id"]
        before = sign_in_session.pending_challenge(self.request)
        if before and before.challenge.national_id == national_id:  # the same button again, or another tab
            challenges.ask_again(challenge=before.challenge, **_requester(self.request, national_id))
            challenge = before.challenge
        else:
            challenge = challenges.begin(
                purpose=CodePurpose.SIGN_IN, national_id=national_id, **_requester(self.request, national_id)
            )
        sign_in_session.wait_for_code(self.request, challenge, next_page=self.get_redirect_url())
        return to_code(self.get_redirect_url())


@method_decorator([sensitive_post_parameters("code"), never_cache], name="dispatch")
class CodePage(FormView):
    """The page for typing the code: of the second step or of the challenge, whichever this session waits for."""

    template_name = "accounts/sign_in_code.html"
    form_class = CodeForm
    second: tuple[User, PendingSecondStep] | None
    waiting: PendingChallenge | None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.second = sign_in_session.pending_second_step(request)
        self.waiting = None if self.second else sign_in_session.pending_challenge(request)
        if not self.second and not self.waiting:
            return begin_again(request)
        if request.method == "POST" and request.POST.get("page", self.page) != self.page:
            messages.warning(request, sign_in_texts.sentence("other_tab"))
            return to_code(self.next_page)
        return super().dispatch(request, *args, **kwargs)

    @property
    def next_page(self) -> str:
        """Where the person wants to go: as this session remembers it, else as the address says."""
        waits = self.second[1] if self.second else self.waiting
        return waits.next if waits else next_of(self.request)

    @property
    def page(self) -> str:
        if self.second:
            return sign_in_session.page_of(self.second[1].asker)
        return sign_in_session.page_of(str(self.waiting.challenge.token)) if self.waiting else ""

    def get_initial(self) -> dict[str, Any]:
        return {"page": self.page}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs) | {"next": self.next_page}
        if self.waiting:
            challenge = self.waiting.challenge
            return (
                context | {"wait": challenges.wait(challenge=challenge)} | code_views.context(self.request, challenge)
            )
        if self.second:
            by_risk = risk.is_only_reason(account=self.second[0])
            return context | {"wait": _wait(*self.second), "by_risk": by_risk} | _delivery(*self.second)
        return context

    def form_valid(self, form: Any) -> HttpResponse:
        typed = form.cleaned_data["code"]
        try:
            if self.second:
                return self.finish_second_step(*self.second, typed)
            if self.waiting:
                return self.keep_proof_of_mobile(self.waiting, typed)
        except PortalError as error:
            return self.refuse(form, error)
        return begin_again(self.request)

    def finish_second_step(self, user: User, step: PendingSecondStep, typed: str) -> HttpResponse:
        """Sign in after the right code of the second step. The old session key keeps the pending step, for a lost
        answer."""
        user = sign_in_service.confirm_code(account=user, asker=step.asker, typed_code=typed)
        change_key(self.request.session)
        response = HttpResponseRedirect(step.next or reverse("home"))
        return sign_in_flow.admit(
            self.request,
            user,
            response,
            remember=step.remember,
            password_at=step.password_at,
            code_at=timezone.now(),
        )

    def keep_proof_of_mobile(self, waiting: PendingChallenge, typed: str) -> HttpResponse:
        """Keep the proof after the right code of a challenge, and go back to the password: a code alone signs nobody
        in."""
        proof = challenges.prove(challenge=waiting.challenge, typed_code=typed)
        sign_in_session.keep_proof(self.request, proof)
        messages.success(self.request, sign_in_texts.sentence("number_proven"))
        return redirect(reverse("sign_in") + query_of(waiting.next))

    def refuse(self, form: Any, error: PortalError) -> HttpResponse:
        if error.code in ("sign_in_over", "changed_meanwhile"):
            return begin_again(self.request)
        closed = error.code == "account_closed"
        form.add_error(
            "code", ValidationError(sign_in_texts.sentence("account_closed") if closed else code_texts.sentence(error))
        )
        return self.form_invalid(form)


@asked_by_itself
@never_cache
@require_safe
def delivery(request: HttpRequest) -> HttpResponse:
    """The part of the second step's page that tells how far its SMS is; the script renews it. 404 for any other
    session."""
    second = sign_in_session.pending_second_step(request)
    if second is None:
        raise Http404
    return render(request, "shared/_delivery.html", _delivery(*second))


@asked_by_itself
@require_POST
@never_cache
def proof(request: HttpRequest) -> HttpResponse:
    """Take the browser's solution of the proof of work: a held code is then sent. The same for every national ID."""
    waiting = sign_in_session.pending_challenge(request)
    if waiting is None:
        raise Http404
    return code_views.pay(request, waiting.challenge)


@require_POST
@never_cache
def resend(request: HttpRequest) -> HttpResponse:
    """Send another code for what this session waits for."""
    second = sign_in_session.pending_second_step(request)
    waiting = None if second else sign_in_session.pending_challenge(request)
    if second:
        _send_again(request, *second)
        return to_code(second[1].next)
    if waiting:
        challenge = waiting.challenge
        left = challenges.ask_again(challenge=challenge, **_requester(request, challenge.national_id))
        _say(request, sign_in_texts.sentence("asked_again"), left)
        return to_code(waiting.next)
    return begin_again(request)


def _requester(request: HttpRequest, national_id: str) -> dict[str, Any]:
    """Where a code is asked for, and the trusted device of the account's owner, if it is one."""
    origin = origin_of(request.client_address)  # type: ignore[attr-defined]
    return {"origin": origin, "trusted": devices.trusted(request, national_id)}


def _delivery(user: User, step: PendingSecondStep) -> dict[str, Any]:
    found = code_delivery.of_newest(purpose=CodePurpose.SECOND_STEP, mobile=user.mobile, asker=step.asker)
    return {"delivery": found, "masked_mobile": mask_mobile(user.mobile), "on_record": True}


def _wait(user: User, step: PendingSecondStep) -> int:
    return issuing.wait(purpose=CodePurpose.SECOND_STEP, mobile=user.mobile, asker=step.asker)


def _send_again(request: HttpRequest, user: User, step: PendingSecondStep) -> None:
    try:
        issued = sign_in_service.send_code(account=user, asker=step.asker)
    except PortalError as error:
        messages.error(request, sign_in_texts.sentence("no_code", reason=code_texts.sentence(error)))
        return
    say = messages.success if issued.sent else messages.info
    say(request, code_texts.sentence_of(issued))


def _say(request: HttpRequest, sent: str, left: int) -> None:
    if left:
        messages.info(request, code_texts.sentence("code_wait", wait=left))
    else:
        messages.success(request, sent)


def begin_again(request: HttpRequest) -> HttpResponse:
    messages.warning(request, sign_in_texts.sentence("begin_again"))
    return redirect(reverse("sign_in") + query_of(next_of(request)))


def to_code(next_page: str) -> HttpResponse:
    """Redirect to the page where the code is typed."""
    return redirect(reverse("sign_in_code") + query_of(next_page))
