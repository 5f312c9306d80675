"""The sample forms of the design page: a field of each kind."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from common.form_fields import CodeField, EmailAddressField, MobileField, NationalIdField, OperatorField
from common.forms import Form


class SampleForm(Form):
    """One field of each kind."""

    use_required_attribute = False
    national_id = NationalIdField()
    operator = OperatorField()
    mobile = MobileField()
    email = EmailAddressField()
    password = forms.CharField(label=_("Password"), widget=forms.PasswordInput(attrs={"dir": "ltr"}))
    day = forms.IntegerField(label=_("Day"), widget=forms.TextInput(attrs={"inputmode": "numeric", "dir": "ltr"}))
    month = forms.ChoiceField(label=_("Month"), choices=[("", _("Choose")), ("1", "۱"), ("2", "۲")])
    year = forms.IntegerField(label=_("Year"), widget=forms.TextInput(attrs={"inputmode": "numeric", "dir": "ltr"}))
    remember = forms.BooleanField(label=_("Sign in"), required=False)


class SampleCode(Form):
    """The field of a code by SMS."""

    use_required_attribute = False
    code = CodeField()
