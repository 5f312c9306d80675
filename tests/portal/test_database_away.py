"""The page for a moment without database. With a real restart: tests/live/test_database_restart.py."""

from __future__ import annotations

from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError
from django.test import RequestFactory

from common.database import is_away
from tamin_portal.views import server_error
from tests.support.journeys import MATCHES, PASSWORD, URL

OURS = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}
STEP_ONE = {
    "csrfmiddlewaretoken": "abc",
    "registration_wizard-current_step": "mobile",
    "mobile-draft": "d",
    "mobile-national_id": MATCHES.national_id,
    "mobile-operator": "mci",
    "mobile-mobile": MATCHES.mobile,
}


class Coded(psycopg2.OperationalError):
    """As PostgreSQL sends it."""

    pgcode = ""


def of(kind: type[Exception], cause: Exception, code: str = "") -> Any:
    """Django's error `kind`, raised because of psycopg2's."""
    if code:
        cause = type("Error", (Coded,), {"pgcode": code, "__module__": "psycopg2.errors"})("words")
    error = kind("words")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (of(OperationalError, psycopg2.OperationalError("server closed the connection unexpectedly")), True),
        (of(OperationalError, psycopg2.OperationalError("connection refused")), True),
        (of(DatabaseError, psycopg2.DatabaseError("no message from the libpq")), True),
        (of(InterfaceError, psycopg2.InterfaceError("connection already closed")), True),
        (of(InterfaceError, psycopg2.InterfaceError("cursor already closed")), False),
        (of(OperationalError, Exception(), "57P01"), True),  # the administrator shuts it down
        (of(OperationalError, Exception(), "57P03"), True),  # it starts up
        (of(OperationalError, Exception(), "08P01"), True),  # PgBouncer has lost its server
        (of(OperationalError, Exception(), "53300"), True),  # no connection left
        (of(OperationalError, Exception(), "53100"), False),  # the disk is full
        (of(OperationalError, Exception(), "57014"), False),  # cancelled
        (of(ProgrammingError, psycopg2.ProgrammingError("no results to fetch")), False),
        (OperationalError("disk I/O error"), False),  # SQLite
    ],
)
def test_what_passes_by_itself_is_known(error, away):
    assert is_away(error) is away


def answer(error: Exception, request: Any) -> Any:
    try:
        raise error
    except Exception:
        return server_error(request)


AWAY = of(OperationalError, psycopg2.OperationalError("refused"))


def posted(fields: dict[str, str], headers: dict[str, str] = OURS) -> str:
    response = answer(AWAY, RequestFactory().post(URL, fields, headers=headers))
    assert (response.status_code, response["Retry-After"], response["Cache-Control"]) == (503, "10", "no-store")
    return str(response.content.decode())


def test_a_reader_is_told_when_to_come_again_without_a_query():
    """No fixture of the database: a query would be an error."""
    response = answer(AWAY, RequestFactory().get(URL))
    assert response.status_code == 503
    assert "ده ثانیه" in response.content.decode()
    assert "<form" not in response.content.decode()


def test_what_was_typed_is_shown_and_sent_by_a_button():
    page = posted(STEP_ONE)
    for name, value in STEP_ONE.items():
        assert f'<input type="hidden" name="{name}" value="{value}">' in page
    assert "ده ثانیه" in page
    assert f"<bdi>{MATCHES.national_id}</bdi>" in page


def test_secrets_are_not_in_the_page():
    page = posted({"national_id": MATCHES.national_id, "password": PASSWORD, "code-code": "123456"})
    assert MATCHES.national_id in page
    assert PASSWORD not in page
    assert "123456" not in page


@pytest.mark.parametrize("told", [{}, {"password-told": "blank_end"}])
def test_no_button_sends_a_form_without_the_secret_that_was_on_it(told):
    """It could only come back with an error."""
    page = posted({"csrfmiddlewaretoken": "abc", "national_id": MATCHES.national_id, "password": PASSWORD, **told})
    assert "<form" not in page
    assert "یک صفحه به عقب" in page
    assert f"<bdi>{MATCHES.national_id}</bdi>" in page


def test_a_secret_that_was_left_empty_is_sent_empty_again():
    page = posted(
        {"csrfmiddlewaretoken": "abc", "national_id": MATCHES.national_id, "password": "", "password-told": ""}
    )
    assert '<input type="hidden" name="password" value="">' in page
    assert '<input type="hidden" name="password-told" value="">' in page


def test_the_number_of_an_authenticator_is_a_secret():
    page = posted({"username": "maryam", "otp_token": "482913"})
    assert "482913" not in page
    assert "<form" not in page


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"},
        {**OURS, "Sec-Fetch-Mode": "cors"},
    ],
)
def test_nothing_of_another_sites_form_or_of_a_script_is_in_the_page(headers):
    page = posted(STEP_ONE, headers)
    assert MATCHES.national_id not in page
    assert "<form" not in page


def test_a_button_with_a_meaning_of_its_own_is_not_pressed_by_ours():
    page = posted(STEP_ONE | {"approve_it": "1"})
    assert "<form" not in page
    assert MATCHES.national_id in page  # to read


def test_markup_that_was_typed_is_text():
    assert "<script>" not in posted(STEP_ONE | {"mobile-national_id": '"><script>'})


def test_any_other_error_is_ours():
    assert answer(ValueError(), RequestFactory().get(URL)).status_code == 500
    assert answer(of(OperationalError, Exception(), "53100"), RequestFactory().get(URL)).status_code == 500
