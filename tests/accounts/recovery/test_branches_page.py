"""The branch way: explained to everybody, with the branches of one's city to whom we may know it of."""

from __future__ import annotations

import pytest
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
