"""The forms of the parts of step three. They check the shape of what is typed and change nothing."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from functools import partial
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.life import questions
from accounts.models import Gender
from accounts.passwords import rules as passwords
from accounts.passwords.forms import PasswordField
from accounts.passwords.strength import About
from common import languages, limits, persian
from common.form_fields import NUMBER, EmailAddressField, FoldedField, NotShownAgain, ParsedField, SelectField
from common.sentences import digits, in_words, when_read
from identity.person import BirthUnknown
from registration import cities
from registration.forms.steps import GrantedForm, StepForm
from registration.models import Registration
from registration.services.journey import Identity

CHOOSE = ("", _("Choose"))
# Never kept: neither in the draft nor in a session.
SECRET_FIELDS = ("password", "password_again", "security_answer")
NOT_KEPT = (*SECRET_FIELDS, "draft", "revision", "made_for", "reviewed")


def _name_field(label: Any, missing: Any, autocomplete: str, length: int) -> FoldedField:
    too_long = when_read(lambda: _("%(field)s: this is too long for a name.") % {"field": label})
    return FoldedField(
        label=label,
        max_length=length,
        error_messages={"required": missing, "max_length": too_long},
        widget=forms.TextInput(attrs={"autocomplete": autocomplete, "data-tick": "name", **languages.PERSIAN_TEXT}),
    )


def _number_field(parse: Any, label: Any, missing: Any, wrong: Any, **attrs: str) -> ParsedField:
    widget = forms.TextInput(attrs=NUMBER | attrs)
    sentences = wrong if isinstance(wrong, dict) else {"": wrong}
    return ParsedField(parse, sentences, label=label, error_messages={"required": missing}, widget=widget)


def _choice_field(label: Any, choices: Any, missing: Any, **kwargs: Any) -> forms.ChoiceField:
    messages = {"required": missing, "invalid_choice": missing}
    attrs = {"data-tick": "choice"} | kwargs.pop("attrs", {})
    widget = forms.Select(attrs=attrs)
    return SelectField(label=label, choices=choices, error_messages=messages, widget=widget, **kwargs)


def _tick(label: Any) -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False)


# What a certificate may not have: the tick that says so, and the fields that are then left empty.
NOT_THERE = {
    "no_series": ("series_letter", "series_number"),
    "no_serial": ("certificate_serial",),
    "no_birth_day": ("birth_day",),
    "no_birth_month": ("birth_day", "birth_month"),
}


def _series_letter(letter: str) -> str:
    """How a select shows it: in another language with the letter's name beside it, for it is compared with a paper."""
    return digits(languages.name(languages.LETTER, letter))


class PartForm(GrantedForm, StepForm):
    """Base of the parts of step three, and of a correction. `registration`: the row that the answers are for."""

    def __init__(self, *args: Any, registration: Registration, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.registration = registration

    def answers_to_keep(self) -> dict[str, str]:
        """What was typed, valid or not, without secrets: for the row's draft."""
        kept = {}
        for name in self.fields:
            if name not in NOT_KEPT:
                kept[name] = str(self.data.get(self.add_prefix(name), "")).replace("\x00", "")[:200]
        return kept


class PersonForm(PartForm):
    """The fields of a person, as in the birth certificate: the first part of step three.

    National ID and mobile are the row's; a value for them in the POST is not read.
    """

    last_name = _name_field(_("Last name"), _("Enter your last name."), "family-name", 80)
    first_name = _name_field(_("First name"), _("Enter your first name."), "given-name", 60)
    certificate_number = _number_field(
        persian.parse_certificate_number,
        _("Birth certificate number"),
        _("Enter your birth certificate number; if it has none, enter 0."),
        _("The birth certificate number has at most ten digits."),
    )
    certificate_serial = _number_field(
        persian.parse_serial,
        _("Birth certificate serial"),
        _("Enter the serial of your birth certificate; if it has none, tick that it is not there."),
        _("The serial has at most six digits."),
    )
    series_letter = _choice_field(
        _("Birth certificate series (letter)"),
        [CHOOSE, *((letter, when_read(partial(_series_letter, letter))) for letter in persian.SERIES_LETTERS)],
        _("Choose the letter or number of the series; if there is no series, tick that it is not there."),
    )
    series_number = _number_field(
        persian.parse_series_number,
        _("Birth certificate series (number)"),
        _("Enter the two digits of the series; if there is no series, tick that it is not there."),
        _("The series has at most two digits after its letter."),
    )
    birth_day = _number_field(
        persian.parse_day,
        _("Day"),
        _("Enter the day of your birth; if the certificate does not say it, tick that it is not there."),
        _("The day is a number from 1 to 31."),
        **{"autocomplete": "bday-day", "data-tick": "day"},
    )
    birth_month = _choice_field(
        _("Month"),
        [
            CHOOSE,
            *(
                (str(number), languages.name_when_read(languages.MONTH, name))
                for number, name in enumerate(persian.JALALI_MONTHS, start=1)
            ),
        ],
        _("Choose the month of your birth; if the certificate does not say it, tick that it is not there."),
        attrs={"autocomplete": "bday-month"},
    )
    birth_year = _number_field(
        persian.parse_year,
        _("Year"),
        _("Enter the year of your birth."),
        {
            "": _("The year has four digits, like 1370."),
            "gregorian": _("Enter the year of the solar calendar, like 1370, not of the Gregorian one."),
        },
        **{"autocomplete": "bday-year", "data-tick": "year"},
    )
    gender = _choice_field(
        _("Gender"), [CHOOSE, *Gender.choices], _("Choose your gender."), attrs={"autocomplete": "sex"}
    )
    no_series = _tick(_("My certificate has no series"))
    no_serial = _tick(_("My certificate has no serial"))
    no_birth_day = _tick(_("My certificate does not say the day of my birth"))
    no_birth_month = _tick(_("My certificate says neither the day nor the month of my birth"))

    def clean_last_name(self) -> str:
        return _letters(self.cleaned_data["last_name"], self.fields["last_name"].label)

    def clean_first_name(self) -> str:
        return _letters(self.cleaned_data["first_name"], self.fields["first_name"].label)

    def full_clean(self) -> None:
        """What is ticked not to be in the certificate need not be filled in."""
        for tick, names in NOT_THERE.items():
            for name in names if self._is_ticked(tick) else ():
                self.own(name).required = False
        super().full_clean()

    def _is_ticked(self, tick: str) -> bool:
        return bool(self.fields[tick].widget.value_from_datadict(self.data, self.files, self.add_prefix(tick)))

    def opens_series_ticks(self) -> bool:
        """Whether the page shows the ticks for series and serial at once."""
        return self._opens("no_series", "no_serial")

    def opens_birth_ticks(self) -> bool:
        """Whether the page shows the ticks for the day and month of birth at once."""
        return self._opens("no_birth_day", "no_birth_month")

    def _opens(self, *ticks: str) -> bool:
        """One of them is made, or something is wrong with what could be left out by one."""
        fields = {name for tick in ticks for name in NOT_THERE[tick]}
        return any(self[tick].value() for tick in ticks) or bool(fields & self.errors.keys())

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        self._clean_what_is_not_there(data)
        if {"birth_day", "birth_month"} <= data.keys():
            self._clean_birth_date(data)
        return data

    def _clean_what_is_not_there(self, data: dict[str, Any]) -> None:
        """Both ticked and filled in is asked about: which of the two is meant, only the person knows."""
        filled = [name for tick, names in NOT_THERE.items() if data.get(tick) for name in names if data.get(name)]
        for name in dict.fromkeys(filled):
            sentence = _("You filled in “%(field)s” and also ticked that it is not there. Undo one of them.")
            self.add_error(name, ValidationError(sentence, code="both", params={"field": self.fields[name].label}))
        unknown = BirthUnknown.DAY if data.get("no_birth_day") else BirthUnknown.NOTHING
        data["birth_unknown"] = (BirthUnknown.MONTH if data.get("no_birth_month") else unknown).value

    def _clean_birth_date(self, data: dict[str, Any]) -> None:
        """The date of the parts. Each part's own fault is said by its field; a day that its month never has is said
        even beside a wrong year. What is ticked not to be in the certificate counts as the first."""
        year = int(data.get("birth_year", _LEAP_YEAR))
        month, day = (int(data[name] or "1") for name in ("birth_month", "birth_day"))
        try:
            born = persian.jalali_to_date(year, month, day)
        except persian.InputError:
            self.add_error("birth_day", _("There is no such day in the calendar."))
            return
        if "birth_year" not in data:
            return
        data["birth_date"] = born
        sentence = _age_problem(born)
        if sentence:
            self.add_error("birth_year", sentence)


class ContactForm(PartForm):
    """Where the person lives, and their e-mail: the second part of step three."""

    country = _choice_field(
        _("Country"),
        cities.country_choices,
        _("Choose your country."),
        initial=cities.IRAN,
        attrs={"autocomplete": "country-name"},
    )
    city = _choice_field(_("City"), cities.city_choices, _("Choose your city from the list."))
    email = EmailAddressField()

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        outside = data.get("city") == cities.OUTSIDE_IRAN
        if {"city", "country"} <= data.keys() and outside != (data["country"] != cities.IRAN):
            self.add_error("city", _("The city does not fit the country you chose."))
        return data


class ReviewForm(PartForm):
    """The last part of step three: what was typed before is looked at, and the secrets are chosen.

    `answers`: the clean answers of the parts before; a password must not be made of them.
    `reviewed`, a hidden field, is the `answers_mark` of what the page showed.
    """

    reviewed = forms.CharField(required=False, widget=forms.HiddenInput, max_length=64)
    password = PasswordField(
        label=_("Password"),
        error_messages={"required": _("Choose a password.")},
    )
    password_again = PasswordField(
        label=_("Repeat the password"),
        error_messages={"required": _("Type the password once more.")},
    )
    security_question = _choice_field(_("Question"), questions.CHOICES, _("Choose a security question."))
    security_answer = FoldedField(
        label=_("Answer"),
        max_length=limits.ANSWER_LONGEST,
        error_messages={"required": _("Enter the answer to the security question.")},
        widget=NotShownAgain(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, answers: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.answers = answers

    def clean_security_answer(self) -> str:
        answer: str = self.cleaned_data["security_answer"]
        if not persian.name_key(answer):
            raise ValidationError(_("The answer must have letters or digits."), code="empty")
        return answer

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        password = data.get("password")
        if password is None:
            return data
        faults = passwords.faults(password, self._about())
        for code in faults:
            self.add_error("password", ValidationError(passwords.SENTENCES[code], code=code))
        if not faults and data.get("password_again") not in (None, password):
            self.add_error("password_again", _("The two passwords are not the same."))
        return data

    def _about(self) -> About:
        """The answers about the person, against which the password is estimated."""
        typed = {name: self.answers[name] for name in About.__dataclass_fields__ if name in self.answers}
        return About(**typed, national_id=self.registration.national_id, mobile=self.registration.mobile)

    def identity(self) -> Identity:
        """All answers of step three as the service takes them. Only for a valid form after valid parts."""
        data = self.answers | self.cleaned_data
        return Identity(**{name: data[name] for name in Identity.__dataclass_fields__})


def answers_mark(answers: dict[str, Any]) -> str:
    """A digest of clean answers: whether a page showed the ones that are stored now."""
    text = json.dumps(answers, default=str, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


_LEAP_YEAR = 1403  # has every day that a year can have


def _letters(name: str, label: Any) -> str:
    if persian.has_foreign_letters(name):
        sentence = _(
            "Write the %(field)s in Persian letters, just as it is on your birth certificate. If it is in other "
            "letters there, please go to the nearest branch."
        )
        raise ValidationError(sentence, code="foreign_letters", params={"field": label})
    if not persian.is_name(name):
        sentence = _("%(field)s is written with letters only, as on your birth certificate.")
        raise ValidationError(sentence, code="name", params={"field": label})
    return name


def _age_problem(born: dt.date) -> Any:
    today = timezone.localdate()
    if born > today:
        return _("The birth date is in the future.")
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if age > limits.OLDEST_AGE:
        return _("Check the year of your birth.")
    if age < limits.YOUNGEST_AGE:
        return _("Children under %(age)s are registered by their guardian at a branch.") % {
            "age": in_words(limits.YOUNGEST_AGE)
        }
    return None
