"""The pages of a recovery, one for each step. The grant is in this browser's session; until the code was right no page
tells whether there is an account."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.codes import challenges
from accounts.codes import views as code_views
from accounts.life import questions
from accounts.models import Challenge, CodePurpose
from accounts.recovery import service as recovery_service
from accounts.recovery.forms import AnswerForm, CodeForm, NewPasswordForm, RecoveryForm
from accounts.recovery.service import Standing, Step
from accounts.recovery.session import Recovering
from accounts.recovery.texts import sentence
from accounts.sessions import browsers, devices
from accounts.sessions.guards import next_of, query_of
from accounts.sessions.store import asked_by_itself, renews_itself
from common import limits
from common.abuse import hashing_places
from common.abuse.origins import origin_of
from common.errors import PortalError

PAGES = {
    Step.CODE: "recovery_code",
    Step.ANSWER: "recovery_answer",
    Step.WAIT: "recovery_wait",
    Step.PASSWORD: "recovery_password",
    Step.BRANCH: "recovery_branch",
    Step.DONE: "sign_in",
    Step.OVER: "recovery",
}
_Page = Callable[[HttpRequest, Recovering, Challenge], HttpResponse]
_form_page = require_http_methods(["GET", "HEAD", "POST"])


def at_step(*steps: Step) -> Callable[[_Page], Callable[[HttpRequest], HttpResponse]]:
    """Decorator: for browsers whose recovery stands at one of `steps`; others are redirected to their step."""

    def of_step(page: _Page) -> Callable[[HttpRequest], HttpResponse]:
        @wraps(page)
        @never_cache
        @sensitive_post_parameters()
        def guarded(request: HttpRequest) -> HttpResponse:
            browser = Recovering(request)
            row = browser.challenge()
            if row is None:
                if request.method == "POST":
                    messages.warning(request, sentence("session_ended"))
                return _to(request, "recovery")
            found = browser.standing(row)
            return page(request, browser, row) if found.step in steps else _redirect_to_step(request, browser, found)

        return guarded

    return of_step


@_form_page
@never_cache
def recovery(request: HttpRequest) -> HttpResponse:
    """The first step: whose password. Writes the same row for every national ID."""
    browser = Recovering(request)
    under_way = browser.challenge()
    if request.method == "POST":
        form = RecoveryForm(request.POST)
        if form.is_valid():
            _begin(request, browser, under_way, form)
            return _to(request, "recovery_code")
    else:
        form = RecoveryForm(initial={"page": secrets.token_urlsafe(16)})
    found = browser.standing(under_way) if under_way else Standing(Step.OVER)
    goes_on = PAGES[found.step] if found.step not in (Step.OVER, Step.DONE, Step.BRANCH) else ""
    return render(request, "accounts/recovery.html", {"form": form, "goes_on": goes_on})


def _begin(request: HttpRequest, browser: Recovering, under_way: Challenge | None, form: RecoveryForm) -> None:
    national_id, page = form.cleaned_data["national_id"], form.cleaned_data["page"]
    if under_way and under_way.national_id == national_id and browser.standing(under_way).step == Step.CODE:
        # The form was sent once more: the code that is on its way still counts.
        challenges.ask_again(challenge=under_way, **_requester(request, national_id))
        return
    secret = str(request.META.get("CSRF_COOKIE") or "")
    tied = f"{secret}:{page}" if secret and page else ""
    challenge = challenges.begin(
        purpose=CodePurpose.RECOVERY, national_id=national_id, page=tied, **_requester(request, national_id)
    )
    browser.begin(challenge)


def _requester(request: HttpRequest, national_id: str) -> dict[str, Any]:
    """Where a code is asked for, and the trusted device of the account's owner, if it is one."""
    origin = origin_of(request.client_address)  # type: ignore[attr-defined]
    return {"origin": origin, "trusted": devices.trusted(request, national_id)}


@renews_itself
@_form_page
@at_step(Step.CODE)
def code(request: HttpRequest, browser: Recovering, row: Challenge) -> HttpResponse:
    """The second step: the code that was sent, if there is an account."""
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            browser.grant(challenges.prove(challenge=row, typed_code=form.cleaned_data["code"]))
            return _to(request, "recovery_answer")
        except PortalError as error:
            if error.code == "account_closed":
                messages.error(request, sentence(error))
                return _to(request, "recovery_branch")
            form.add_error("code", sentence(error))
    context = {"form": form, "wait": challenges.wait(challenge=row), **code_views.context(request, row)}
    return render(request, "accounts/recovery_code.html", context)


@asked_by_itself
@require_POST
@at_step(Step.CODE)
def proof(request: HttpRequest, browser: Recovering, row: Challenge) -> HttpResponse:
    """Take the browser's solution of the proof of work: a held code is then sent. The same for every national ID."""
    return code_views.pay(request, row)


@require_POST
@at_step(Step.CODE)
def resend(request: HttpRequest, browser: Recovering, row: Challenge) -> HttpResponse:
    """Send another code, if there is an account."""
    wait = challenges.ask_again(challenge=row, **_requester(request, row.national_id))
    messages.info(request, sentence("code_wait", wait=wait) if wait else sentence("code_again"))
    return _to(request, "recovery_code")


@_form_page
@at_step(Step.ANSWER)
def answer(request: HttpRequest, browser: Recovering, row: Challenge) -> HttpResponse:
    """The third step: the security answer; only a button where a branch has seen the papers."""
    account = row.account
    asked = account is not None and not recovery_service.needs_no_answer(account=account)
    form, busy = AnswerForm(request.POST if request.method == "POST" and asked else None), None
    if request.method == "POST" and (not asked or form.is_valid()):
        typed = form.cleaned_data["answer"] if asked else ""
        try:
            recovery_service.answer(challenge=row, typed=typed, browser=browsers.in_words(request))
            return _to(request, "recovery_wait")
        except PortalError as error:
            if error.code in ("moved_on", "account_closed") or error.values.get("left") == 0:
                return _to(request, "recovery_wait")  # that page redirects to the right step
            busy = error if error.code == "hashing_busy" else None
            form.add_error(None if busy else "answer", sentence(error))
    question = questions.QUESTIONS.get(account.security_question, "") if account else ""
    page = render(request, "accounts/recovery_answer.html", {"form": form, "asked": asked, "question": question})
    return hashing_places.come_back(page, busy) if busy else page


@require_safe
@renews_itself
@at_step(Step.WAIT)
def wait(request: HttpRequest, browser: Recovering, row: Challenge) -> HttpResponse:
    """The page shown while the registry is asked. It reloads itself, with a script or without."""
    return render(request, "accounts/recovery_wait.html", {"goes_on": "", "renews": _renews(row)})


@require_safe
@asked_by_itself
@never_cache
def waiting(request: HttpRequest) -> HttpResponse:
    """The part of the waiting page that the script renews. 404 where there is no recovery."""
    browser = Recovering(request)
    row = browser.challenge()
    if row is None:
        raise Http404
    step = browser.standing(row).step
    goes_on = "" if step == Step.WAIT else PAGES[step]
    return render(request, "accounts/_recovery_wait.html", {"goes_on": goes_on, "step": step})


@_form_page
@at_step(Step.PASSWORD, Step.DONE)
def password(request: HttpRequest, browser: Recovering, row: Challenge) -> HttpResponse:
    """The last step: a new password, twice. Nobody is signed in by it."""
    if request.method != "POST" and browser.standing(row).step == Step.DONE:
        return _to(request, "sign_in")
    if row.account is None:
        raise Http404
    with_question = recovery_service.needs_question(challenge=row)
    typed = request.POST if request.method == "POST" else None
    form, busy = NewPasswordForm(typed, account=row.account, with_question=with_question), None
    if form.is_valid():
        try:
            recovery_service.set_password(challenge=row, **form.chosen(), browser=browsers.in_words(request))
            messages.success(request, sentence("password_set"))
            return _to(request, "sign_in")
        except PortalError as error:
            if error.code == "moved_on":
                return _moved_on(request, browser)
            if error.code == "account_closed":
                return _to(request, "recovery_branch")
            busy = error if error.code == "hashing_busy" else None
            form.add_error(None if busy else "password", forms.ValidationError(sentence(error), code=error.code))
    shown = {"form": form, "with_question": with_question, "national_id": form.account.national_id}
    page = render(request, "accounts/recovery_password.html", shown)
    return hashing_places.come_back(page, busy) if busy else page


def _moved_on(request: HttpRequest, browser: Recovering) -> HttpResponse:
    """Redirect after another device, or another press of the button, was quicker."""
    row = browser.challenge()
    return _redirect_to_step(request, browser, browser.standing(row) if row else Standing(Step.OVER, "late"))


def _redirect_to_step(request: HttpRequest, browser: Recovering, found: Standing) -> HttpResponse:
    if found.step == Step.OVER:
        messages.warning(request, sentence(found.why))
        browser.forget()
    elif found.step == Step.DONE and request.method == "POST":
        messages.info(request, sentence("done"))
    return _to(request, PAGES[found.step])


def _to(request: HttpRequest, name: str) -> HttpResponse:
    """Redirect to a page of the way back to the sign-in, which knows where the person wanted to go."""
    return redirect(reverse(name) + query_of(next_of(request)))


def _renews(row: Challenge) -> int:
    """After how many seconds the page reloads itself."""
    asked = row.owner_check.created_at  # a recovery at this step has one
    late = timezone.now() - asked > limits.OWNER_CHECK_TELL_AFTER
    return int((limits.RECOVERY_RENEWS_LATER if late else limits.RECOVERY_RENEWS).total_seconds())
