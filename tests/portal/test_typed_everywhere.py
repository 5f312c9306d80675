"""What people type and paste is read alike wherever it is typed: in each field of each form, in the searches of desk
and admin, and by commands. The contract is `tests/vectors/`."""

from __future__ import annotations

import io
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.forms import BaseForm, Field
from django.urls import get_resolver

from accounts.management import account_command
from common import limits, persian
from common.commands import arguments
from common.form_fields import CodeField, MobileField, NationalIdField, ParsedField
from registration.admin import _numbers_in
from registration.desk import texts as desk_texts
from registration.desk.forms import WorkForm
from registration.forms.parts import _letters
from registration.services import lookup
from registration.states import State
from sms.management.commands import sms_status
from tamin_portal.management.commands.maintenance import moment
from tests.support.accounts import REZA, branch, citizen
from tests.support.desk import search
from tests.support.journeys import MATCHES, registration_in
from tests.support.persian_input import NAMES, PASTED, VECTORS, with_invisible

MOBILES = VECTORS["mobile"]["valid"] | PASTED["mobile"]["read"]
NATIONAL_IDS = VECTORS["national_id"]["valid"] + [*PASTED["national_id"]["read"]]
USERS, BRANCHES = "/admin/accounts/user/", "/admin/accounts/branch/"


def forms() -> Iterator[type[BaseForm]]:
    """Every form of the project, once all pages are loaded."""
    assert get_resolver().url_patterns
    assert apps.ready
    waiting = list(BaseForm.__subclasses__())
    while waiting:
        form = waiting.pop()
        waiting += form.__subclasses__()
        if not form.__module__.startswith("django.") and not form.__module__.startswith("tests."):
            yield form


def fields(name: str) -> dict[str, Field]:
    """The fields of all forms with this name, by the form they are in."""
    found = {}
    for form in forms():
        for key, field in getattr(form, "base_fields", {}).items():
            if key == name:
                found[f"{form.__module__}.{form.__name__}"] = field
    return found


def refused(field: Field, text: str) -> list[str]:
    with pytest.raises(ValidationError) as error:
        field.clean(text)
    return list(error.value.messages)


class TestEveryFormsField:
    def test_a_national_id(self) -> None:
        found = fields("national_id")
        assert len(found) >= 4
        for form, field in found.items():
            assert isinstance(field, NationalIdField), form
            for text in [*NATIONAL_IDS, *with_invisible("0012345679")]:
                assert field.clean(text) == persian.parse_national_id(text), (form, text)
            for text in VECTORS["national_id"]["invalid"]:
                assert refused(field, text)

    def test_a_mobile(self) -> None:
        found = fields("mobile")
        assert len(found) >= 3
        for form, field in found.items():
            assert isinstance(field, MobileField), form
            for text, number in MOBILES.items():
                assert field.clean(text) == number, (form, text)
            for text in with_invisible("+98 (0)912 123 4567"):
                assert field.clean(text) == "+989121234567", (form, text)
            for text in filter(None, VECTORS["mobile"]["invalid"]):
                assert refused(field, text)

    def test_a_code(self) -> None:
        found, right = fields("code"), VECTORS["one_time_code"]["_code"]
        assert len(found) >= 6
        read = dict.fromkeys(VECTORS["one_time_code"]["valid"], right) | PASTED["one_time_code"]["read"]
        for form, field in found.items():
            if not isinstance(field, ParsedField):  # of the desk, where the form reads it: `test_the_desks_code`
                assert form == "registration.desk.forms.WorkForm"
                continue
            assert isinstance(field, CodeField) or form == "accounts.staff.forms.StaffCodeForm"
            for text, code in read.items():
                assert field.clean(text) == code, (form, text)
            for text in with_invisible(right):
                assert field.clean(text) == right, (form, text)
            for text in VECTORS["one_time_code"]["invalid"]:
                assert refused(field, text)

    @pytest.mark.parametrize("text", VECTORS["one_time_code"]["valid"])
    def test_the_desks_code(self, text: str) -> None:
        form = WorkForm({"code": text, "note": "دیده شد", "papers": list(desk_texts.PAPERS)})
        assert form.is_valid(), form.errors
        assert form.cleaned_data["code"] == VECTORS["one_time_code"]["_code"]

    def test_a_tracking_code(self) -> None:
        for form, field in fields("tracking_code").items():
            for text, code in PASTED["tracking_code"]["read"].items():
                assert field.clean(text) == code, (form, text)
            for text in with_invisible("123 456 7897"):
                assert field.clean(text) == "1234567897", (form, text)

    @pytest.mark.parametrize("name", ["first_name", "last_name"])
    def test_a_name(self, name: str) -> None:
        found = fields(name)
        assert found
        for form, field in found.items():
            if not form.startswith("registration."):
                continue
            for text in [*NAMES, *with_invisible("محمدرضا")]:
                assert persian.is_name(field.clean(text)), (form, text)

    def test_numbers_of_the_certificate_and_the_parts_of_a_date(self) -> None:
        typed = {
            "certificate_number": ("1254", "1254"),
            "certificate_serial": ("345678", "345678"),
            "series_number": ("12", "12"),
            "birth_day": ("17", "17"),
            "birth_year": ("1370", "1370"),
        }
        for name, (text, value) in typed.items():
            found = fields(name)
            assert found, name
            for form, field in found.items():
                for each in [text, persian.to_persian_digits(text), *with_invisible(text)]:
                    assert field.clean(each) == value, (form, each)

    def test_no_other_field_asks_for_one_of_these(self) -> None:
        """A field that takes digits has one of the types above, or a parser of `common.persian`."""
        for form in forms():
            for name, field in getattr(form, "base_fields", {}).items():
                numeric = field.widget.attrs.get("inputmode") in ("numeric", "tel")
                if numeric and form.__name__ not in ("WorkForm", "SampleForm"):  # the desk's, above; no real page's
                    assert isinstance(field, MobileField) or hasattr(field, "parse"), (form, name)


class TestWhatStaysRefusedNamesTheWay:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("national_id", "2222222222"),  # ten equal digits
            ("national_id", "0012345678"),
            ("mobile", "+905321234567"),
        ],
    )
    def test_by_a_branch(self, name: str, text: str) -> None:
        for field in fields(name).values():
            assert "شعبه" in refused(field, text)[0]

    def test_a_name_in_latin_letters(self) -> None:
        with pytest.raises(ValidationError, match="شعبه"):
            _letters("Reza", "نام")


@pytest.mark.django_db
class TestSearches:
    @pytest.mark.parametrize("text", [*VECTORS["national_id"]["valid"], *PASTED["national_id"]["read"]])
    def test_the_desk_finds_a_national_id(self, text: str) -> None:
        assert ("national_id", persian.parse_national_id(text)) in _numbers_in(text).children  # type: ignore[union-attr]

    @pytest.mark.parametrize(("text", "number"), MOBILES.items())
    def test_the_desk_finds_a_mobile(self, text: str, number: str) -> None:
        assert ("mobile", number) in _numbers_in(text).children  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        "text",
        [
            "0012345679", "۰۰۱۲۳۴۵۶۷۹", "001-234567-9", "کد ملی: 0012345679", "001\u2060234\u00ad5679",
            "09121234567", "۰۹۱۲ ۱۲۳ ۴۵ ۶۷", "+98 (0)912 123 4567", "\u2066+98 912 123 4567\u2069", "كريمي",
        ],
    )  # fmt: skip
    def test_the_admin_finds_an_account(self, boss: Any, text: str) -> None:
        person = citizen(last_name="کریمی")
        found = boss.get(search(boss, USERS, text)["Location"]).context["cl"].result_list
        assert [row.pk for row in found] == [person.pk]

    def test_the_admin_finds_a_branch_by_its_code_in_any_digits(self, boss: Any) -> None:
        one = branch()
        address = search(boss, BRANCHES, persian.to_persian_digits(one.code) + "\u200f")["Location"]
        assert [row.pk for row in boss.get(address).context["cl"].result_list] == [one.pk]


@pytest.mark.django_db
class TestCommands:
    @pytest.mark.parametrize("text", [each for each in NATIONAL_IDS if persian.parse_national_id(each) == REZA])
    def test_an_account(self, text: str) -> None:
        person = citizen()
        assert account_command.account_of(text) == person

    def test_an_account_in_spite_of_each_invisible_sign(self) -> None:
        person = citizen()
        assert {account_command.account_of(text) for text in with_invisible(REZA)} == {person}

    @pytest.mark.parametrize("text", VECTORS["national_id"]["invalid"])
    def test_no_account(self, text: str) -> None:
        with pytest.raises(CommandError):
            account_command.account_of(text)

    @pytest.mark.parametrize(("text", "number"), MOBILES.items())
    def test_a_mobile(self, text: str, number: str) -> None:
        assert account_command.mobile(text) == number
        assert sms_status._messages(text) == []  # read as a number, not refused
        call_command("sms_inbox", "--to", text, stdout=io.StringIO())

    def test_a_registration(self) -> None:
        row = registration_in(State.SUBMITTED)
        code = row.tracking_code or ""
        spelled = [persian.to_persian_digits(code), f"کد رهگیری: {code[:3]} {code[3:6]} {code[6:]}"]
        spelled += [*with_invisible(code), *with_invisible(MATCHES.national_id)]
        assert {lookup.by_typed(text).pk for text in spelled} == {row.pk}

    def test_days_counts_and_moments(self) -> None:
        for text, day in VECTORS["jalali_date"]["valid"].items():
            assert str(arguments.day(text)) == day
        for text in VECTORS["jalali_date"]["invalid"]:
            if text != "1991-08-08":  # a command takes a Gregorian day too
                with pytest.raises(ArgumentTypeError):
                    arguments.day(text)
        assert {str(arguments.day(text)) for text in with_invisible("1370/05/17")} == {"1991-08-08"}
        assert {arguments.count(text) for text in ["12", "۱۲", *with_invisible("12")]} == {12}
        moments = ["1405/09/08 06:00", "۱۴۰۵/۰۹/۰۸ ۰۶:۰۰\u200f", "\u2067۱۴۰۵/۰۹/۰۸ 06:00"]
        assert len({moment(text) for text in moments}) == 1

    def test_messages_by_their_number(self) -> None:
        with pytest.raises(CommandError, match="1 of 1"):
            call_command("sms_resend", "۱۲\u200f", stdout=io.StringIO(), stderr=io.StringIO())
        assert sms_status._messages("۱۲\u200f") == []


def test_the_longest_paste_is_read_to_its_end() -> None:
    field: Callable[[str], Any] = NationalIdField().clean
    assert field("کد ملی من این است: " + " " * 50 + "0012345679")
    assert limits.LARGEST_FIELD >= 200
