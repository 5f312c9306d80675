"""Signing in on the portal, as a citizen sees it: in, home, out, and everything that goes wrong."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Closure, Session, SignInFailures, User
from accounts.sign_in import texts as sign_in_texts
from tests.support.accounts import PASSWORD, REZA, citizen, clerk
from tests.support.entrances import HOME, PAGE, UNKNOWN, WRONG, errors, plain, sign_in, signed_in

pytestmark = pytest.mark.django_db


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
    for typed in (PASSWORD + " ", " " + PASSWORD, PASSWORD.replace("7", "۷"), PASSWORD.lower()):
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


def test_looking_at_the_page_asks_the_database_only_how_its_address_stands(client, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        client.get(PAGE)
    assert not Session.objects.exists()


FROZEN, DEACTIVATED, WAITS = "1234567891", "1000000001", "0499370899"


def test_wrong_unknown_waiting_frozen_and_deactivated_look_the_same_and_cost_the_same(client, hashing) -> None:
    citizen()
    for national_id, closure in [(FROZEN, Closure.FROZEN), (DEACTIVATED, Closure.DEACTIVATED)]:
        closed = citizen(national_id=national_id)
        User.objects.filter(pk=closed.pk).update(is_active=False, closure=closure, closed_at=timezone.now())
    citizen(national_id=WAITS, active=False)
    del hashing[:]
    seen = set()
    for national_id, password in [
        (REZA, WRONG),
        (UNKNOWN, PASSWORD),
        *((closed, password) for closed in (FROZEN, DEACTIVATED, WAITS) for password in (PASSWORD, WRONG)),
    ]:
        with CaptureQueriesContext(connection) as queries:
            response = sign_in(Client(), national_id, password)
        assert len(hashing) == 1, national_id
        del hashing[:]
        page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode()).replace(
            national_id, "·"
        )
        statements = tuple(plain(query["sql"]) for query in queries)
        seen.add((response.status_code, tuple(errors(response)), statements, page, tuple(response.cookies)))
    assert len(seen) == 1
    assert seen.pop()[:2] == (200, (sign_in_texts.sentence("wrong_citizen"),))


def test_an_old_hash_is_renewed_at_sign_in_but_not_that_of_a_closed_account(client) -> None:
    user = citizen()
    old = make_password(PASSWORD, hasher="pbkdf2_sha256")
    User.objects.filter(pk=user.pk).update(password=old, is_active=False, closure=Closure.FROZEN)
    assert sign_in(client).status_code == 200
    user.refresh_from_db()
    assert user.password == old
    User.objects.filter(pk=user.pk).update(is_active=True, closure="")
    assert sign_in(client).status_code == 302
    user.refresh_from_db()
    assert user.password.startswith("argon2")
    assert signed_in(client)


def test_a_password_too_long_to_be_anybodys_is_refused_without_hashing(client, hashing) -> None:
    citizen()
    del hashing[:]
    for national_id in (REZA, UNKNOWN):
        response = sign_in(client, national_id, "Aa1" + "x" * 10_000)
        assert errors(response) == [sign_in_texts.sentence("wrong_citizen")]
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
        (REZA, "<script>alert(1)</script>" * 400),
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
    assert errors(sign_in(client, UNKNOWN)) == [sign_in_texts.sentence("wrong_citizen")]
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


def test_a_sign_in_takes_few_statements(client) -> None:
    citizen()
    with CaptureQueriesContext(connection) as queries:
        sign_in(client)
    skip = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    statements = [q["sql"] for q in queries if not q["sql"].startswith(skip) and "accounts_session" not in q["sql"]]
    assert len(statements) <= 19, statements  # four for conduct; with PostgreSQL's locks of names, and the risk
