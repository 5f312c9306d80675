"""Form fields that accept the variants of Persian keyboards. Pure: they check the form of a value, nothing else.

Every error is one sentence that names the field's rule. The rules are in `common.persian`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from phonenumber_field.formfields import PhoneNumberField

from common import limits
from common.operators import CHOICES, OPERATORS
from common.persian import InputError, fold, fold_digits, fold_number, parse_mobile, parse_national_id

NUMBER = {"inputmode": "numeric", "dir": "ltr", "autocomplete": "off", "spellcheck": "false"}


def _without_nul(value: object) -> str:
    return str(value or "").replace("\x00", "")[: limits.LARGEST_FIELD + 1]


class FoldedField(forms.CharField):
    """Text with digits, ي/ك and bidi marks folded and inner blanks single; NUL is dropped."""

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)

    def to_python(self, value: object) -> str:
        return " ".join(fold(_without_nul(value)).split())


class ParsedField(forms.CharField):
    """Text that a function of `common.persian` turns into its one spelling.

    `sentences` maps the function's error codes to what the person reads; "" is for all others.
    """

    def __init__(self, parse: Callable[[str], str], sentences: dict[str, str | Promise], **kwargs: Any) -> None:
        self.parse, self.sentences = parse, sentences
        kwargs.setdefault("widget", forms.TextInput(attrs=dict(NUMBER)))
        super().__init__(**kwargs)

    def to_python(self, value: object) -> str:
        text = _without_nul(value)
        if not fold(text):
            return ""
        try:
            return self.parse(text)
        except InputError as error:
            sentence = self.sentences.get(error.code) or self.sentences[""]
            raise ValidationError(str(sentence), code=error.code) from None


class NationalIdField(ParsedField):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("National ID"))
        kwargs.setdefault("error_messages", {"required": _("Enter your national ID.")})
        super().__init__(
            parse_national_id,
            {
                "": _("The national ID has ten digits; type the zeros at its beginning too."),
                "checksum": _("This national ID is not right. Check its digits against your national card."),
            },
            widget=forms.TextInput(attrs={**NUMBER, "autocomplete": "username"}),
            **kwargs,
        )


class CodeField(ParsedField):
    """A code that came by SMS, as typed. The service decides, once, whether it is right."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            fold_number,
            {"": _("The code you entered is not valid")},
            label=_("Identification code"),
            max_length=32,
            error_messages={
                "required": _("Enter the code that was sent by SMS."),
                "max_length": _("The code you entered is not valid"),
            },
            widget=forms.TextInput(attrs={**NUMBER, "autocomplete": "one-time-code"}),
            **kwargs,
        )


class NotShownAgain(forms.PasswordInput):
    """A secret typed in a visible box, because it is a word or a code, but never written back into a page."""

    input_type = "text"


class MobileField(PhoneNumberField):
    """An Iranian mobile in any spelling, cleaned to E.164 text.

    django-phonenumber-field refuses possible numbers that libphonenumber's table does not know yet;
    so the shape of `parse_mobile` decides instead of its validator.
    """

    default_validators: list[Any] = []
    sentences = {
        "mobile": _("A mobile number has eleven digits and begins with 09, like 09121234567."),
        "landline": _("This is a landline. Enter a mobile number that begins with 09."),
        "foreign": _("Only mobile numbers of Iran can be used; they begin with 09."),
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Mobile phone"))
        kwargs.setdefault("error_messages", {"required": _("Enter your mobile number.")})
        attrs = {"inputmode": "tel", "dir": "ltr", "autocomplete": "tel-national"}
        super().__init__(widget=forms.TextInput(attrs=attrs), **kwargs)

    def to_python(self, value: object) -> str:
        text = _without_nul(value)
        if not fold(text):
            return ""
        try:
            return parse_mobile(text)
        except InputError as error:
            raise ValidationError(self.sentences[error.code], code=error.code) from None


class OperatorField(forms.ChoiceField):
    """The mobile network operator of a mobile; the first one is preselected."""

    def __init__(self, **kwargs: Any) -> None:
        messages = {
            "required": _("Choose the operator of your mobile."),
            "invalid_choice": _("Choose the operator from the list."),
        }
        kwargs.setdefault("label", _("Operator"))
        kwargs.setdefault("error_messages", messages)
        super().__init__(choices=CHOICES, initial=next(iter(OPERATORS)), **kwargs)


class EmailAddressField(forms.EmailField):
    """An e-mail address, with digits folded to ASCII."""

    def __init__(self, **kwargs: Any) -> None:
        messages = {
            "required": _("Enter your e-mail address."),
            "invalid": _("Enter a whole e-mail address, like you@domain.com."),
        }
        super().__init__(
            label=_("E-mail address"),
            max_length=254,
            error_messages=messages,
            widget=forms.EmailInput(attrs={"dir": "ltr", "autocomplete": "email"}),
            **kwargs,
        )

    def to_python(self, value: object) -> str:
        return fold_digits(super().to_python(value) or "")
