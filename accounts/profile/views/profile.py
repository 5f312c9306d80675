"""The page of the profile, and those that change the password, the security question and the code on new devices."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.life import questions
from accounts.models import MobileChangeStage
from accounts.profile import changes, confirmation_letter, email_change, menu, mobile_change
from accounts.profile.access import apply_change, owner, owner_page, render_form
from accounts.profile.forms import PasswordForm, QuestionForm, SignInCodeForm
from accounts.profile.texts import sentence
from accounts.sessions import browsers, devices
from accounts.sessions.keys import key_of_row
from common.persian import mask_mobile


@require_safe
@owner_page("profile")
def profile(request: HttpRequest) -> HttpResponse:
    """Everything that the portal holds about the citizen, each with a link to change it."""
    user = owner(request)
    change = mobile_change.newest(account=user)
    waits = change and (mobile_change.waits_for_code(change) or change.stage == MobileChangeStage.OWNER_ASKED)
    context = {
        "question": questions.QUESTIONS.get(user.security_question, ""),
        "code_for_all": settings.SIGN_IN_CODE == "always",
        "code_by_risk": settings.SIGN_IN_CODE == "risk",
        "pending_mobile": mask_mobile(change.mobile) if change and waits else "",
        "email_change": email_change.pending(account=user),
        "mail": confirmation_letter.can_be_sent(),
        "pages": menu.pages(),
    }
    return render(request, "accounts/profile.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@owner_page("profile_password")
def password(request: HttpRequest) -> HttpResponse:
    """A new password, after the current one."""
    form = PasswordForm(request.POST if request.method == "POST" else None, user=owner(request))
    answer = form.is_valid() and apply_change(
        request, form, "profile_password", lambda checked: _password(request, form, checked)
    )
    return answer or render_form(request, "accounts/profile_password.html", form)


def _password(request: HttpRequest, form: PasswordForm, checked: str) -> HttpResponse:
    changed = changes.change_password(
        account=owner(request),
        checked=checked,
        new=form.cleaned_data["new_password"],
        session=key_of_row(request.session),
        device=devices.trusted(request, owner(request).national_id),
        browser=browsers.in_words(request),
    )
    update_session_auth_hash(request, changed)  # this session stays, under a fresh key
    return _done(request, "password_changed")


@require_http_methods(["GET", "HEAD", "POST"])
@owner_page("profile_question")
def question(request: HttpRequest) -> HttpResponse:
    """Another security question and answer, after the current password."""
    typed = request.POST if request.method == "POST" else None
    form = QuestionForm(typed, initial={"security_question": owner(request).security_question})
    answer = form.is_valid() and apply_change(
        request, form, "profile_question", lambda checked: _question(request, form, checked)
    )
    return answer or render_form(request, "accounts/profile_question.html", form)


def _question(request: HttpRequest, form: QuestionForm, checked: str) -> HttpResponse:
    changes.change_question(
        account=owner(request),
        checked=checked,
        question=form.cleaned_data["security_question"],
        answer=form.cleaned_data["security_answer"],
        browser=browsers.in_words(request),
    )
    request.session.cycle_key()
    return _done(request, "question_changed")


@require_http_methods(["GET", "HEAD", "POST"])
@owner_page("profile_sign_in_code")
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """Whether a code is required on new devices, after the current password; no choice where all need one."""
    user = owner(request)
    name = "accounts/profile_sign_in_code.html"
    if settings.SIGN_IN_CODE == "always":
        return render(request, name, {"code_for_all": True})
    initial = {"on": "off" if user.code_at_sign_in else "on"}
    form = SignInCodeForm(request.POST if request.method == "POST" else None, initial=initial)
    answer = form.is_valid() and apply_change(
        request, form, "profile_sign_in_code", lambda checked: _code(request, form, checked)
    )
    return answer or render_form(request, name, form, code_by_risk=settings.SIGN_IN_CODE == "risk")


def _code(request: HttpRequest, form: SignInCodeForm, checked: str) -> HttpResponse:
    on = form.cleaned_data["on"] == "on"
    changes.choose_sign_in_code(account=owner(request), checked=checked, on=on, browser=browsers.in_words(request))
    request.session.cycle_key()
    off = "code_off_but_at_risk" if settings.SIGN_IN_CODE == "risk" else "code_off"
    return _done(request, "code_on" if on else off)


def _done(request: HttpRequest, what: str) -> HttpResponse:
    messages.success(request, sentence(what))
    return redirect("profile")
