"""The organisation's services: edited in the admin by superusers, shown to citizens on the home page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.translation import gettext

from accounts.demo import ensure_services
from accounts.home import catalogue
from accounts.models import Icon, Service, User
from accounts.profile import menu
from tests.support.accounts import administrator, citizen, clerk
from tests.support.pages import assert_fits_the_policy

pytestmark = pytest.mark.django_db
ADD, HOME = "/admin/accounts/service/add/", "/portal/home"
FACTS = {"title": "سوابق بیمه", "text": "سابقه خود را ببینید.", "link": "https://services.example/a", "icon": "record"}


def service(**changes: Any) -> Service:
    return Service.objects.create(**(FACTS | changes))


def home(client: Client) -> str:
    client.force_login(User.objects.filter(national_id="0012345679").first() or citizen())
    return client.get(HOME).content.decode()


def test_an_administrator_adds_one_and_citizens_see_it(client) -> None:
    client.force_login(administrator())
    assert client.post(ADD, FACTS | {"order": "1", "is_shown": "on"}).status_code == 302

    page = home(client)

    assert "سوابق بیمه" in page
    assert "سابقه خود را ببینید." in page
    assert 'href="https://services.example/a"' in page
    assert_fits_the_policy(page.replace('href="https://services.example/a"', ""))


def test_they_stand_in_the_administrators_order_and_hidden_ones_do_not(client) -> None:
    service(title="three", order=30)
    service(title="one", order=10)
    service(title="hidden", order=15, is_shown=False)
    service(title="two", order=20)
    assert re.findall(r"<h3[^>]*><a [^>]*>(?:<bdi[^>]*>)?(\w+)<", home(client)) == ["one", "two", "three"]


def test_where_none_is_shown_the_page_says_so(client) -> None:
    service(is_shown=False)
    page = home(client)
    sentence = "There is no service to be opened here yet. When the organization adds one, you find it on this page."
    assert gettext(sentence) in page
    assert "رضا" in page


def test_the_catalogue_costs_one_query(client) -> None:
    for number in range(5):
        service(title=str(number))
    home(client)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        client.get(HOME)
    assert sum("accounts_service" in query["sql"] for query in queries) == 1


def test_the_home_page_holds_nothing_of_the_account_but_the_name(client) -> None:
    page = home(client)
    for private in ("۰۰۱۲۳۴۵۶۷۹", "0012345679", "۰۹۱۲۱۲۳۴۵۶۷", "reza@example.com"):
        assert private not in page


def test_each_icon_of_the_fixed_set_is_drawn_differently_and_fits_the_policy() -> None:
    drawn = {icon: render_to_string("accounts/_icons.html", {"icon": icon.value}) for icon in Icon}
    assert len(drawn) == 8
    assert len(set(drawn.values())) == 8
    for svg in drawn.values():
        assert 'aria-hidden="true"' in svg
        assert 'focusable="false"' in svg
        assert svg.count("<svg") == svg.count("</svg>") == 1
        assert_fits_the_policy(svg)


@pytest.mark.parametrize(
    "link",
    [
        "https://services.example",
        "https://services.example:8443/a/b?x=1#y",
        "https://سازمان.example/سوابق",
        "/portal/branches",
        "/",
        "/portal/a?b=c",
    ],
)
def test_a_link_to_https_or_a_page_of_ours_is_taken(link) -> None:
    catalogue.check_link(link)


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,x",
        "http://services.example/",
        "HTTPS:services.example",
        "https:services.example",
        "https:/services.example",
        "https://",
        "https:///x",
        "https://user:secret@services.example/",
        "https://services.example@evil.example/",
        "https://services.example\\@evil.example/",
        "https://services.example:port/",
        "https://[::1/",
        "https://a b.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "/a\nb",
        "/a\x00b",
        "portal/branches",
        "mailto:a@example.org",
        "",
        "<script>",
    ],
)
def test_every_other_link_is_refused_in_one_sentence(client, link) -> None:
    client.force_login(administrator())
    page = client.post(ADD, FACTS | {"link": link, "order": "1", "is_shown": "on"})
    stripped = link.strip()
    assert page.status_code == 200, stripped
    assert len(page.context["adminform"].form.errors["link"]) == 1
    assert not Service.objects.exists()


@pytest.mark.parametrize("icon", ["", "skull", "<svg>", "record,money"])
def test_no_icon_but_those_of_the_fixed_set(client, icon) -> None:
    client.force_login(administrator())
    assert client.post(ADD, FACTS | {"icon": icon, "order": "1"}).status_code == 200
    assert not Service.objects.exists()


def test_what_an_administrator_types_is_text_on_the_page(client) -> None:
    service(title="<b>x</b>", text="<script>alert(1)</script>", link='/"onmouseover="alert(1)')
    page = home(client)
    for html in ("<b>x", "<script>alert", '"onmouseover'):
        assert html not in page


def test_only_superusers_edit_the_catalogue() -> None:
    row, staff, person = service(), clerk(), citizen()
    staff.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    for who, status in ((staff, 403), (person, 302)):
        browser = Client()
        browser.force_login(who)
        for path in ("", "add/", f"{row.pk}/change/", f"{row.pk}/delete/"):
            assert browser.post(f"/admin/accounts/service/{path}", FACTS).status_code == status
    assert Service.objects.get() == row


def test_a_stranger_does_not_see_the_home_page() -> None:
    assert Client().get(HOME).status_code == 302


def test_a_demo_begins_with_services_and_does_not_bring_them_back() -> None:
    ensure_services()
    seeded = list(Service.objects.all())
    assert {row.icon for row in seeded} == set(Icon.values)
    for row in seeded:
        row.full_clean()
        catalogue.check_link(row.link)
    Service.objects.exclude(pk=seeded[0].pk).delete()
    ensure_services()
    assert list(Service.objects.all()) == seeded[:1]


def test_real_service_begins_with_none(settings) -> None:
    settings.DEMO = False
    with pytest.raises(ImproperlyConfigured):
        ensure_services()
    assert not Service.objects.exists()


def test_an_app_above_starts_the_sign_in_of_an_entry_and_says_who_is_known(client) -> None:
    one, two, three = service(title="one"), service(title="two"), service(title="three")
    seen = []

    def look(*, account, services):
        seen.append((account.national_id, [row.pk for row in services]))
        return {one.pk: catalogue.Start(link="https://one.example/login?iss=x"), two.pk: catalogue.Start(knows=True)}

    catalogue.register(look)
    catalogue.register(look)
    try:
        page = home(client)
    finally:
        catalogue.unregister(look)
    assert seen == [("0012345679", [one.pk, two.pk, three.pk])]
    cards = page.split('<li class="card service">')[1:]
    assert ['href="https://one.example/login?iss=x"' in card for card in cards] == [True, False, False]
    assert [f'href="{FACTS["link"]}"' in card for card in cards] == [False, True, True]
    assert ["متصل" in card for card in cards] == [False, True, False]


def test_an_app_above_adds_a_page_to_the_profile(client) -> None:
    client.force_login(citizen())
    menu.register("صفحه‌ای دیگر", "branches")
    menu.register("صفحه‌ای دیگر", "branches")
    try:
        page = client.get("/portal/profile").content.decode()
    finally:
        menu.unregister("branches")
    assert page.count('<a class="btn btn-quiet" href="/portal/branches">صفحه‌ای دیگر</a>') == 1
    assert "صفحه‌ای دیگر" not in client.get("/portal/profile").content.decode()
