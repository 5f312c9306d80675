"""A gateway beside the portal pushes its receipts by an internal name and plain HTTP; nothing else is there."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client

from sms.gateways.base import ReceiptsBy
from sms.models import Receipt
from tests.support.sms_fixtures import crowd

pytestmark = pytest.mark.django_db
TOKEN = "t" * 43
PATH = f"/sms/receipts/box/{TOKEN}/"


@pytest.fixture(autouse=True)
def real_service(settings: Any, use_gateways: Any) -> Any:
    """As in docker-compose.yml: HTTPS, one public name, a box beside the web."""
    use_gateways(crowd("box", receipts=ReceiptsBy.PUSH))
    settings.SMS_ENVIRONMENT = {"SMS_BOX_RECEIPT_TOKENS": TOKEN}
    settings.ALLOWED_HOSTS, settings.PUBLIC_HOST = ["portal.example"], "portal.example"
    settings.SECURE_SSL_REDIRECT = True
    settings.RECEIPT_HOSTS = ["web", "front"]
    return settings


@pytest.mark.parametrize("host", ["web:8000", "front:8080", "web", "WEB:8000"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_receipt_arrives_by_the_internal_name(host, method):
    """It was 400, an unknown host; and with the public name a way to HTTPS, which no gateway follows with a POST."""
    answer = getattr(Client(), method)(f"{PATH}?status=1", headers={"Host": host})
    assert answer.status_code == 200
    assert Receipt.objects.count() == 1


@pytest.mark.parametrize("path", ["/portal/registration", "/admin/login/", "/readyz", "/sms/receipts"])
def test_nothing_else_is_answered_there(path):
    assert Client().get(path, headers={"Host": "web:8000"}).status_code in (301, 400)
    assert Client().get(path, headers={"Host": "web:8000"}, secure=True).status_code == 400


@pytest.mark.parametrize("host", ["other:8000", "web.evil.example", "webx", "", "web:8000:1", "web@evil"])
def test_other_names_are_unknown_there_too(host):
    assert Client().get(PATH, headers={"Host": host}, secure=True).status_code == 400
    assert not Receipt.objects.exists()


def test_without_its_token_it_is_nothing():
    assert Client().get("/sms/receipts/box/wrong/", headers={"Host": "web:8000"}).status_code == 404


def test_by_the_public_name_it_still_needs_https():
    assert Client().post(PATH, headers={"Host": "portal.example"}).status_code == 301
    assert Client().post(PATH, headers={"Host": "portal.example"}, secure=True).status_code == 200


def test_without_the_setting_there_is_no_such_name(settings):
    settings.RECEIPT_HOSTS = []
    assert Client().get(PATH, headers={"Host": "web:8000"}, secure=True).status_code == 400


@pytest.mark.parametrize("name", ["*", ".example", "web:8000", "http://web", "portal.example", ""])
def test_what_is_no_internal_name_is_refused(settings, name):
    settings.RECEIPT_HOSTS = [name]
    assert "portal.E036" in {each.id for each in run_checks()}


def test_internal_names_are_none():
    assert "portal.E036" not in {each.id for each in run_checks()}
