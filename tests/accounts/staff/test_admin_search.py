"""What staff search for stays out of addresses: the form posts it, the session keeps it."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.test import Client

from accounts.models import Branch
from common import limits
from common.admin.lists import SearchesByPost
from registration.states import State
from tests.support.accounts import REZA, administrator, citizen
from tests.support.desk import QUEUE, Clerk, search
from tests.support.journeys import MATCHES, OTHER_NAME, registration_in

pytestmark = pytest.mark.django_db
USERS, BRANCHES, SERVICES = (f"/admin/accounts/{name}/" for name in ("user", "branch", "service"))


def rows(client: Client, address: str) -> list[int]:
    return [row.pk for row in client.get(address).context["cl"].result_list]


def test_every_list_with_a_search_posts_it():
    searchable = [each for each in admin.site._registry.values() if each.search_fields]
    assert len(searchable) >= 4
    assert [each for each in searchable if not isinstance(each, SearchesByPost)] == []


@pytest.mark.parametrize("page", [QUEUE, USERS, BRANCHES, SERVICES])
def test_no_form_of_a_list_asks_by_get(boss, page):
    forms = re.findall(r"<form[^>]*>", boss.get(page).content.decode())
    assert [form for form in forms if 'id="changelist-search"' in form and 'method="post"' in form]
    assert [form for form in forms if 'method="post"' not in form] == []


def test_the_address_of_a_search_holds_no_national_id(boss):
    person = citizen()
    address = search(boss, USERS, REZA)["Location"]
    assert REZA not in address
    page = boss.get(address)
    assert [row.pk for row in page.context["cl"].result_list] == [person.pk]
    links = re.findall(r'(?:href|action)="([^"]*)"', page.content.decode())
    assert [link for link in links if REZA in link] == []
    assert f'value="{REZA}"' in page.content.decode()  # in the field, to be corrected


def test_a_search_is_posted_with_its_token_only():
    client = Client(enforce_csrf_checks=True)
    client.force_login(administrator())
    assert client.post(USERS, {"q": REZA}).status_code == 403
    page = client.get(USERS).content.decode()
    form = page[page.index('id="changelist-search"') :]
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    assert token
    assert client.post(USERS, {"q": REZA, "csrfmiddlewaretoken": token[1]}).status_code == 302


@pytest.mark.parametrize("page", [QUEUE, USERS])
def test_an_old_bookmark_with_a_term_is_led_on(boss, page):
    citizen()
    for person in (OTHER_NAME, MATCHES):
        registration_in(State.REFERRED, person=person)
    address = boss.get(page, {"q": REZA, "o": "1"})["Location"]
    assert REZA not in address
    assert boss.get(address).context["cl"].query == REZA


@pytest.mark.parametrize("page", [QUEUE, USERS])
def test_an_old_bookmark_of_who_is_not_signed_in_leads_to_the_sign_in_without_its_term(client, page):
    answer = client.get(page, {"q": REZA}, follow=True)
    assert answer.status_code == 200
    assert [address for address, _ in answer.redirect_chain if REZA in address] == []
    assert answer.redirect_chain[-1][0] == f"/admin/login/?next={page}"


def test_pages_order_and_filters_go_on_within_a_search(boss):
    Branch.objects.bulk_create(Branch(code=f"{n:04}", name=f"شعبه {n}", city="قم") for n in range(150))
    Branch.objects.create(code="9000", name="شعبه", city="تبریز")
    address = search(boss, f"{BRANCHES}?o=-1&p=2", "قم")["Location"]
    first = boss.get(address)
    assert first.context["cl"].result_count == 150
    assert first.context["cl"].result_list[0].code == "0149"
    [second] = set(re.findall(r'href="(\?[^"]*\bp=2[^"]*)"', first.content.decode()))
    shown = boss.get(BRANCHES + second.replace("&amp;", "&"))
    assert [row.code for row in shown.context["cl"].result_list][-1] == "0000"
    assert shown.context["cl"].result_count == 150


def test_a_filter_narrows_what_was_found(boss):
    citizen()
    address = search(boss, USERS, REZA)["Location"]
    assert len(rows(boss, f"{address}&is_active__exact=1")) == 1
    assert rows(boss, f"{address}&is_active__exact=0") == []
    assert boss.get(f"{address}&is_active__exact=1").context["cl"].has_active_filters
    assert not boss.get(address).context["cl"].has_active_filters


def test_every_search_keeps_its_own_address_for_the_way_back(boss):
    person, other = citizen(), citizen(national_id="0123456789", mobile="+989121234568")
    one, two = (search(boss, USERS, each.national_id)["Location"] for each in (person, other))
    assert (rows(boss, one), rows(boss, two)) == ([person.pk], [other.pk])
    assert rows(boss, one) == [person.pk]
    assert search(boss, USERS, REZA)["Location"] == one  # the same again is the same page


def test_who_comes_to_a_search_that_nobody_knows_any_more_is_told_so(boss):
    citizen()
    old = search(boss, USERS, REZA)["Location"]
    for number in range(limits.SEARCHES_KEPT):
        search(boss, USERS, f"{number}")
    answer = boss.get(f"{old}&is_active__exact=1")
    assert answer["Location"] == f"{USERS}?is_active__exact=1"
    assert "دوباره جستجو کنید" in boss.get(answer["Location"]).content.decode()


def test_anothers_search_is_nobodys_business(boss):
    citizen()
    address = search(boss, USERS, REZA)["Location"]
    other = Client()
    other.force_login(administrator("other"))
    assert other.get(address)["Location"] == USERS


def test_a_sign_out_forgets_what_was_searched_for(boss):
    citizen()
    address = search(boss, USERS, REZA)["Location"]
    boss.post("/admin/logout/")
    boss.force_login(administrator("other"))
    assert boss.get(address)["Location"] == USERS


def test_a_very_long_search_is_cut(boss):
    address = search(boss, USERS, "9" * 100_000)["Location"]
    assert boss.get(address).context["cl"].query == "9" * limits.SEARCH_LONGEST


def test_a_change_in_a_list_that_was_searched_leads_back_to_it(boss):
    address = search(boss, SERVICES, "بیمه")["Location"]
    assert boss.post(address, {"form-TOTAL_FORMS": "0", "form-INITIAL_FORMS": "0", "_save": "1"}).status_code == 302


def test_nothing_is_completed_while_one_types(boss):
    query = {"app_label": "registration", "model_name": "registration", "field_name": "account", "term": REZA}
    assert boss.get("/admin/autocomplete/", query).status_code == 404


def test_a_clerk_searches_the_queue_and_nothing_else():
    maryam = Clerk()
    for page in (USERS, BRANCHES):
        assert search(maryam, page, REZA).status_code == 403
        assert maryam.get(page, {"q": REZA}).status_code == 403
