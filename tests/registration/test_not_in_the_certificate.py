"""The ticks for what is not in the certificate: on the pages, in the draft, at the desk, in the account."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils.translation import gettext

from accounts.models import User
from common.persian import parse_jalali
from identity.registries.demo import CITIZENS, Plot
from registration.forms.parts import NOT_THERE, PersonForm
from registration.forms.second_chance import CorrectionForm
from registration.models import Registration
from registration.services import decisions, matching
from registration.states import State
from tests.support.desk import Clerk
from tests.support.journeys import MATCHES, PASSWORD, URL, Answers, Browser, registration_in

[OLD_CERTIFICATE] = [one for one in CITIZENS if one.plot is Plot.OLD_CERTIFICATE]
FIELDS = tuple(PersonForm.base_fields)
UNDO = "You filled in “%(field)s” and also ticked that it is not there. Undo one of them."
LETTERS = (
    "Write the %(field)s in Persian letters, just as it is on your birth certificate. If it is in other letters there, "
    "please go to the nearest branch."
)


def form(**changes: str) -> PersonForm:
    """Step three's first part, with the answers of a citizen whose certificate has everything."""
    answers = vars(Answers.of(MATCHES)) | changes
    typed = {name: answers[name] for name in FIELDS if name in answers}
    return PersonForm(typed, registration=Registration(national_id=MATCHES.national_id))


def blank(tick: str, **changes: str) -> PersonForm:
    return form(**{tick: "on"} | dict.fromkeys(NOT_THERE[tick], "") | changes)


@pytest.mark.parametrize("tick", NOT_THERE)
def test_what_is_ticked_may_be_left_empty(tick: str) -> None:
    ticked = blank(tick)
    assert ticked.is_valid(), ticked.errors
    assert all(not ticked.cleaned_data[name] for name in NOT_THERE[tick])


@pytest.mark.parametrize("tick", NOT_THERE)
def test_what_is_not_ticked_may_not(tick: str) -> None:
    untouched = form(**dict.fromkeys(NOT_THERE[tick], ""))
    assert set(untouched.errors) == set(NOT_THERE[tick])


@pytest.mark.parametrize("tick", NOT_THERE)
def test_a_tick_covers_nothing_else(tick: str) -> None:
    others = {name for names in NOT_THERE.values() for name in names} - set(NOT_THERE[tick])
    assert set(blank(tick, **dict.fromkeys(others, "")).errors) == others


@pytest.mark.parametrize(("tick", "name"), [(tick, name) for tick, names in NOT_THERE.items() for name in names])
def test_ticked_and_filled_in_is_asked_about(tick: str, name: str) -> None:
    typed = vars(Answers.of(MATCHES))[name]
    both = blank(tick, **{name: typed})
    assert both.errors == {name: [gettext(UNDO) % {"field": both.fields[name].label}]}


@pytest.mark.parametrize(
    ("tick", "date", "unknown"),
    [("no_birth_day", "1370/05/01", "day"), ("no_birth_month", "1370/01/01", "month")],
)
def test_a_date_begins_with_what_is_known(tick: str, date: str, unknown: str) -> None:
    ticked = blank(tick)
    assert ticked.is_valid()
    assert (ticked.cleaned_data["birth_date"], ticked.cleaned_data["birth_unknown"]) == (parse_jalali(date), unknown)


def test_a_year_alone_is_still_checked() -> None:
    assert set(blank("no_birth_month", birth_year="1991").errors) == {"birth_year"}
    assert set(blank("no_birth_month", birth_year="").errors) == {"birth_year"}


@pytest.mark.parametrize("tick", NOT_THERE)
def test_the_ticks_are_open_where_one_is_made_or_missing(tick: str) -> None:
    opens = "opens_series_ticks" if tick in ("no_series", "no_serial") else "opens_birth_ticks"
    assert not getattr(form(), opens)()
    assert getattr(blank(tick), opens)()
    assert getattr(form(**dict.fromkeys(NOT_THERE[tick], "")), opens)()


@pytest.mark.parametrize("name", ["Reza", "رضا Karimi", "Ρεζα", "Реза", "rézá"])
@pytest.mark.parametrize("field", ["first_name", "last_name"])
def test_a_name_in_other_letters_is_refused_at_once_and_kept(field: str, name: str) -> None:
    refused = form(**{field: name})
    assert refused.errors == {field: [gettext(LETTERS) % {"field": refused.fields[field].label}]}
    assert refused[field].value() == name
    assert refused.answers_to_keep()[field] == name


@pytest.mark.parametrize("name", ["رضا ۲", "رضا😀", "رضا@", "۱۲"])
def test_a_name_with_digits_and_pictures_is_refused_too(name: str) -> None:
    sentence = gettext("%(field)s is written with letters only, as on your birth certificate.")
    assert form(first_name=name).errors == {"first_name": [sentence % {"field": gettext("First name")}]}


@pytest.mark.parametrize("name", ["رضا", "علی‌اکبر", "فاطمة", "رؤیا", "عبداﷲ", "مُحَمَّد", "ملك", "ئاسو", "ڤیان", "گؤزل"])
def test_a_name_in_persian_letters_is_taken(name: str) -> None:
    assert form(first_name=name).is_valid()


@pytest.mark.django_db(transaction=True)
class TestThePages:
    def test_a_citizen_without_series_and_serial_gets_an_account(self) -> None:
        row = Browser().register(OLD_CERTIFICATE)
        matching.match_due()
        row.refresh_from_db()
        assert (row.state, row.verdict, row.series_letter, row.certificate_serial) == (State.APPROVED, "match", "", "")

    def test_a_thief_who_ticks_what_they_do_not_know_gets_none(self) -> None:
        row = Browser().register(
            MATCHES, no_serial="on", certificate_serial="", no_birth_month="on", birth_day="", birth_month=""
        )
        matching.match_due()
        row.refresh_from_db()
        assert (row.state, row.verdict) == (State.REFERRED, "needs_a_person")
        assert {name for name, said in row.verdict_fields.items() if said == "needs_a_person"} == {
            "certificate_serial",
            "birth_date",
        }
        assert not User.objects.exists()

    def test_the_page_shows_ticks_and_drawings_without_script(self) -> None:
        browser = Browser()
        card = browser.get(URL).content.decode()
        assert card.count("<desc") == 2
        browser.confirm()
        page = browser.get(URL).content.decode()
        assert all(f'id="id_identity-{tick}"' in page for tick in NOT_THERE)
        assert page.count("<desc") == 2

    def test_a_tick_is_kept_with_the_draft(self) -> None:
        browser = Browser()
        browser.confirm()
        browser.step_three(Answers.of(MATCHES, no_serial="on", certificate_serial="", last_name=""))
        page = browser.get(URL).content.decode()
        assert ticked(page, "id_identity-no_serial")
        assert not ticked(page, "id_identity-no_series")

    def test_a_correction_begins_with_the_ticks_that_were_made(self) -> None:
        row = registration_in(
            State.REFERRED,
            verdict="needs_a_person",
            verdict_kind="identity",
            certificate_serial="",
            birth_date=parse_jalali("1370/01/01"),
            birth_unknown="month",
        )
        typed = CorrectionForm.typed(row)
        assert {tick: typed[tick] for tick in NOT_THERE} == {
            "no_series": False,
            "no_serial": True,
            "no_birth_day": False,
            "no_birth_month": True,
        }
        assert (typed["birth_year"], typed["birth_month"], typed["birth_day"]) == ("1370", "", "")
        again = CorrectionForm(
            {name: value for name, value in typed.items() if value} | {"round": "0"}, registration=row
        )
        assert again.is_valid(), again.errors
        assert again.identity().birth_unknown == "month"

    def test_the_desk_says_what_there_is_not(self) -> None:
        row = registration_in(
            State.REFERRED, verdict="needs_a_person", verdict_kind="identity", certificate_serial="",
            birth_date=parse_jalali("1370/05/01"), birth_unknown="day",
        )  # fmt: skip
        page = Clerk().open(row)
        assert gettext("there is none") in page
        assert "۱۳۷۰/۰۵<" in page.replace("</bdi>", "<")

    def test_an_account_knows_what_is_known_of_the_birth_date(self) -> None:
        row = registration_in(
            State.SUBMITTED, birth_date=parse_jalali("1370/01/01"), birth_unknown="month", password=PASSWORD
        )
        account = decisions._new_account(row)
        assert (account.birth_date, account.birth_unknown) == (row.birth_date, "month")


def ticked(page: str, box: str) -> bool:
    start = page.index(f'id="{box}"')
    tag: Any = page[page.rindex("<", 0, start) : page.index(">", start)]
    return " checked" in tag
