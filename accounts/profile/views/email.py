"""The pages of the e-mail address: asked for in the profile, confirmed by the link that was sent to it."""

from __future__ import annotations

from contextlib import suppress

from django.contrib import messages
from django.contrib.sessions.exceptions import SessionInterrupted
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.profile import confirmation_letter, email_change
from accounts.profile.access import apply_change, owner, owner_page, render_form
from accounts.profile.forms import EmailForm
from accounts.profile.texts import sentence
from accounts.sessions import browsers
from common.errors import PortalError


@require_http_methods(["GET", "HEAD", "POST"])
@owner_page("profile_email")
def email(request: HttpRequest) -> HttpResponse:
    """Send a link to another address, or to the present one, after the current password."""
    if not confirmation_letter.can_be_sent():
        return render(request, "accounts/profile_email.html", {"no_mail": True})
    form = EmailForm(request.POST if request.method == "POST" else None, initial={"email": owner(request).email})
    answer = form.is_valid() and apply_change(
        request, form, "profile_email", lambda checked: _ask(request, form, checked)
    )
    return answer or render_form(
        request, "accounts/profile_email.html", form, pending=email_change.pending(account=owner(request))
    )


def _ask(request: HttpRequest, form: EmailForm, checked: str) -> HttpResponse:
    change = email_change.ask(
        account=owner(request),
        checked=checked,
        email=form.cleaned_data["email"],
        browser=browsers.in_words(request),
    )
    messages.success(request, sentence("email_asked", email=change.email))
    return redirect("profile")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The page of the link, for whoever reads that mail, signed in or not. Opening it changes nothing: mail scanners
    open links."""
    try:
        if request.method == "POST":
            return _confirm(request, token)
        change = email_change.check_link(token=token)
    except PortalError:
        return render(request, "accounts/email_link_over.html", status=404)
    return render(request, "accounts/email_confirm.html", {"change": change, "token": token})


def _confirm(request: HttpRequest, token: str) -> HttpResponse:
    change = email_change.confirm(token=token, browser=browsers.in_words(request))
    if request.user.pk == change.account_id:
        with suppress(SessionInterrupted):  # ended meanwhile: the address is confirmed all the same
            request.session.cycle_key()
    return redirect("email_confirm", token=token)
