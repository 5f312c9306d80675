"""/admin/ as staff see it: who comes in, what a clerk sees, what a superuser may do, and strict CSP."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import Client

from accounts.models import Branch, User
from accounts.sign_in import texts as sign_in_texts
from tests.support.accounts import PASSWORD, REZA, administrator, branch, citizen, clerk, spy_on_hashing
from tests.support.desk import search
from tests.support.pages import assert_fits_the_policy

pytestmark = pytest.mark.django_db
LOGIN = "/admin/login/"
WRONG = "Wrong1234"


def sign_in(client: Client, username: str = "maryam", password: str = PASSWORD, **more: str):
    return client.post(LOGIN, {"username": username, "password": password, **more})


def test_a_clerk_signs_in_and_sees_the_desk_and_nothing_else(client) -> None:
    clerk()
    response = sign_in(client, next="/admin/")
    assert (response.status_code, response["Location"]) == (302, "/admin/")
    page = client.get("/admin/")
    assert "no-store" in page["Cache-Control"]
    listed = {model["object_name"] for app in page.context["app_list"] for model in app["models"]}
    assert listed <= {"Registration"}
    assert "password_change" not in page.content.decode()
    for path in (
        "accounts/user/",
        "accounts/branch/",
        "accounts/branch/add/",
        "password_change/",
        "password_change/done/",
    ):
        assert client.get(f"/admin/{path}").status_code == 403, path


def test_the_pages_are_persian_right_to_left_and_fit_the_policy(client) -> None:
    clerk()
    boss, person = administrator(), citizen()
    assert_fits_the_policy(client.get(LOGIN).content.decode())
    assert_fits_the_policy(sign_in(client, password=WRONG).content.decode())
    client.force_login(boss)
    for path in (
        "",
        "accounts/user/",
        f"accounts/user/{boss.pk}/change/",
        f"accounts/user/{person.pk}/change/",
        f"accounts/user/{person.pk}/close/",
        f"accounts/user/{person.pk}/open/",
        f"accounts/user/{person.pk}/history/",
        "accounts/service/add/",
        "accounts/branch/add/",
        "password_change/",
        "jsi18n/",
    ):
        response = client.get(f"/admin/{path}")
        assert response.status_code == 200, path
        if path != "jsi18n/":
            page = response.content.decode()
            assert 'dir="rtl"' in page
            assert "portal_admin.css" in page
            assert_fits_the_policy(page)


def test_wrong_unknown_closed_and_citizen_look_the_same(client, monkeypatch) -> None:
    clerk()
    User.objects.filter(pk=clerk("closed").pk).update(is_active=False)
    person = citizen()
    hashing = spy_on_hashing(monkeypatch)
    for username, password in [
        ("maryam", WRONG),
        ("nobody", PASSWORD),
        ("closed", PASSWORD),
        (REZA, PASSWORD),
        (person.username, PASSWORD),
    ]:
        response = sign_in(client, username, password)
        assert response.status_code == 200
        assert list(response.context["form"].non_field_errors()) == [sign_in_texts.sentence("wrong_staff")]
        assert len(hashing) == 1
        del hashing[:]


def test_the_admin_is_throttled_too(client) -> None:
    clerk()
    codes = [sign_in(client, password=WRONG).status_code for _ in range(5)]
    assert codes == [200, 200, 200, 200, 429]
    response = sign_in(client)
    assert sign_in_texts.sentence("sign_in_pause", seconds=int(response["Retry-After"])) in response.content.decode()


def test_a_citizen_at_the_admin_is_told_that_it_is_not_theirs(client) -> None:
    person = citizen()
    client.force_login(person)
    assert client.get("/admin/")["Location"].startswith(LOGIN)
    page = client.get(LOGIN)
    assert page.status_code == 200
    assert str(person) in page.content.decode()
    assert person.username not in page.content.decode()
    assert client.get("/admin/accounts/user/").status_code == 302


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("", ""),
        ("a\x00b", "a\x00b"),
        ("x" * 10_000, "y" * 10_000),
        ("<script>alert(1)</script>", "x"),
        ("کارمند", "رمز"),
    ],
)
def test_bad_input_ends_in_a_sentence(client, username, password) -> None:
    response = sign_in(client, username, password)
    assert response.status_code == 200
    assert response.context["form"].errors
    assert "<script>alert" not in response.content.decode()


def test_next_leads_only_to_a_page_of_ours(client) -> None:
    clerk()
    assert sign_in(client, next="https://evil.example/")["Location"] == "/admin/"


def test_a_clerk_who_leaves_loses_the_session_at_once(client) -> None:
    user = clerk()
    sign_in(client)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get("/admin/").status_code == 302


def test_a_superuser_changes_the_own_password_by_the_guides_rules(client) -> None:
    boss = administrator()
    client.force_login(boss)
    new = {"old_password": PASSWORD, "new_password1": "weak", "new_password2": "weak"}
    response = client.post("/admin/password_change/", new)
    assert "new_password2" in response.context["form"].errors
    new |= {"new_password1": "Lampa4nakhoda", "new_password2": "Lampa4nakhoda"}
    assert client.post("/admin/password_change/", new).status_code == 302
    assert sign_in(Client(), "boss", "Lampa4nakhoda").status_code == 302


def test_a_superuser_adds_a_branch(client) -> None:
    client.force_login(administrator())
    facts = {"code": "0007", "name": "شعبه هفت", "city": "تبریز", "address": ""}
    assert client.post("/admin/accounts/branch/add/", facts).status_code == 302
    assert Branch.objects.get(code="0007").city == "تبریز"


def test_an_account_is_looked_at_without_its_secrets_and_not_changed_by_a_form(client) -> None:
    person = citizen(security_answer_hash="argon2$secret-answer")
    client.force_login(administrator())
    url = f"/admin/accounts/user/{person.pk}/change/"
    page = client.get(url).content.decode()
    assert "۰۰۱۲۳۴۵۶۷۹" in page
    assert "۱۳۷۰/۰۵/۱۷" in page
    assert "۰۹۱۲۱۲۳۴۵۶۷" in page
    for secret in (person.password, "argon2", "favourite_colour", "secret-answer"):
        assert secret not in page
    forged = {
        "national_id": "0123456789",
        "mobile": "+989350000000",
        "is_staff": "on",
        "is_superuser": "on",
        "password": "x",
    }
    assert client.post(url, forged).status_code == 403
    after = User.objects.get(pk=person.pk)
    for name in ("is_active", "national_id", "mobile", "is_staff", "is_superuser", "password", "branch_id"):
        assert getattr(after, name) == getattr(person, name)
    assert client.get("/admin/accounts/user/add/").status_code == 403
    assert client.post(f"/admin/accounts/user/{person.pk}/delete/", {"post": "yes"}).status_code == 403


def test_an_account_that_waits_for_a_branch_is_not_activated_here(client) -> None:
    person = citizen(active=False)
    client.force_login(administrator())
    client.post(f"/admin/accounts/user/{person.pk}/change/", {"is_active": "on"})
    person.refresh_from_db()
    assert not person.is_active


def test_staff_move_to_another_branch(client) -> None:
    user = clerk()
    other = Branch.objects.create(code="0009", name="شعبه نه", city="قم")
    client.force_login(administrator())
    client.post(f"/admin/accounts/user/{user.pk}/change/", {"is_active": "on", "branch": other.pk})
    user.refresh_from_db()
    assert user.branch == other


def test_accounts_are_found_by_whole_numbers_only(client) -> None:
    citizen()
    client.force_login(administrator())
    for typed, count in ((REZA, 1), (REZA[:6], 0)):
        found = client.get(search(client, "/admin/accounts/user/", typed)["Location"])
        assert found.context["cl"].result_count == count


@pytest.mark.parametrize(
    "path",
    [
        "user/?password__startswith=argon2",
        "user/?security_answer__startswith=argon2",
        "user/?national_id__startswith=001",
        "user/?mobile=%2B989121234567",
        "user/?is_staff__in=0",
        "user/?branch__user__password__contains=a",
        "branch/?user__password__startswith=argon2",
        "branch/?staff__password__startswith=argon2",
        "branch/?code=1",
    ],
)
def test_the_address_bar_answers_no_questions_about_secrets(client, path) -> None:
    citizen()
    client.force_login(administrator())
    assert client.get(f"/admin/accounts/{path}").status_code == 400


def test_the_accounts_own_filters_work(client) -> None:
    citizen()
    client.force_login(administrator())
    assert client.get("/admin/accounts/user/?is_staff__exact=0").context["cl"].result_count == 1
    assert client.get("/admin/accounts/user/?is_staff__exact=1&is_active__exact=1").context["cl"].result_count == 1
    assert client.get("/admin/accounts/user/?is_staff__exact=%00").status_code < 500


def test_every_list_of_the_admin_allows_only_its_own_filters() -> None:
    """A table that is added later is closed too."""
    for model_admin in admin.site._registry.values():
        assert not model_admin.lookup_allowed("pk__gt", "0"), model_admin


def test_groups_are_not_made_by_hand(client) -> None:
    assert not admin.site.is_registered(Group)
    client.force_login(administrator())
    assert client.get("/admin/auth/group/").status_code == 404


def test_rights_in_a_group_open_nothing_of_the_accounts_to_a_clerk(client) -> None:
    user = clerk()
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    client.force_login(user)
    for path in ("accounts/user/", "accounts/branch/", f"accounts/branch/{branch().pk}/change/"):
        assert client.get(f"/admin/{path}").status_code == 403
