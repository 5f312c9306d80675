"""The forms of the profile. They check the shape and the rules of a new password; the view checks the current one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.life import questions
from accounts.models import User
from accounts.passwords.forms import CurrentPasswordField, PasswordField
from common import limits
from common.errors import PortalError
from common.form_fields import CodeField, EmailAddressField, FoldedField, MobileField, NotShownAgain, OperatorField
from common.forms import Form


class WithPassword(Form):
    """The base class of forms that need the current password. `pause`: seconds until it may be tried again; `busy`: the
    error, if no hash could be computed."""

    use_required_attribute = False
    pause = 0
    busy: PortalError | None = None
    current_password = CurrentPasswordField(
        label=_("Current password"),
        error_messages={"required": _("Enter your current password.")},
    )


class PasswordForm(WithPassword):
    """A new password, by the same rules as wherever one is set."""

    new_password = PasswordField(
        label=_("New password"),
        error_messages={"required": _("Choose a new password.")},
    )
    new_password_again = PasswordField(
        label=_("Repeat the new password"),
        error_messages={"required": _("Type the new password once more.")},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_new_password(self) -> str:
        password: str = self.cleaned_data["new_password"]
        validate_password(password, user=self.user)
        if password == self.cleaned_data.get("current_password"):
            raise ValidationError(_("This is your current password. Choose another one."), code="same")
        return password

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        password = data.get("new_password")
        if password is not None and data.get("new_password_again") not in (None, password):
            self.add_error("new_password_again", _("The two passwords are not the same."))
        return data


class EmailForm(WithPassword):
    field_order = ("email", "current_password")
    email = EmailAddressField()


class MobileForm(WithPassword):
    """The citizen's new mobile, and its operator."""

    field_order = ("operator", "mobile", "current_password")
    operator = OperatorField()
    mobile = MobileField()


class NewNumberCodeForm(Form):
    """The code sent to the new number. `change`: the change that the page was opened for, so that two tabs are told
    apart."""

    use_required_attribute = False
    change = forms.CharField(required=False, widget=forms.HiddenInput, max_length=64)
    code = CodeField()


class QuestionForm(WithPassword):
    field_order = ("security_question", "security_answer", "current_password")
    security_question = forms.ChoiceField(
        label=_("Question"),
        choices=[("", _("Choose")), *questions.CHOICES],
        error_messages={
            "required": _("Choose a security question."),
            "invalid_choice": _("Choose a security question."),
        },
    )
    security_answer = FoldedField(
        label=_("Answer"),
        max_length=limits.ANSWER_LONGEST,
        error_messages={"required": _("Enter the answer to the security question.")},
        widget=NotShownAgain(attrs={"autocomplete": "off"}),
    )


class SignInCodeForm(WithPassword):
    """Whether a code is required on new devices; the page's button says which."""

    on = forms.ChoiceField(choices=[("on", ""), ("off", "")], widget=forms.HiddenInput)
