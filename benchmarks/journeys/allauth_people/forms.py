"""What is asked besides phone, e-mail and password, by ACCOUNT_SIGNUP_FORM_CLASS of django-allauth."""

from __future__ import annotations

from typing import Any

from django import forms

GENDERS = [("male", "مرد"), ("female", "زن")]
QUESTIONS = [("favourite_colour", "رنگ مورد علاقه شما چیست؟"), ("first_school", "نام اولین مدرسه شما چیست؟")]


class Person(forms.Form):
    national_id = forms.RegexField(r"^\d{10}$")
    first_name = forms.CharField(max_length=60)
    last_name = forms.CharField(max_length=60)
    certificate_number = forms.CharField(max_length=10)
    certificate_serial = forms.CharField(max_length=6)
    series_letter = forms.CharField(max_length=3)
    series_number = forms.CharField(max_length=2)
    birth_date = forms.DateField()
    gender = forms.ChoiceField(choices=GENDERS)
    country = forms.CharField(max_length=2)
    city = forms.CharField(max_length=60)
    security_question = forms.ChoiceField(choices=QUESTIONS)
    security_answer = forms.CharField(max_length=200)

    def signup(self, _request: Any, user: Any) -> None:
        """allauth calls this once the account is there."""
        for name in Person.base_fields:
            setattr(user, name, self.cleaned_data[name])
        user.save()
