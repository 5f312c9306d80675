"""The journey in English, on a phone: from the link in the header to the account, left to right on every page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.support.browsers import PHONE, SUBMIT, Visitor
from tests.support.live import Citizen, Portal, demo, until

pytestmark = pytest.mark.browser
MONTHS = ("Farvardin", "Ordibehesht", "Khordad", "Tir", "Mordad", "Shahrivar", "Mehr", "Aban", "Azar", "Dey", "Bahman")


@pytest.fixture(scope="module")
def visitor(chromium: Browser, portal: Portal) -> Visitor:
    """A phone whose owner has pressed «English»."""
    phone = Visitor(chromium, portal, width=PHONE, name="english")
    phone.go("/portal/registration")
    phone.page.get_by_role("link", name="English", exact=True).click()
    phone.reads("Registration – step one")
    return phone


def answers_of(citizen: Citizen) -> dict[str, str]:
    """Label → what is typed or chosen on step three."""
    year, month, day = citizen.birth_date.split("/")
    return {
        "Last name": citizen.last_name,
        "First name": citizen.first_name,
        "Birth certificate (shenasnameh) number": citizen.certificate_number,
        "Birth certificate serial number": citizen.certificate_serial,
        "Birth certificate series (letter)": citizen.series_letter,
        "Birth certificate series (number)": citizen.series_number,
        "Day": day,
        "Month": MONTHS[int(month) - 1],
        "Year": year,
        "Gender": "Male",
        "Country": "Iran",
        "City": citizen.city,
        "E-mail address": "someone@example.com",
        "Password": citizen.password,
        "Repeat the password": citizen.password,
        "Question": "What is your favourite colour?",
        "Answer": "آبی آسمانی",
    }


def fill_what_is_asked(visitor: Visitor, answers: dict[str, str]) -> None:
    visitor.fill({label: text for label, text in answers.items() if visitor.field(label).count()})


def reads_left_to_right(visitor: Visitor) -> None:
    said = visitor.page.evaluate("[document.documentElement.lang, getComputedStyle(document.body).direction]")
    assert said == ["en", "ltr"]


def test_the_journey_in_english_ends_with_an_account(visitor: Visitor) -> None:
    citizen = demo("matches")
    reads_left_to_right(visitor)
    visitor.seen("english-01-step-one")
    visitor.press()
    visitor.reads("There is a problem")
    visitor.seen("english-02-step-one-wrong")
    fill_what_is_asked(
        visitor,
        {"National ID": citizen.national_id, "Operator": "Hamrah-e Aval", "Mobile phone": citizen.mobile},
    )
    visitor.press()
    visitor.field("Code").wait_for()
    assert visitor.page.locator("[data-clock]").first.inner_text().isascii()
    visitor.seen("english-03-step-two")
    visitor.fill({"Code": visitor.portal.home.new_code(citizen.mobile)})
    visitor.press()
    visitor.field("Last name").wait_for()
    visitor.seen("english-04-step-three")
    answers = answers_of(citizen)
    for part in range(6):  # step three, in however many parts
        fill_what_is_asked(visitor, answers)
        visitor.seen(f"english-05-part-{part}")
        visitor.page.locator(SUBMIT).first.click()
        visitor.page.wait_for_load_state()
        if visitor.page.locator(".tracking-code").count():
            break
    assert len(visitor.tracking_code()) == 10
    assert visitor.page.locator(".tracking-code").first.inner_text().isascii()
    visitor.seen("english-06-registered")
    assert "خوش آمدید" in visitor.result(citizen)  # an SMS stays Persian
    visitor.go("/portal/")
    visitor.seen("english-07-sign-in")
    visitor.fill({"National ID": citizen.national_id, "Password": citizen.password})
    visitor.press()
    visitor.reads("Services of the organization")
    visitor.seen("english-08-home")
    visitor.go("/portal/profile")
    visitor.reads("17 Mordad 1370 (8 August 1991)")
    visitor.seen("english-09-profile")
    for address in ("devices", "history", "password", "mobile"):
        visitor.go(f"/portal/profile/{address}")
        reads_left_to_right(visitor)
        visitor.seen(f"english-10-{address}")
    visitor.go("/portal/branches")
    visitor.seen("english-11-branches")


def test_a_number_stands_at_the_left_and_a_persian_name_where_the_reader_looks(visitor: Visitor) -> None:
    visitor.context.clear_cookies()
    visitor.go("/portal/registration?language=en")
    left = "node => getComputedStyle(node).textAlign + ' ' + getComputedStyle(node).direction"
    assert visitor.field("National ID").evaluate(left) == "start ltr"
    select = visitor.field("Operator")
    shown = select.evaluate("node => { const s = getComputedStyle(node); return [s.paddingLeft, s.paddingRight]; }")
    assert [float(size.removesuffix("px")) for size in shown] == [12, 36]
    visitor.page.get_by_role("link", name="فارسی", exact=True).click()
    visitor.reads("گام اول")
    shown = visitor.field("اپراتور").evaluate(
        "node => { const s = getComputedStyle(node); return [s.paddingLeft, s.paddingRight, s.backgroundPosition]; }"
    )
    assert [float(size.removesuffix("px")) for size in shown[:2]] == [36, 12]
    assert visitor.field("کد ملی").evaluate(left) == "end ltr"
    steps = visitor.page.locator("ol.steps")  # they are numbered by their words
    assert steps.evaluate("node => getComputedStyle(node).listStyleType") == "none"
    until(lambda: visitor.page.evaluate("document.documentElement.dir") == "rtl", what="Persian")
