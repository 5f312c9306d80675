"""The queue and its search; who may work at the desk, and that nobody can do more than that there."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from common.persian import to_persian_digits
from registration.models import Registration
from registration.states import State
from tests.support.accounts import administrator, citizen
from tests.support.desk import QUEUE, Clerk, url
from tests.support.journeys import MATCHES, OTHER_NAME, registration_in

pytestmark = pytest.mark.django_db
PAGES = ("change", "send-code", "activate", "reject")


@pytest.fixture
def row() -> Registration:
    return registration_in(State.REFERRED, person=OTHER_NAME, verdict="mismatch")


def listed(client: Client, **query: str) -> list[int]:
    return [row.pk for row in client.get(QUEUE, query).context["cl"].result_list]


def test_the_queue_holds_those_who_wait_for_a_branch(maryam, row):
    waiting = registration_in(State.AWAITING_BRANCH, person=MATCHES)
    submitted = registration_in(State.SUBMITTED, person=MATCHES, mobile="09351112233")
    assert sorted(listed(maryam)) == [row.pk, waiting.pk]
    assert listed(maryam, state="submitted") == [submitted.pk]
    assert listed(maryam, state="referred") == [row.pk]
    page = maryam.get(QUEUE).content.decode()
    for shown in ("زهرا محمدی", "۰۰۷۰۰۰۱۰۲۲", "۰۹۱۲•••۰۱۰۲", "ارجاع شده به شعبه", "۲ ثبت نام", "در انتظار شعبه"):
        assert shown in page
    assert "0070001022" not in page
    assert 'name="action"' not in page


@pytest.mark.parametrize(
    "spelling",
    [
        lambda row: row.tracking_code,
        lambda row: f"{row.tracking_code[:3]} {row.tracking_code[3:6]}-{row.tracking_code[6:]}",
        lambda row: to_persian_digits(row.tracking_code),
        lambda row: row.tracking_code.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
        lambda row: row.national_id,
        lambda row: f" {to_persian_digits(row.national_id)}\u200c",
        lambda row: "09120000102",
        lambda row: "+98 912 000 01 02",
        lambda row: "۰۰۹۸۹۱۲۰۰۰۰۱۰۲",
        lambda row: "9120000102",
    ],
)
def test_a_number_in_any_spelling_leads_straight_to_the_one_it_belongs_to(maryam, row, spelling):
    registration_in(State.REFERRED, person=MATCHES)
    assert maryam.search(spelling(row))["Location"] == url(row, "change")


def test_a_search_looks_in_every_state_and_lists_what_is_not_unique(maryam, row):
    ended = registration_in(State.EXPIRED, person=OTHER_NAME, mobile="09351112233")
    found = maryam.get(maryam.search(row.national_id)["Location"])
    assert sorted(each.pk for each in found.context["cl"].result_list) == [row.pk, ended.pk]
    assert "۲ مورد پیدا شد" in found.content.decode()
    assert maryam.search(ended.tracking_code)["Location"] == url(ended, "change")


@pytest.mark.parametrize("typed", ["12345", "زهرا", "0070001023", "' OR 1=1 --", "<b>", "9" * 400])
def test_what_is_no_number_of_ours_finds_nobody_and_says_so(maryam, row, typed):
    response = maryam.get(maryam.search(typed)["Location"])
    page = response.content.decode()
    assert response.status_code == 200
    assert list(response.context["cl"].result_list) == []
    assert "کد پیگیری" in maryam.told(maryam.search(typed))
    assert "موردی پیدا نشد" in page
    assert "<b>" not in page.replace("<b></b>", "")


def test_a_blank_search_is_the_queue(maryam, row):
    registration_in(State.EXPIRED, person=MATCHES)
    for typed in ("  ", "\x00"):
        assert maryam.search(typed)["Location"] == QUEUE
        assert maryam.told(maryam.search(typed)) == ""
    assert listed(maryam) == [row.pk]


@pytest.mark.parametrize(
    "lookup", ["password__startswith", "security_answer__contains", "national_id", "account__email"]
)
def test_the_address_bar_answers_no_questions_about_secrets(maryam, row, lookup):
    """Django's admin would filter by any column of the table itself."""
    assert maryam.get(QUEUE, {lookup: "a"}).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        {"q": "\x00"},
        {"found": "\x00"},
        {"found": "x" * 400},
        {"p": "x"},
        {"p": "99"},
        {"o": "1.-2"},
        {"state": "nonsense"},
        {"state": "\x00"},
        {"all": ""},
        {"e": "1"},
    ],
)
def test_a_damaged_address_is_no_server_error(maryam, row, query):
    assert maryam.get(QUEUE, query).status_code in (200, 302)


@pytest.mark.parametrize("pk", ["0", "999999", "9" * 40])
def test_a_registration_that_is_not_there_leads_back_to_the_queue(maryam, pk):
    assert maryam.get(f"{QUEUE}{pk}/change/")["Location"] == QUEUE


@pytest.mark.parametrize("who", ["clerk", "administrator"])
def test_nobody_adds_changes_or_deletes(row, who):
    client = Clerk()
    if who == "administrator":
        client.force_login(administrator())
    before = Registration.objects.values().get(pk=row.pk)
    for path in ("add/", f"{row.pk}/delete/", f"{row.pk}/history/", f"{row.pk}/"):
        for answer in (client.get(QUEUE + path), client.post(QUEUE + path, {"post": "yes"})):
            assert answer.status_code in (403, 404), path
    client.post(QUEUE, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes", "index": "0"})
    client.post(url(row, "change"), {"state": "approved", "national_id": "1111111111", "_save": "1"})
    assert Registration.objects.values().get(pk=row.pk) == before
    page = client.get(url(row, "change")).content.decode()
    assert "_save" not in page
    assert "delete/" not in page


def test_a_clerk_sees_no_users_no_passwords_no_messages(maryam):
    for path in (
        "accounts/user/", "accounts/branch/", "sms/message/", "accounts/user/add/", "password_change/",
        f"accounts/user/{maryam.user.pk}/change/", f"accounts/user/{maryam.user.pk}/history/",
    ):  # fmt: skip
        assert maryam.get(f"/admin/{path}").status_code == 403, path
    page = maryam.get("/admin/").content.decode()
    assert QUEUE in page
    assert "password_change" not in page
    assert "accounts/user" not in page


@pytest.mark.parametrize("codename", [None, "view_registration", "change_registration", "delete_registration"])
def test_staff_who_do_not_work_at_the_desk_see_nothing_of_it(row, codename):
    user = User.objects.create(username="archive", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename=codename))
    client = Client()
    client.force_login(user)
    for path in (QUEUE, f"{QUEUE}?q={row.tracking_code}", *(url(row, page) for page in PAGES)):
        assert client.get(path).status_code == 403
        assert client.post(path).status_code == 403
    assert client.post(QUEUE, {"q": row.tracking_code}).status_code == 403
    assert QUEUE not in client.get("/admin/").content.decode()


@pytest.mark.parametrize("signed_in", [False, True])
def test_citizens_and_passers_by_get_the_sign_in_page(row, signed_in):
    client = Client()
    if signed_in:
        client.force_login(citizen())
    for path in (QUEUE, *(url(row, page) for page in PAGES)):
        for answer in (client.get(path), client.post(path)):
            assert answer.status_code == 302
            assert answer["Location"].startswith("/admin/login/")
    row.refresh_from_db()
    assert row.state == State.REFERRED


def test_a_form_from_elsewhere_is_refused(row):
    client = Client(enforce_csrf_checks=True)
    client.force_login(Clerk().user)
    for page in PAGES:
        assert client.post(url(row, page)).status_code == 403
