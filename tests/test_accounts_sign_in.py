"""Signing in on the portal, as a citizen sees it: in, home, out, and everything that goes wrong."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import texts
from accounts.models import Session, SignInFailures, User
from tests.accounts import PASSWORD, REZA, citizen, clerk, spy_on_hashing, together

pytestmark = pytest.mark.django_db
PAGE, HOME = "/portal/", "/portal/home"
WRONG = "Wrong1234"
UNKNOWN = "0123456789"


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return spy_on_hashing(monkeypatch)


def sign_in(client: Client, national_id: str = REZA, password: str = PASSWORD, **more: str):
    return client.post(PAGE, {"national_id": national_id, "password": password, **more})


def signed_in(client: Client) -> bool:
    return client.get(HOME).status_code == 200


def errors(response) -> list[str]:
    return [str(message) for messages in response.context["form"].errors.values() for message in messages]


def test_a_citizen_signs_in_is_greeted_by_name_and_signs_out(client) -> None:
    citizen()
    response = sign_in(client)
    assert (response.status_code, response["Location"]) == (302, HOME)
    home = client.get(HOME)
    assert "رضا" in home.content.decode()
    assert "no-store" in home["Cache-Control"]
    response = client.post("/portal/sign-out")
    assert (response.status_code, response["Location"]) == (302, PAGE)
    assert client.get(HOME)["Location"] == f"{PAGE}?next={HOME}"


@pytest.mark.parametrize("typed", ["۰۰۱۲۳۴۵۶۷۹", "٠٠١٢٣٤٥٦٧٩", " 001-234567-9 "])
def test_the_national_id_may_be_typed_in_any_digits(client, typed) -> None:
    citizen()
    assert sign_in(client, national_id=typed).status_code == 302


def test_a_password_is_never_folded_or_stripped(client) -> None:
    citizen()
    for typed in (PASSWORD + " ", " " + PASSWORD, PASSWORD.replace("1", "۱"), PASSWORD.lower()):
        SignInFailures.objects.all().delete()
        assert sign_in(client, password=typed).status_code == 200
    assert not signed_in(client)


def test_the_page_asks_with_the_guides_labels_and_for_a_password_manager(client) -> None:
    response = client.get(PAGE)
    form = response.context["form"]
    page = response.content.decode()
    assert "private" in response["Cache-Control"]
    assert "no-store" in response["Cache-Control"]
    assert 'autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page
    assert "maxlength" not in page  # a browser would cut a pasted password
    for name in ("national_id", "password"):
        assert f'for="id_{name}">{form[name].label}<' in page


def test_looking_at_the_page_asks_the_database_nothing(client, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        client.get(PAGE)
    assert not Session.objects.exists()


def test_wrong_unknown_and_inactive_look_the_same_and_cost_the_same(client, hashing) -> None:
    citizen()
    closed = citizen(national_id="1234567891")
    User.objects.filter(pk=closed.pk).update(is_active=False)
    citizen(national_id="0499370899", active=False)
    del hashing[:]
    seen = set()
    for national_id, password in [
        (REZA, WRONG),
        (UNKNOWN, PASSWORD),
        ("1234567891", PASSWORD),
        ("1234567891", WRONG),
        ("0499370899", PASSWORD),
    ]:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            response = sign_in(Client(), national_id, password)
        assert len(hashing) == 1, national_id
        del hashing[:]
        seen.add((response.status_code, tuple(errors(response)), len(queries)))
    assert len(seen) == 1
    assert seen.pop()[:2] == (200, (texts.wrong_citizen(),))


def test_a_password_too_long_to_be_anybodys_is_refused_without_hashing(client, hashing) -> None:
    citizen()
    del hashing[:]
    for national_id in (REZA, UNKNOWN):
        response = sign_in(client, national_id, "Aa1" + "x" * 10_000)
        assert errors(response) == [texts.wrong_citizen()]
    assert hashing == []


@pytest.mark.parametrize(
    ("national_id", "password"),
    [
        ("", ""),
        (REZA, ""),
        ("", PASSWORD),
        ("0" * 10_000, PASSWORD),
        ("ab\x00c", "a\x00b"),
        (REZA, "Abc\x00defg1"),
        ("<script>alert(1)</script>", "<b>"),
        ("0012345678", PASSWORD),
        ("' OR 1=1 --", "' OR 1=1 --"),
        ("\ud7ff\U0010ffff", "\U0001f600" * 200),
    ],
)
def test_bad_input_ends_in_a_sentence(client, national_id, password) -> None:
    citizen()
    response = sign_in(client, national_id, password)
    assert response.status_code == 200
    assert errors(response)
    assert "<script>alert" not in response.content.decode()
    assert not signed_in(client)


def test_bytes_that_are_no_text_and_missing_fields_end_in_a_sentence(client) -> None:
    raw = client.post(PAGE, "national_id=%ff%fe&password=%ff", content_type="application/x-www-form-urlencoded")
    assert raw.status_code == 200
    assert errors(raw)
    assert errors(client.post(PAGE))


def test_what_was_typed_survives_an_error_but_the_password_does_not(client) -> None:
    citizen()
    page = sign_in(client, password=WRONG).content.decode()
    assert REZA in page
    assert WRONG not in page


@pytest.mark.parametrize(
    ("wanted", "goes_to"),
    [
        ("/portal/home?tab=1", "/portal/home?tab=1"),
        ("https://evil.example/", HOME),
        ("//evil.example/", HOME),
        ("/\\evil.example", HOME),
        ("javascript:alert(1)", HOME),
        ("\x00//evil.example", HOME),
        ("", HOME),
    ],
)
def test_next_leads_only_to_a_page_of_ours(client, wanted, goes_to) -> None:
    citizen()
    assert sign_in(client, next=wanted)["Location"] == goes_to


def test_a_line_break_in_next_writes_no_header(client) -> None:
    citizen()
    response = sign_in(client, next="/portal/\r\nSet-Cookie: a=b")
    assert response.status_code == 302
    assert "\n" not in response["Location"]


def test_next_is_kept_over_a_wrong_password(client) -> None:
    citizen()
    page = client.get(PAGE, {"next": "/portal/home?x=1"})
    assert page.context["next"] == "/portal/home?x=1"
    assert sign_in(client, password=WRONG, next="/portal/home?x=1").context["next"] == "/portal/home?x=1"
    assert client.get(PAGE, {"next": "https://evil.example/"}).context["next"] == ""


def test_the_session_key_is_a_fresh_one(client) -> None:
    citizen()
    session = client.session
    session["draft"] = "of step one"
    session.save()
    before = client.cookies["sessionid"].value
    sign_in(client)
    assert client.cookies["sessionid"].value != before
    assert not Session.objects.filter(session_key=before).exists()


def test_who_is_signed_in_goes_home_from_the_sign_in_page(client) -> None:
    citizen()
    sign_in(client)
    assert client.get(PAGE)["Location"] == HOME


def test_the_next_person_of_the_household_signs_in_over_the_first(client) -> None:
    citizen()
    citizen(national_id=UNKNOWN, first_name="سارا")
    sign_in(client)
    sign_in(client, UNKNOWN)
    page = client.get(HOME).content.decode()
    assert "سارا" in page
    assert "رضا" not in page


def test_a_double_click_signs_in_twice_and_is_no_error() -> None:
    citizen()
    first, second = Client(), Client()  # the same browser: neither answer has arrived yet
    assert sign_in(first).status_code == sign_in(second).status_code == 302


def test_signing_out_is_a_post_and_doing_it_twice_is_no_error(client) -> None:
    citizen()
    sign_in(client)
    assert client.get("/portal/sign-out").status_code == 405
    assert signed_in(client)
    assert client.post("/portal/sign-out").status_code == 302
    assert client.post("/portal/sign-out").status_code == 302


def test_without_the_forms_token_nobody_signs_in() -> None:
    citizen()
    strict = Client(enforce_csrf_checks=True)
    assert sign_in(strict).status_code == 403


def test_staff_do_not_sign_in_on_the_portal_and_have_no_home_there(client) -> None:
    citizen()
    staff = clerk(username=UNKNOWN)  # even with a user name that is somebody's national ID
    assert errors(sign_in(client, UNKNOWN)) == [texts.wrong_citizen()]
    client.force_login(staff)
    assert client.get(HOME)["Location"].startswith(PAGE)
    assert client.get(PAGE).status_code == 200


def test_closing_an_account_ends_its_sessions(client) -> None:
    user = citizen()
    sign_in(client)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert not signed_in(client)


def test_an_account_that_waits_for_a_branch_cannot_be_signed_in_by_a_session(client) -> None:
    client.force_login(citizen(active=False))
    assert not signed_in(client)


def test_an_account_that_waits_is_not_in_the_way_of_the_activated_one(client) -> None:
    citizen(active=False, password="Another123")
    citizen()
    assert sign_in(client, password="Another123").status_code == 200
    assert sign_in(client).status_code == 302


def test_only_activation_opens_an_account_not_the_active_flag_alone(client) -> None:
    user = citizen(active=False)
    User.objects.filter(pk=user.pk).update(is_active=True)
    assert sign_in(client).status_code == 200


def test_the_way_to_a_lost_password_is_explained(client) -> None:
    response = client.get("/portal/recovery")
    assert response.status_code == 200
    assert PAGE in response.content.decode()


def test_after_four_wrong_passwords_the_page_says_when_to_come_back(client, hashing) -> None:
    citizen()
    answers = [sign_in(client, password=WRONG) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 4
    del hashing[:]
    response = sign_in(client)  # the right one, but too early
    assert response.status_code == 429
    assert response["Retry-After"] == "5"
    assert errors(response) == [texts.pause(5)]
    assert hashing == []
    assert not signed_in(client)


def test_an_unknown_id_is_paused_like_a_known_one(client) -> None:
    citizen()
    for national_id in (REZA, UNKNOWN):
        answers = [sign_in(client, national_id, WRONG).status_code for _ in range(6)]
        assert answers == [200, 200, 200, 200, 429, 429]


def test_a_right_password_after_three_wrong_ones_is_let_in_and_forgets_them(client) -> None:
    citizen()
    for _ in range(3):
        sign_in(client, password=WRONG)
    assert sign_in(client).status_code == 302
    assert not SignInFailures.objects.exists()


def test_after_the_pause_the_right_password_is_let_in(client) -> None:
    citizen()
    for _ in range(4):
        sign_in(client, password=WRONG)
    SignInFailures.objects.update(blocked_until=timezone.now() - dt.timedelta(seconds=1))
    assert sign_in(client).status_code == 302


def test_a_stranger_cannot_hold_the_owner_on_a_known_device(client) -> None:
    citizen()
    sign_in(client)
    client.post("/portal/sign-out")
    stranger = Client()
    for _ in range(6):
        last = sign_in(stranger, password=WRONG)
    assert last.status_code == 429
    assert sign_in(Client()).status_code == 429  # the same address, not known
    assert sign_in(client).status_code == 302  # the same address, known


def test_the_device_cookie_opens_nothing_and_serves_its_own_accounts_only(client) -> None:
    citizen()
    citizen(national_id=UNKNOWN)
    sign_in(client)
    cookie = client.cookies["device"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert REZA not in cookie.value
    thief = Client()
    thief.cookies["device"] = cookie.value
    assert not signed_in(thief)
    codes = [sign_in(thief, UNKNOWN, WRONG).status_code for _ in range(5)]
    assert codes[-1] == 429
    assert sign_in(Client(), UNKNOWN).status_code == 429  # counted as from any unknown device


def test_a_household_computer_is_known_to_all_who_signed_in_there(client) -> None:
    citizen()
    citizen(national_id=UNKNOWN)
    sign_in(client)
    sign_in(client, UNKNOWN)
    for national_id in (REZA, UNKNOWN):
        stranger = Client()
        for _ in range(5):
            sign_in(stranger, national_id, WRONG)
        assert sign_in(client, national_id).status_code == 302


@pytest.mark.parametrize("value", ["", "nonsense", "a:b:c", "\x00", "x" * 5000])
def test_a_forged_device_cookie_is_no_device_and_no_error(client, value) -> None:
    citizen()
    client.cookies["device"] = value
    for _ in range(4):
        sign_in(client, password=WRONG)
    assert sign_in(Client()).status_code == 429
    SignInFailures.objects.all().delete()
    assert sign_in(client).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_twenty_guesses_at_once_four_are_looked_at(monkeypatch) -> None:
    citizen()
    hashing = spy_on_hashing(monkeypatch)
    codes = together(lambda number: sign_in(Client(), password=WRONG).status_code, 20)
    assert sorted(codes) == [200] * 4 + [429] * 16
    assert len(hashing) == 4


def test_a_sign_in_takes_few_statements(client) -> None:
    citizen()
    with CaptureQueriesContext(connection) as queries:
        sign_in(client)
    skip = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    statements = [q["sql"] for q in queries if not q["sql"].startswith(skip) and "accounts_session" not in q["sql"]]
    assert len(statements) <= 7, statements
