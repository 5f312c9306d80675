"""The administrators' pages of connected services: who may see them, the secret once, nothing lost, nothing unsafe."""

from __future__ import annotations

import re
import struct
import zlib
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from openid import services
from openid.models import ConnectedService, ServiceEvent
from openid.service_facts import Facts
from tests.support import openid
from tests.support.accounts import clerk
from tests.support.logout_stub import part_of

pytestmark = pytest.mark.django_db
LIST = "/admin/openid/connectedservice/"
TYPED = {
    "name": "سوابق بیمه",
    "redirect_uris": "https://records.tamin.ir/callback\nhttps://records.tamin.ir/other",
    "scope_profile": "on",
    "scope_national_id": "on",
    "why_national_id": "article 12",
    "required_level": "urn:tamin:acr:password",
    "auth_method": "client_secret_basic",
    "reason": "contract 12",
}


def picture(width: int = 32, *, extra: bytes = b"") -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, width, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * width * (width + 1))
    middle = chunk(b"tEXt", extra) if extra else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + middle + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def add(boss: Client, **changes: Any) -> Any:
    return boss.post(f"{LIST}add/", TYPED | changes)


def added() -> ConnectedService:
    facts = Facts(name="سوابق", redirect_uris=["https://records.tamin.ir/callback"], scopes={"profile": "greeting"})
    return services.add(facts=facts, by="boss", reason="contract 12")[0]


def url(service: ConnectedService, page: str = "change") -> str:
    return f"{LIST}{service.pk}/{page}/"


def test_a_service_is_added_and_its_secret_shown_once(boss):
    page = boss.get(f"{LIST}add/")
    client_id = re.search(r'name="client_id" value="([0-9a-f]{24})"', page.content.decode())[1]
    shown = add(boss, client_id=client_id)
    assert shown.status_code == 200
    assert "no-store" in shown["Cache-Control"]
    row = ConnectedService.objects.get()
    assert row.client_id == client_id
    assert list(row.scopes) == ["profile", "national_id"]
    assert row.scopes["national_id"] == "article 12"
    secret = re.search(r'client_secret: <code dir="ltr">([\w-]{43})<', shown.content.decode())[1]
    assert add(boss, client_id=client_id).status_code == 302  # the page sent twice
    add(boss, client_id=f"{client_id}<script>")  # a page that somebody wrote
    assert ConnectedService.objects.count() == 1
    for page in (LIST, url(row), url(row, "usage"), url(row, "rotate")):
        assert secret not in boss.get(page).content.decode()
    assert secret not in str(boss.session.items())
    assert ServiceEvent.objects.get().actor == "boss"


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uris": "http://records.tamin.ir/"},
        {"home_page": "https://10.0.0.1/#"},
        {"why_national_id": " "},
        {"reason": ""},
        {"name": ""},
        {"auth_method": "private_key_jwt", "jwks": "{"},
        {"logo": SimpleUploadedFile("logo.png", b"<svg onload=alert(1)>", "image/png")},
        {"logo": SimpleUploadedFile("logo.png", picture(1024), "image/png")},
        {"logo": SimpleUploadedFile("logo.png", picture() + b"<script>", "image/png")},
    ],
)
def test_what_is_wrong_comes_back_with_a_sentence_and_adds_nothing(boss, wrong):
    shown = add(boss, **wrong)
    assert shown.status_code == 200
    above = shown.content.decode().split('role="alert"')[1].split("</div>")[0]
    (field,) = re.findall(r'href="#id_(\w+)"', above)
    assert field in wrong
    assert "errorlist" in shown.content.decode()
    assert not ConnectedService.objects.exists()


def test_what_is_wrong_is_named_in_the_order_of_the_page(boss):
    page = add(boss, reason="", name="", why_national_id=" ").content.decode()
    above = page.split('role="alert"')[1].split("</div>")[0]
    assert re.findall(r'href="#id_(\w+)"', above) == ["name", "why_national_id", "reason"]


def test_a_logo_is_only_what_draws_it_and_served_as_a_picture(boss):
    add(boss, logo=SimpleUploadedFile("logo.png", picture(extra=b"Comment\0<script>"), "image/png"))
    shown = boss.get(url(ConnectedService.objects.get(), "logo"))
    assert (shown["Content-Type"], shown["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert b"script" not in shown.content
    assert shown.content == picture()


def test_a_service_is_told_by_rsa_if_its_library_reads_nothing_else(boss, user):
    add(boss)
    service = ConnectedService.objects.get()
    assert service.id_token_algorithm == "ES256"
    boss.post(url(service), TYPED | {"id_token_algorithm": "RS256", "revision": service.revision})
    service.refresh_from_db()
    redirect = service.redirect_uris[0]
    secret = services.rotate_secret(service=service, by="boss", reason="yearly")
    tried = openid.Service(service, secret)
    token = tried.exchange(openid.code(tried, user, redirect_uri=redirect), redirect_uri=redirect).json()["id_token"]
    assert part_of(token, 0)["alg"] == "RS256"


def test_a_page_that_is_old_changes_nothing_and_keeps_what_was_typed(boss):
    service = added()
    old = boss.get(url(service)).content.decode()
    revision = re.search(r'name="revision" value="(\d+)"', old)[1]
    assert boss.post(url(service), TYPED | {"name": "first", "revision": revision}).status_code == 302
    late = boss.post(url(service), TYPED | {"name": "second", "revision": revision})
    assert late.status_code == 200
    assert 'value="second"' in late.content.decode()
    assert boss.post(url(service), TYPED | {"name": "third"}).status_code == 200  # no revision is an old one
    service.refresh_from_db()
    assert service.name == "first"


def test_a_service_is_suspended_and_resumed_with_a_reason(boss):
    service = added()
    refused = boss.post(url(service, "suspend"), {"reason": ""})
    assert "در رویدادهای سرویس نگهداری می‌شود" in refused.content.decode()
    boss.post(url(service, "suspend"), {"reason": "it leaks"})
    service.refresh_from_db()
    assert service.suspended_at
    assert "متوقف است" in boss.get(url(service)).content.decode()
    boss.post(url(service, "resume"), {"reason": "mended"})
    assert [event.reason for event in ServiceEvent.objects.order_by("pk")] == ["contract 12", "it leaks", "mended"]
    assert "it leaks" in boss.get(url(service, "usage")).content.decode()


def test_what_was_changed_is_said_in_words(boss):
    service = added()
    changed = {"revision": service.revision, "is_third_party": "on", "required_level": "urn:tamin:acr:code"}
    boss.post(url(service), TYPED | changed)
    page = unescape(re.sub(r"<[^>]*>", "", boss.get(url(service, "usage")).content.decode()))
    for words in (
        "نام، تاریخ تولد، جنسیت (greeting) ← نام، تاریخ تولد، جنسیت (contract 12) · کد ملی (article 12)",
        "https://records.tamin.ir/callback ← https://records.tamin.ir/callback · https://records.tamin.ir/other",
        "خیر ← بله",
        "گذرواژه ← گذرواژه و کد شناسه",
    ):
        assert words in page, words
    assert "['" not in page
    assert "{'" not in page


def test_a_new_secret_is_shown_once_and_a_page_sent_twice_makes_one(boss):
    service = added()
    typed = {"reason": "yearly", "revision": service.revision, "at_once": "on"}
    shown = boss.post(url(service, "rotate"), typed).content.decode()
    assert re.search(r'client_secret: <code dir="ltr">[\w-]{43}<', shown)
    assert "client_secret:" not in boss.post(url(service, "rotate"), typed).content.decode()


def test_the_list_and_the_pages_are_for_administrators_alone(client):
    service = added()
    client.force_login(clerk(), backend="accounts.backends.StaffBackend")
    for page in (
        LIST,
        f"{LIST}add/",
        *(url(service, page) for page in ("change", "usage", "suspend", "rotate", "logo")),
    ):
        assert client.get(page).status_code in (302, 403)
    assert client.post(url(service, "suspend"), {"reason": "x"}).status_code in (302, 403)
    service.refresh_from_db()
    assert service.suspended_at is None


def test_a_service_is_never_deleted(boss):
    assert boss.post(url(added(), "delete"), {"post": "yes"}).status_code == 403
    assert ConnectedService.objects.exists()
