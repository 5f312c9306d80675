"""What a person pastes is read: the whole SMS, a label, the code twice, signs that nobody sees."""

from __future__ import annotations

import pytest

from common import limits, persian
from common.form_fields import CodeField
from registration import tracking
from registration.forms.status import StatusForm
from sms import texts
from tests.support.persian_input import INVISIBLE, PASTED, VECTORS

CODE = VECTORS["one_time_code"]


def one_time_code(text: str) -> str:
    return persian.parse_one_time_code(text, digits=6)


PARSERS = {
    "one_time_code": one_time_code,
    "national_id": persian.parse_national_id,
    "mobile": persian.parse_mobile,
    "tracking_code": tracking.parse,
}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [(kind, *each) for kind in PARSERS for each in PASTED[kind]["read"].items()],
)
def test_what_is_pasted_is_read(kind: str, text: str, value: str) -> None:
    assert PARSERS[kind](text) == value


@pytest.mark.parametrize(
    ("kind", "text", "rule"),
    [(kind, *each) for kind in PARSERS for each in PASTED[kind].get("refused", {}).items()],
)
def test_what_cannot_be_meant_is_refused_by_its_rule(kind: str, text: str, rule: str) -> None:
    with pytest.raises(persian.InputError) as refused:
        PARSERS[kind](text)
    assert refused.value.code == rule


@pytest.mark.parametrize("text", CODE["valid"])
def test_a_code_is_found_in_what_was_typed(text: str) -> None:
    assert one_time_code(text) == CODE["_code"]


@pytest.mark.parametrize("text", CODE["invalid"])
def test_what_holds_no_single_code_is_refused(text: str) -> None:
    with pytest.raises(persian.InputError):
        one_time_code(text)


@pytest.mark.parametrize("purpose", ["کد شناسه ثبت نام", "کد ورود", "test"])
@pytest.mark.parametrize("host", ["", "portal.example.ir", "127.0.0.1:9090"])
def test_our_own_sms_can_be_pasted_whole(purpose: str, host: str) -> None:
    sms = texts.code(code="048213", purpose_label=purpose, host=host)
    assert one_time_code(sms) == "048213"
    assert one_time_code(sms.replace("\n", "")) == "048213"  # a box of one line drops the line's end
    assert one_time_code(persian.to_persian_digits(sms)) == "048213"


def test_no_invisible_sign_of_unicode_keeps_a_number_from_being_read() -> None:
    assert len(INVISIBLE) > 150
    for sign in INVISIBLE:
        assert persian.parse_national_id(f"{sign}001234{sign}5679{sign}") == "0012345679"
        assert one_time_code(f"123{sign}456") == "123456"
        assert persian.parse_mobile(f"0912{sign}1234567") == "+989121234567"


def test_of_the_invisible_signs_a_name_keeps_those_that_shape_its_letters() -> None:
    kept = [sign for sign in INVISIBLE if persian.fold(f"علی{sign}اکبر") != "علیاکبر"]
    assert kept == ["\u200c", "\u200d"]


def test_no_box_of_a_code_cuts_a_paste() -> None:
    assert "maxlength" not in CodeField().widget.attrs
    form = StatusForm({"national_id": "کد ملی: 0012345679", "tracking_code": "کد رهگیری:" + " " * 60 + "123 456 7897"})
    assert "maxlength" not in str(form["tracking_code"])
    assert form.is_valid(), form.errors
    assert form.cleaned_data == {"national_id": "0012345679", "tracking_code": "1234567897"}


def test_a_paste_without_a_code_says_that_it_cost_no_try() -> None:
    field = CodeField()
    assert field.clean("کد: ۱۲۳۴۵۶") == "123456"
    for text in ("12345", "۱۲۳۴۵۶ 654321"):
        with pytest.raises(Exception, match="به حساب نیامد") as refused:
            field.clean(text)
        assert "123" not in str(refused.value)
    assert limits.CODE_DIGITS == 6
