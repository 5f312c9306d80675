"""What surrounds every page: addresses, headers, health, logs without people in them."""

from __future__ import annotations

import logging
import sys
import time

import pytest
from django.db import IntegrityError
from django.test import RequestFactory

from common import hints
from common.logs import NoPersonalData, scrub
from common.middleware import ClientAddress
from registration.models import Registration
from registration.services import matching
from registration.states import State
from tests.support.accounts import administrator
from tests.support.journeys import MATCHES, URL, Answers, Browser, code_on, registration_in

# gunicorn.conf.py's.
LINE = "%(m)s %(U)s %(s)s, %(b)s bytes, %(M)s ms"
POLICY_WORDS = ("default-src 'none'", "script-src 'self'", "style-src 'self'")


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "address"),
    [
        ("203.0.113.9", "", [], "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", [], "203.0.113.9"),  # nobody's word is taken unasked
        ("10.0.0.2", "198.51.100.1", ["10.0.0.0/8"], "198.51.100.1"),
        ("10.0.0.2", "1.1.1.1, 198.51.100.1, 10.0.0.7", ["10.0.0.0/8"], "198.51.100.1"),
        ("10.0.0.2", "rubbish", ["10.0.0.0/8"], "rubbish"),
        ("", "198.51.100.1", ["127.0.0.1"], "198.51.100.1"),  # through a socket of this machine
        ("2001:db8:1:2:3:4:5:6", "", [], "2001:db8:1:2::/64"),  # one customer's whole network
        ("2001:db8:1:2:ffff::1", "", [], "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "", [], "203.0.113.9"),
        ("fe80::1%eth0", "", [], "fe80::/64"),
        ("::ffff:10.0.0.2", "198.51.100.1", ["10.0.0.0/8"], "198.51.100.1"),  # a socket that takes both kinds
        ("10.0.0.2", "198.51.100.1, ::ffff:10.0.0.7", ["10.0.0.0/8"], "198.51.100.1"),
        ("10.0.0.2", "198.51.100.1:4711", ["10.0.0.0/8"], "198.51.100.1"),  # some proxies name the port too
        ("10.0.0.2", "[2001:db8:1:2::9]:4711", ["10.0.0.0/8"], "2001:db8:1:2::/64"),
        ("10.0.0.2", "198.51.100.1, 10.0.0.7:4711", ["10.0.0.0/8"], "198.51.100.1"),
        ("10.0.0.2", "198.51.100.1:x", ["10.0.0.0/8"], "198.51.100.1:x"),
    ],
)
def test_the_callers_address(settings, peer, forwarded, trusted, address):
    settings.TRUSTED_PROXIES = trusted
    headers = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    request = RequestFactory().get("/", REMOTE_ADDR=peer, **headers)
    assert ClientAddress().of(request) == address


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/portal/", URL, "/nowhere", "/admin/login/"])
def test_no_page_allows_inline_script_or_a_foreign_host(client, path):
    policy = client.get(path)["Content-Security-Policy"]
    assert all(word in policy for word in POLICY_WORDS)
    assert "unsafe" not in policy


@pytest.mark.django_db
def test_ready_means_that_a_citizen_can_register(client):
    assert client.get("/readyz").status_code == 200
    assert client.get("/healthz").content == b"ok"


@pytest.mark.parametrize(("path", "target"), [("/", "/portal/"), ("/portal", "/portal/"), (URL + "/", URL)])
def test_addresses_people_type_lead_to_the_page(client, path, target):
    assert client.get(path)["Location"] == target


@pytest.mark.parametrize(
    "text",
    [
        "national id 0012345679 not found",
        "کد ملی ۰۰۱۲۳۴۵۶۷۹",
        "to +989121234567",
        "to=09121234567,",
        "0912 123 45 67",
        "code 482913",
        "GET /x?national_id=12345",
        'Key (national_id)=(0012345679) already exists."',
        "id0012345679",
        "ID_0012345679x",
        "v.0012345679",
        "کد۰۰۱۲۳۴۵۶۷۹ملی",
        "0012345679.5",
        "10.0.0.12:0012345679",
        "10.0.0.0012345679",
    ],
)
def test_a_log_line_loses_numbers_of_people(text):
    assert not any(number in scrub(text) for number in ("0012345679", "۰۰۱۲۳۴۵۶۷۹", "9121234567", "12345", "482913"))


@pytest.mark.parametrize(
    "text",
    [
        "to maryam.karimi+x@example.org",
        "{'maryam.karimi@example.org': (550, b'nobody')}",
        "Key (email)=(maryam.karimi@mail.example.co) is there",
        "<maryam.karimi@example.org>: later",
        "آدرس maryam.karimi@example.org است",
    ],
)
def test_a_log_line_loses_addresses_of_people(text):
    told = scrub(text)
    assert "karimi" not in told
    assert "example" not in told
    assert "[e-mail]" in told


def test_a_long_line_without_an_address_is_read_at_once():
    begun = time.monotonic()
    scrub("a" * 200_000)
    scrub("a@" * 100_000)
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    "text",
    [
        "celery@portal ready, sms@portal too",
        "worker 17 took 250 ms at 10.0.0.12:5432",
        "10.0.0.12:54321 17 ms",
        "from 203.0.113.99 24 times",
        "Starting gunicorn 27.0.1, workers v2, id1234",
        "port 65535 is taken",
    ],
)
def test_a_log_line_keeps_what_an_administrator_needs(text):
    assert scrub(text) == text


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/portal/registration", "/portal/registration"),
        ("/", "/"),
        ("/readyz", "/readyz"),
        ("/static/portal.0123abcd.css", "/static/…"),
        ("/admin/registration/registration/57/activate/", "/admin/registration/registration/…/activate/"),
        ("/admin/accounts/user/علی-کریمی-نب/change/", "/admin/accounts/user/…/change/"),
        ("/admin/علی-کریمی-نب", "/admin/…"),
        ("/portal/علی-کریمی-نب", "/…"),
        ("/portal/علی-کریمی-نب".encode().decode("latin-1"), "/…"),  # as WSGI has it
        ("/portal/ali-karimi-nab", "/…"),
        ("/ali.karimi@example.org", "/…"),
        ("*", "/…"),
        ("", "/…"),
    ],
)
def test_the_access_log_has_our_own_words_of_a_path_only(path, shown):
    words = {"m": "GET", "U": path, "s": "404", "b": "17", "M": 3}
    record = logging.getLogger("gunicorn.access").makeRecord("gunicorn.access", 20, "f", 1, LINE, (words,), None)
    NoPersonalData().filter(record)
    assert record.getMessage() == f"GET {shown} 404, 17 bytes, 3 ms"


def test_the_access_log_has_no_made_up_method():
    words = {"m": "KARIMI-NAB", "U": "/", "s": "405", "b": "17", "M": 3}
    record = logging.getLogger("gunicorn.access").makeRecord("gunicorn.access", 20, "f", 1, LINE, (words,), None)
    NoPersonalData().filter(record)
    assert record.getMessage() == "… / 405, 17 bytes, 3 ms"


@pytest.mark.parametrize(
    "said",
    [
        "Invalid request from ip=10.0.0.9: Invalid HTTP Header: 'ALI KARIMI NAB'",
        "Invalid request from ip=: Invalid HTTP request line: 'GET /Karimi\nNab'",
        "Error handling request GET /portal/registration?name=Karimi",
        "Error handling request /Karimi",
    ],
)
def test_gunicorns_complaints_carry_nothing_of_the_request(said):
    record = logging.getLogger("gunicorn.error").makeRecord("gunicorn.error", 30, "f", 1, said, (), None)
    NoPersonalData().filter(record)
    assert record.getMessage() in ("A request that is not HTTP was refused.", "A request ended in an error.")


@pytest.mark.parametrize("said", ["Exception while serving /Karimi", "Client disconnected while serving /Karimi"])
def test_waitresss_complaints_carry_nothing_of_the_request_either(said):
    record = logging.getLogger("waitress").makeRecord("waitress", 40, "f", 1, said, (), None)
    NoPersonalData().filter(record)
    assert "Karimi" not in record.getMessage()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/portal/علی-کریمی", "Not Found: /…"),
        ("/portal/ali-karimi", "Not Found: /…"),
        ("/admin/علی-کریمی", "Not Found: /admin/…"),
    ],
)
def test_djangos_complaints_have_our_own_words_of_a_path_only(client, caplog, path, shown):
    caplog.handler.addFilter(NoPersonalData())
    client.force_login(administrator())
    assert client.get(path).status_code == 404
    assert [record.getMessage() for record in caplog.records] == [shown]


@pytest.mark.django_db(transaction=True)
def test_a_failing_row_does_not_reach_the_log_with_its_values(caplog):
    row = registration_in(State.SUBMITTED)
    try:
        Registration.objects.filter(pk=row.pk).update(state="nearly")
    except IntegrityError:
        record = logging.getLogger("x").makeRecord("x", 40, "f", 1, "failed", (), sys.exc_info())
    NoPersonalData().filter(record)
    for value in (row.first_name, row.last_name, row.national_id, row.mobile[1:]):
        assert value not in record.exc_text


@pytest.mark.django_db(transaction=True)
def test_a_whole_journey_leaves_no_person_in_the_logs(caplog):
    caplog.set_level(logging.DEBUG)
    caplog.handler.addFilter(NoPersonalData())
    browser = Browser()
    browser.step_one()
    code = code_on(MATCHES.mobile)
    browser.step_two(code)
    answers = Answers.of(MATCHES)
    browser.step_three(answers)
    matching.match_due()
    browser.post("/portal/", {"national_id": MATCHES.national_id, "password": answers.password})
    for value in (MATCHES.national_id, MATCHES.mobile[1:], code, MATCHES.last_name, answers.password):
        assert value not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_after_a_failed_hint_the_next_ones_are_skipped(real_hints, monkeypatch, caplog):
    browser = Browser()
    browser.step_one()  # nobody listens at the tests' REDIS_URL
    if hints._skip_until == 0.0:
        pytest.skip("REDIS_URL points at a Redis that answers")
    called = []
    monkeypatch.setattr(hints, "_send", lambda *args: called.append(args))
    browser.post(URL + "/resend", {"draft": browser.draft()})
    browser.step_two(code_on(MATCHES.mobile))
    assert called == []
