"""The URL of a receipt holds a gateway's token, and its query perhaps a number: no log may have either."""

from __future__ import annotations

import importlib.util
import logging
import logging.config
import re

import pytest
from django.test import Client
from gunicorn.glogging import Logger

from common.logs import NoPersonalData, NoReceipts, scrub
from sms import receipts
from sms.models import Receipt
from tests.support.paths import ROOT

PATH = "/sms/receipts/box/s3cr3t-token/"


@pytest.fixture
def access_log(caplog):
    """gunicorn's access log, with the filters that its configuration names."""
    specification = importlib.util.spec_from_file_location("gunicorn_configuration", ROOT / "gunicorn.conf.py")
    configuration = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(configuration)
    told = configuration.logconfig_dict
    assert told["loggers"]["gunicorn.access"]["filters"] == ["no_receipts"]
    assert told["filters"]["no_receipts"] == {"()": "common.logs.NoReceipts"}
    log = logging.getLogger("gunicorn.access.under_test")
    log.setLevel(logging.INFO)
    log.addFilter(NoReceipts())
    caplog.set_level(logging.INFO)
    return lambda path: log.info(
        configuration.access_log_format,
        Logger.atoms_wrapper_class({"m": "GET", "U": path, "s": "200", "b": "2", "M": 1}),
    )


@pytest.mark.parametrize("path", [PATH, PATH.removesuffix("/")])
def test_gunicorn_writes_no_line_for_a_receipt_and_one_for_a_page(access_log, caplog, path):
    access_log(path)
    assert caplog.text == ""
    access_log("/portal/registration")
    assert "/portal/registration" in caplog.text


@pytest.mark.parametrize(
    "line",
    [
        f"Not Found: {PATH}",
        f"Error handling request {PATH}?to=09121234567&id=4",
        f'upstream timed out, request: "GET {PATH}?x=1 HTTP/1.1", upstream',
    ],
)
def test_other_logs_name_the_place_and_not_the_token(line):
    told = scrub(line)
    assert "/sms/receipts/…" in told
    for secret in ("s3cr3t", "box", "0912", "id=4"):
        assert secret not in told


@pytest.mark.django_db
@pytest.mark.parametrize("path", [PATH, PATH.removesuffix("/")])
def test_a_refused_receipt_leaves_no_token_in_the_log(caplog, path):
    caplog.handler.addFilter(NoPersonalData())
    Client().get(path)
    assert "Not Found: /sms/receipts/…" in caplog.text
    assert "s3cr3t" not in caplog.text


def test_the_front_keeps_no_log_of_receipts():
    front = (ROOT / "tools" / "front.nginx.conf").read_text()
    place = front.split("location ^~ /sms/receipts/ {")[1].split("}")[0]
    assert "access_log off;" in place
    assert "error_log /dev/stderr crit;" in front  # nginx writes the request line into its errors


@pytest.mark.parametrize(
    ("method", "query", "body"),
    [
        ("POST", "to=09121234567", b""),
        ("POST", "", "۰۹۱۲۱۲۳۴۵۶۷".encode()),
        ("POST", "to=%DB%B0%DB%B9%DB%B1%DB%B2%DB%B1%DB%B2%DB%B3%DB%B4%DB%B5%DB%B6%DB%B7", b""),
        ("POST", "to=%2530%2539121234567", b""),
        ("POST", "", rb'{"to": "\u06f0\u06f9\u06f1\u06f2\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6\u06f7"}'),
        ("POST", "", b"0912.123.4567 (0912) 123 45 67"),
        ("POST", "", "091\u200c212\u200e34567".encode()),
        ("POST", "", b"&#48;&#57;121234567"),
        ("SMPP", "", "09121234567".encode("utf-16-be")),
        ("SMPP", "", b"id:7 stat:DELIVRD text:your code is 4 8 2, 9 1 3 0912"),
    ],
)
def test_a_receipt_is_shown_to_administrators_without_numbers_however_they_are_spelt(method, query, body):
    row = Receipt(gateway="box", method=method, query=f"status=ok&{query}", body=b"err:none; " + body)
    shown = receipts.shown(row)
    assert "status=ok" in shown
    assert "err:none" in shown
    assert not re.search("912|۹۱۲|DB%B9|u06f9|121234567|your code", shown)
