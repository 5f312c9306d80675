"""The forms of steps one and two, and what all forms of a registration share. They check the shape of what is typed and
change nothing: the wizard repeats them. Step three's are in `parts`."""

from __future__ import annotations

from django import forms

from common.form_fields import CodeField, MobileField, NationalIdField, OperatorField
from common.forms import Form


class StepForm(Form):
    """Base of every step: the token of the draft that the page belongs to, so that two tabs are told apart."""

    use_required_attribute = False
    draft = forms.CharField(required=False, widget=forms.HiddenInput, max_length=64)


class GrantedForm(Form):
    """Base of the pages that need a grant: the mark of the grant that the page was made for (`late_answers`)."""

    made_for = forms.CharField(required=False, widget=forms.HiddenInput, max_length=64)


class NumberForm(StepForm):
    """The citizen's mobile and its operator."""

    operator = OperatorField()
    mobile = MobileField()


class MobileForm(NumberForm):
    """Step one: national ID, operator, mobile."""

    field_order = ("national_id", "operator", "mobile")
    national_id = NationalIdField()


class CodeForm(StepForm):
    """Step two: the code as typed. Only the service says whether it is right, for it counts the tries."""

    code = CodeField()
