"""Form fields that accept the variants of Persian keyboards. Pure: they check the form of a value, nothing else.

Every error is one sentence that names the field's rule. The rules are in `common.persian`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from phonenumber_field.formfields import PhoneNumberField

from common import email_addresses, limits
from common.forms import labels
from common.operators import CHOICES, OPERATORS
from common.persian import (
    InputError,
    fold,
    parse_certificate_number,
    parse_mobile,
    parse_national_id,
    parse_one_time_code,
    parse_serial,
    parse_series_number,
)
from common.sentences import in_words, when_read

# What `ticks.js` says "right" of, and the tags after a POST: attributes `data-tick` with a kind of `input-rules.js`.
_TICKS: dict[Callable[[str], str], str] = {
    parse_national_id: "national_id",
    parse_certificate_number: "digits:10",
    parse_serial: "digits:6",
    parse_series_number: "digits:2",
}
NUMBER = {"inputmode": "numeric", "dir": "ltr", "autocomplete": "off", "spellcheck": "false"}


def in_json(sentences: dict[str, Any]) -> Any:
    """Sentences for the script, as a lazy string: they are translated when a page is made."""
    return when_read(lambda: json.dumps({code: str(text) for code, text in sentences.items()}, ensure_ascii=False))


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
        if parse in _TICKS:
            self.widget.attrs["data-tick"] = _TICKS[parse]

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
                "checksum": _(
                    "This national ID is not right. Check its digits against your national card. If they are the same "
                    "there, please go to the nearest branch with the card."
                ),
                "equal_digits": _(
                    "A number whose digits are all the same cannot be used here. If it really stands on your national "
                    "card, please go to the nearest branch with the card."
                ),
            },
            widget=forms.TextInput(attrs={**NUMBER, "autocomplete": "username"}),
            **kwargs,
        )
        self.widget.attrs["data-wrong"] = in_json(self.sentences)


def read_code(text: str) -> str:
    """The code of an SMS in what was typed or pasted. Raises InputError."""
    return parse_one_time_code(text, digits=limits.CODE_DIGITS)


CODE_SENTENCES: dict[str, Any] = {
    "": when_read(
        lambda: (
            _("The code has %(digits)s digits. Type only these digits; this was not counted.")
            % {"digits": in_words(limits.CODE_DIGITS)}
        )
    ),
    "codes": _("There are different codes here. Type the one of the newest SMS; this was not counted."),
}


class CodeField(ParsedField):
    """A code that came by SMS, typed or pasted with what stands around it. What holds no code costs no try; else the
    service decides, once, whether it is right. No `maxlength`: a browser would cut a pasted SMS before its digits."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            read_code,
            CODE_SENTENCES,
            label=_("Identification code"),
            error_messages={"required": _("Enter the code that was sent by SMS.")},
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
        "foreign": _(
            "Only mobile numbers of Iran can be used; they begin with 09. If you have none, please go to the nearest "
            "branch."
        ),
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Mobile phone"))
        kwargs.setdefault("error_messages", {"required": _("Enter your mobile number.")})
        attrs = {"inputmode": "tel", "dir": "ltr", "autocomplete": "tel-national", "data-tick": "mobile"}
        attrs["data-wrong"] = in_json({"": self.sentences["mobile"]})
        super().__init__(widget=forms.TextInput(attrs=attrs), **kwargs)

    def to_python(self, value: object) -> str:
        text = _without_nul(value)
        if not fold(text):
            return ""
        try:
            return parse_mobile(text)
        except InputError as error:
            raise ValidationError(self.sentences[error.code], code=error.code) from None


class SelectField(forms.ChoiceField):
    """Django's, which would compare what was chosen with each of some hundred cities."""

    def valid_value(self, value: Any) -> bool:
        return str(value) in labels(self)


class OperatorField(SelectField):
    """The mobile network operator of a mobile; the first one is preselected. `ticks.js` proposes the one that a prefix
    was first given to, until the person chooses."""

    def __init__(self, **kwargs: Any) -> None:
        messages = {
            "required": _("Choose the operator of your mobile."),
            "invalid_choice": _("Choose the operator from the list."),
        }
        kwargs.setdefault("label", _("Operator"))
        kwargs.setdefault("error_messages", messages)
        super().__init__(choices=CHOICES, initial=next(iter(OPERATORS)), **kwargs)
        self.widget.attrs["data-operators"] = True


class EmailAddressField(forms.CharField):
    """An e-mail address, by the same rule as the queue of e-mail has it: what is taken here can be sent."""

    sentences = {
        "": _("Enter a whole e-mail address, like you@domain.com."),
        "around": _("Enter the address alone, without the signs or words before or after it, like you@domain.com."),
        "letters": _("Before the @ an e-mail address has only English letters, digits and signs, like you@domain.com."),
        "look_alike": _(
            "The part after the @ has letters that only look like those of an address. Type it again with an English "
            "keyboard."
        ),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_("E-mail address"),
            max_length=email_addresses.LONGEST,
            error_messages={"required": _("Enter your e-mail address.")},
            widget=forms.EmailInput(attrs={"dir": "ltr", "autocomplete": "email", "data-tick": "email"}),
            **kwargs,
        )

    def to_python(self, value: object) -> str:
        """The spelling in which the address is shown and stored."""
        try:
            return email_addresses.parse_email(str(value or "")).shown
        except InputError as error:
            if error.code == "required":
                return ""
            sentence = self.sentences.get(error.code) or self.sentences[""]
            raise ValidationError(sentence, code="invalid" if error.code == "email" else error.code) from None
