"""The branch way: explained to everybody, with the branches of one's city to whom we may know it of."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Branch, User
from tests.support.recoveries import OLD, REZA, Recoverer, account_of, page_text

pytestmark = pytest.mark.django_db(transaction=True)
PAGES = ("branches", "recovery_branch")
TEHRAN, SHIRAZ = "شعبه ۱ تهران", "شعبه ۴۲ شیراز"


@pytest.fixture(autouse=True)
def branches():
    Branch.objects.create(code="0001", name=TEHRAN, city="تهران", address="خیابان آزادی، پلاک ۳۴۵")
    Branch.objects.create(code="0042", name=SHIRAZ, city="شيراز")  # typed on an Arabic keyboard


def shown(page: str) -> set[str]:
    return {name for name in (TEHRAN, SHIRAZ) if name in page}


@pytest.mark.parametrize("name", PAGES)
def test_a_stranger_chooses_the_city(name):
    page = Client().get(reverse(name))
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert shown(page_text(page)) == set()
    for city in ("تهران", "شيراز"):
        assert f'<option value="{city}">' in page_text(page)
    page = Client().get(reverse(name), {"city": "شیراز"})
    assert shown(page_text(page)) == {SHIRAZ}
    assert '<option value="شيراز" selected>' in page_text(page)


@pytest.mark.parametrize("name", PAGES)
def test_who_has_proven_the_number_sees_the_branches_of_the_accounts_city(name):
    account_of(city="فارس، شیراز")
    browser = Recoverer()
    browser.begin()
    assert shown(page_text(browser.look(name))) == set()  # not proven: nothing is told
    browser.prove()
    assert shown(page_text(browser.look(name))) == {SHIRAZ}
    assert shown(page_text(browser.get(reverse(name), {"city": "تهران"}))) == {TEHRAN}
    assert shown(page_text(browser.get(reverse(name), {"city": ""}))) == set()


def test_who_is_signed_in_sees_their_own_city():
    account_of()
    browser = Client()
    browser.post("/portal/", {"national_id": REZA.national_id, "password": OLD})
    page = page_text(browser.get(reverse("branches")))
    assert shown(page) == {TEHRAN}
    assert "خیابان آزادی، پلاک ۳۴۵" in page


def test_in_a_city_without_a_branch_the_others_are_offered():
    account_of(city="یزد، ابرکوه")
    browser = Recoverer()
    browser.prove()
    page = browser.look("recovery_branch")
    assert page.context["nearby"].city == "ابرکوه"
    assert "ابرکوه" in page_text(page)
    assert '<option value="تهران">' in page_text(page)
    stranger = Client().get(reverse("branches"), {"city": "ابرکوه"})
    assert "ابرکوه" not in page_text(stranger)
    assert '<option value="تهران">' in page_text(stranger)


def test_without_any_branch_the_page_says_so():
    User.objects.filter(branch__isnull=False).delete()
    Branch.objects.all().delete()
    page = page_text(Client().get(reverse("recovery_branch")))
    assert "<select" not in page


@pytest.mark.parametrize("typed", ["x" * 10_000, "\x00", "<script>alert(1)</script>", "' OR 1=1 --", "!؟"])
def test_whatever_is_asked_for_is_answered(typed):
    page = Client().get(reverse("branches"), {"city": typed})
    assert page.status_code == 200
    assert shown(page_text(page)) == set()
    assert "<script>alert" not in page_text(page)


def test_the_pages_cost_one_statement_and_no_session():
    for name in PAGES:
        with CaptureQueriesContext(connection) as asked:
            page = Client().get(reverse(name))
        assert len(asked) == 1
        assert "sessionid" not in page.cookies


def test_the_way_is_linked_from_where_people_get_stuck():
    assert reverse("branches") in page_text(Client().get(reverse("sign_in")))
    assert reverse("recovery_branch") in page_text(Client().get(reverse("recovery")))
    account_of()
    browser = Recoverer()
    browser.begin()
    assert reverse("recovery_branch") in page_text(browser.look("recovery_code"))
    browser.prove()
    assert reverse("recovery_branch") in page_text(browser.look("recovery_answer"))


def test_a_branch_has_its_hours_and_a_place_on_the_map():
    Branch.objects.filter(code="0001").update(latitude=35.6997, longitude=51.338, hours="شنبه تا چهارشنبه 7:30 تا 14")
    page = page_text(Client().get(reverse("branches"), {"city": "تهران"}))
    assert 'ساعت کار: <bdi lang="fa">شنبه تا چهارشنبه ۷:۳۰ تا ۱۴</bdi>' in page
    assert 'href="https://www.openstreetmap.org/search?query=35.699700,51.338000" rel="noreferrer"' in page
    Branch.objects.filter(code="0001").update(latitude=None, longitude=None)
    assert "search?query=%D8" in page_text(Client().get(reverse("branches"), {"city": "تهران"}))  # by the address
    Branch.objects.filter(code="0001").update(address="")
    assert "openstreetmap" not in page_text(Client().get(reverse("branches"), {"city": "تهران"}))


def test_the_map_is_the_installations_own(settings):
    settings.MAP_LINK = "geo:0,0?q={place}"
    Branch.objects.filter(code="0001").update(address='" onclick="x', latitude=None)
    page = page_text(Client().get(reverse("branches"), {"city": "تهران"}))
    assert 'href="geo:0,0?q=%D8' in page
    assert ' onclick="' not in page


def test_in_a_city_without_a_branch_those_of_the_province_are_shown():
    Branch.objects.filter(code="0042").update(province="فارس")
    account_of(city="فارس، مرودشت")
    browser = Recoverer()
    browser.prove()
    page = page_text(browser.look("branches"))
    assert shown(page) == {SHIRAZ}
    assert "شعب سازمان در استان فارس" in page
    assert "در مرودشت" in page


def test_two_cities_of_one_name_are_told_apart_by_their_provinces():
    Branch.objects.create(code="1", name="شعبه الف", city="هرات", province="یزد")
    Branch.objects.create(code="2", name="شعبه ب", city="هرات", province="هرات")
    account_of(city="یزد، هرات")
    browser = Recoverer()
    browser.prove()
    page = page_text(browser.look("branches"))
    assert "شعبه الف" in page
    assert "شعبه ب" not in page


def test_a_place_has_both_coordinates_or_none():
    half = Branch(code="3", name="شعبه", city="قم", latitude=34.6)
    with pytest.raises(ValidationError):
        half.full_clean()
    half.longitude = 50.9
    half.full_clean()
    half.latitude = 91
    with pytest.raises(ValidationError):
        half.full_clean()
