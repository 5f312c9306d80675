"""Codes are shown and typed from left to right, as one run or with signs that keep its groups in order."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.models import CodePurpose
from accounts.staff.forms import StaffCodeForm
from common.form_fields import CodeField
from registration import sms_texts
from registration.desk.forms import WorkForm
from registration.forms.status import StatusForm
from sms import texts
from tests.support.accounts import citizen
from tests.support.entrances import ask_for_code, errors, type_code
from tests.support.paths import ROOT


def test_every_field_of_a_code_is_typed_from_left_to_right() -> None:
    fields = [
        CodeField(),
        *(
            form.base_fields[name]
            for form, name in ((StaffCodeForm, "code"), (WorkForm, "code"), (StatusForm, "tracking_code"))
        ),
    ]
    assert {field.widget.attrs["dir"] for field in fields} == {"ltr"}


@pytest.mark.parametrize("purpose", CodePurpose)
def test_in_an_sms_the_code_is_one_run_of_digits(purpose: CodePurpose) -> None:
    text = texts.code(code="123456", purpose_label=str(purpose.label), host="portal.example.ir")
    assert re.findall(r"\d[\d \u00a0-]*\d", text) == ["123456", "123456"]


def test_in_an_sms_no_phone_turns_the_groups_of_a_tracking_code_round() -> None:
    text = sms_texts.visit_branch(name="رضا", tracking_code="1234567897")
    assert "۱۲۳\u00a0۴۵۶\u00a0۷۸۹۷" in text  # no-break spaces are of the class CS: inside a number


def test_every_page_isolates_its_codes_from_left_to_right() -> None:
    shown = [
        (path.name, found[0])
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for found in re.finditer(r"<(\w+)[^>]*>\s*\{\{ (?:tracking_code|code|secret)[^}]*\}\}", path.read_text("utf-8"))
    ]
    assert len(shown) >= 5
    assert [each for each in shown if 'dir="ltr"' not in each[1]] == []


@pytest.mark.django_db(transaction=True)
def test_a_citizens_code_is_right_in_its_own_order_only(client: Client) -> None:
    citizen()
    code = ask_for_code(client)
    halves = code[3:] + " " + code[:3]
    if halves.replace(" ", "") == code:
        pytest.skip("a code of two equal halves")
    assert errors(type_code(client, halves))
    assert type_code(client, f"{code[:3]} {code[3:]}").status_code == 302
