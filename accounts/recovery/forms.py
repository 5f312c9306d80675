"""The forms of a recovery. They check the shape of what was typed; the service checks whether it is right."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.life import questions
from accounts.models import User
from accounts.passwords.forms import PasswordField
from accounts.recovery import texts as recovery_texts
from common import languages, limits, persian
from common.form_fields import CodeField, FoldedField, NationalIdField, NotShownAgain
from common.forms import Form

CHOOSE = ("", _("Choose"))


class AnswerField(FoldedField):
    """A security answer: visible while it is typed, compared by its letters and digits only."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Answer"),
            max_length=limits.ANSWER_LONGEST,
            error_messages={
                "required": _("Enter the answer to the security question."),
                "max_length": recovery_texts.ANSWER_TOO_LONG,
            },
            widget=NotShownAgain(attrs={"autocomplete": "off"}),
        )

    def clean(self, value: object) -> str:
        answer = str(super().clean(value))
        if answer and not persian.name_key(answer):
            raise ValidationError(_("The answer must have letters or digits."), code="empty")
        return answer


class RecoveryForm(Form):
    """The national ID whose password is forgotten. `page` distinguishes a double click from another try."""

    use_required_attribute = False
    national_id = NationalIdField()
    page = forms.CharField(required=False, widget=forms.HiddenInput, max_length=64)


class CodeForm(Form):
    use_required_attribute = False
    code = CodeField()


class AnswerForm(Form):
    use_required_attribute = False
    answer = AnswerField()


class NewPasswordForm(Form):
    """A new password by the rules, for `account`; with a new question where the old answer is forgotten."""

    use_required_attribute = False
    password = PasswordField(label=_("Password"), error_messages={"required": _("Choose a password.")})
    password_again = PasswordField(
        label=_("Repeat the password"),
        error_messages={"required": _("Type the password once more.")},
    )

    def __init__(self, *args: Any, account: User, with_question: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account
        if with_question:
            missing = _("Choose a security question.")
            self.fields["question"] = forms.ChoiceField(
                label=_("Question"),
                choices=[CHOOSE, *questions.CHOICES],
                error_messages={"required": missing, "invalid_choice": missing},
            )
            self.fields["answer"] = AnswerField()

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self.account)
        return password

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "password" in data and data.get("password_again") not in (None, data["password"]):
            self.add_error("password_again", _("The two passwords are not the same."))
        return data

    def chosen(self) -> dict[str, str]:
        """The clean values as the service takes them."""
        return {name: value for name, value in self.cleaned_data.items() if name != "password_again"}


class BranchForm(Form):
    """The cities that have a branch."""

    use_required_attribute = False
    city = forms.ChoiceField(label=_("City"))

    def __init__(self, *args: Any, cities: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.own("city").choices = [CHOOSE, *((city, languages.place(city)) for city in cities)]
