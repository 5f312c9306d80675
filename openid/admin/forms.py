"""The forms of a connected service. They check shapes only; `openid.services` decides."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from common import limits
from common.errors import PortalError
from openid import addresses, logos
from openid.admin.event_words import SCOPE_NAMES
from openid.models import AuthMethod, ConnectedService, Level, SigningAlgorithm
from openid.service_facts import SCOPES, WITH_A_REASON, Facts
from openid.service_texts import sentence


def _lines(label: Any, help_text: Any = "", **options: Any) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 3, "cols": 70, "dir": "ltr"})
    return forms.CharField(label=label, help_text=help_text, widget=widget, **options)


def _address(label: Any, help_text: Any = "") -> forms.CharField:
    widget = forms.TextInput(attrs={"dir": "ltr", "size": 70})
    return forms.CharField(label=label, help_text=help_text, required=False, widget=widget)


class ReasonForm(forms.Form):
    """Why an administrator does something to a service, and which state of it was on the page."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=limits.OPENID_REASON_LONGEST,
        widget=forms.Textarea(attrs={"rows": 2, "cols": 70}),
        help_text=_("Kept in the events of the service for good, with your name."),
        error_messages={"required": _("Write why: it is kept in the events of the service.")},
    )


class RotateForm(ReasonForm):
    at_once = forms.BooleanField(
        label=_("End earlier secrets at once"),
        required=False,
        help_text=_("If a stranger may have one. Until the service has the new one, nobody can sign in to it."),
    )
    revision = forms.IntegerField(widget=forms.HiddenInput)


class ServiceForm(ReasonForm):
    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("As citizens read it."))
    is_third_party = forms.BooleanField(
        label=_("Of another organisation"), required=False, help_text=_("Then each citizen is asked first.")
    )
    contact = forms.CharField(label=_("Contact"), max_length=200, required=False)
    logo = forms.FileField(label=_("Logo"), required=False, help_text=_("A small PNG. Empty: as it is."))
    no_logo = forms.BooleanField(label=_("Take the logo away"), required=False)
    home_page = _address(_("Home page"))
    redirect_uris = _lines(_("Redirect addresses"), _("One in each line. They are compared exactly."))
    initiate_login_uri = _address(_("Address that starts a sign-in"))
    backchannel_logout_uri = _address(_("Address for sign-outs"), _("Where logout tokens are sent."))
    post_logout_redirect_uris = _lines(_("Addresses after the sign-out"), _("One in each line."), required=False)
    sector = forms.CharField(
        label=_("Sector"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"dir": "ltr"}),
        help_text=_(
            "Services of one sector can match their citizens, so share one with care. Empty: the host of the first "
            "redirect address. Once a citizen has signed in, it stays."
        ),
    )
    required_level = forms.ChoiceField(label=_("Required level"), choices=Level.choices, initial=Level.PASSWORD)
    auth_method = forms.ChoiceField(label=_("Proves itself by"), choices=AuthMethod.choices, initial=AuthMethod.SECRET)
    id_token_algorithm = forms.ChoiceField(
        label=_("ID tokens signed by"),
        choices=SigningAlgorithm.choices,
        initial=SigningAlgorithm.ES256,
        required=False,
        help_text=_("Logout tokens too. RS256 only for a service whose library cannot check ES256."),
    )
    jwks = _lines(_("Public keys"), _("A JWK Set, only for private_key_jwt."), required=False)
    revision = forms.IntegerField(widget=forms.HiddenInput, required=False)
    client_id = forms.RegexField(r"\A[0-9a-f]{24}\Z", widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in SCOPES:
            label = SCOPE_NAMES.get(name, name)
            self.fields[f"scope_{name}"] = forms.BooleanField(label=label, required=False)
            self.fields[f"why_{name}"] = forms.CharField(
                label=_("Why it is told the %(what)s") % {"what": label},
                required=False,
                max_length=limits.OPENID_REASON_LONGEST,
                widget=forms.TextInput(attrs={"size": 70}),
            )
        # As on the page, so that what is wrong is named in this order too.
        last = [*self._scope_names(), "reason"]
        self.order_fields([*(name for name in self.fields if name not in last), *last])

    def clean_redirect_uris(self) -> list[str]:
        is_public = self.data.get("auth_method") == AuthMethod.PUBLIC
        return self._checked_lines(
            "redirect_uris", lambda typed: addresses.check_redirect_uri(typed, is_public=is_public)
        )

    def clean_post_logout_redirect_uris(self) -> list[str]:
        is_public = self.data.get("auth_method") == AuthMethod.PUBLIC
        return self._checked_lines(
            "post_logout_redirect_uris", lambda typed: addresses.check_post_logout_uri(typed, is_public=is_public)
        )

    def clean_home_page(self) -> str:
        return self._checked("home_page", addresses.check_home_page)

    def clean_initiate_login_uri(self) -> str:
        return self._checked("initiate_login_uri", addresses.check_initiate_login_uri)

    def clean_backchannel_logout_uri(self) -> str:
        return self._checked("backchannel_logout_uri", addresses.check_logout_uri)

    def clean_jwks(self) -> Any:
        typed = self.cleaned_data["jwks"].strip()
        try:
            return json.loads(typed) if typed else None
        except ValueError:
            raise ValidationError(sentence("jwks")) from None

    def clean_logo(self) -> bytes | None:
        upload = self.cleaned_data["logo"]
        if not upload:
            return None
        try:
            return logos.checked(upload.read(limits.OPENID_LOGO_BYTES + 1))
        except PortalError as error:
            raise ValidationError(sentence(error)) from None

    def clean(self) -> dict[str, Any]:
        for name in WITH_A_REASON:
            if self.cleaned_data.get(f"scope_{name}") and not self.cleaned_data.get(f"why_{name}", "").strip():
                self.add_error(f"why_{name}", sentence("scope_needs_reason", scope=name))
        return self.cleaned_data

    def facts(self) -> Facts:
        """What was typed, for `openid.services`."""
        given = self.cleaned_data
        same = ("name", "contact", "home_page", "initiate_login_uri", "backchannel_logout_uri", "is_third_party")
        more = ("redirect_uris", "post_logout_redirect_uris", "sector", "required_level", "auth_method", "jwks")
        return Facts(
            **{name: given[name] for name in (*same, *more)},
            scopes={name: given[f"why_{name}"] or given["reason"] for name in SCOPES if given[f"scope_{name}"]},
            id_token_algorithm=given["id_token_algorithm"] or SigningAlgorithm.ES256,
            logo=b"" if given["no_logo"] else given["logo"],
        )

    def scope_fields(self) -> list[tuple[Any, Any]]:
        return [(self[f"scope_{name}"], self[f"why_{name}"]) for name in SCOPES]

    def plain_fields(self) -> list[Any]:
        others = {*self._scope_names(), "reason"}
        return [field for field in self.visible_fields() if field.name not in others]

    def _scope_names(self) -> list[str]:
        return [f"{what}_{name}" for name in SCOPES for what in ("scope", "why")]

    def _checked(self, name: str, check: Callable[[str], str]) -> str:
        typed = self.cleaned_data[name].strip()
        try:
            return check(typed) if typed else ""
        except PortalError as error:
            raise ValidationError(sentence(error)) from None

    def _checked_lines(self, name: str, check: Callable[[str], str]) -> list[str]:
        found, wrong = [], []
        for typed in self.cleaned_data[name].split():
            try:
                found.append(check(typed))
            except PortalError as error:
                wrong.append(ValidationError(f"{typed[:80]} — {sentence(error)}"))
        if wrong:
            raise ValidationError(wrong)
        return found


def initial_of(service: ConnectedService) -> dict[str, Any]:
    """What the form of `service` begins with."""
    same = ("name", "contact", "home_page", "initiate_login_uri", "backchannel_logout_uri", "is_third_party")
    scopes = {f"scope_{name}": True for name in service.scopes}
    return {
        **{
            name: getattr(service, name)
            for name in (*same, "required_level", "id_token_algorithm", "auth_method", "revision")
        },
        "sector": service.sector.name,
        "redirect_uris": "\n".join(service.redirect_uris),
        "post_logout_redirect_uris": "\n".join(service.post_logout_redirect_uris),
        "jwks": json.dumps(service.jwks, indent=1) if service.jwks else "",
        **scopes,
        **{f"why_{name}": why for name, why in service.scopes.items()},
    }
