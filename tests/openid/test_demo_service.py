"""`make run` connects the demo's own service: once, again after a change of port, and never in real service."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from accounts.demo import ensure_services
from accounts.models import Service
from openid import credentials, services, ways_back
from openid.demo import CLIENT_ID, KEPT_IN, ensure_service
from openid.models import ConnectedService, ServiceEvent
from tests.support.paths import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import demo_service
from setup import PYTHON

pytestmark = pytest.mark.django_db
FIRST, LATER = "http://127.0.0.1:9191", "http://127.0.0.1:9292"


def kept(home) -> dict[str, str]:
    return json.loads((home / KEPT_IN).read_text())


def row() -> ConnectedService:
    return ConnectedService.objects.get(client_id=CLIENT_ID)


def fits(home) -> bool:
    """Whether the secret in the home is the database's."""
    return credentials.matches(credentials.CLIENT_SECRET, kept(home)["client_secret"], row().secret_hash)


def test_it_is_connected_once_with_a_secret_that_only_its_owner_reads(tmp_path):
    ensure_services()
    ensure_service(tmp_path, FIRST)
    made, file = row(), (tmp_path / KEPT_IN).read_text()
    assert fits(tmp_path)
    assert (tmp_path / KEPT_IN).stat().st_mode & 0o777 == 0o600
    assert made.backchannel_logout_uri == f"{FIRST}/backchannel-logout"
    assert [each.title for each in Service.objects.filter(title__startswith="سوابق بیمه")] == ["سوابق بیمه (نمونه)"]
    assert Service.objects.get(link=made.home_page).title == "سوابق بیمه (نمونه)"
    assert ways_back.service_by(ways_back.key_of(made)) == made, "who registers on the way comes back"

    ensure_service(tmp_path, FIRST)
    assert (tmp_path / KEPT_IN).read_text() == file
    assert row().revision == made.revision
    assert ServiceEvent.objects.count() == 1


def test_another_port_moves_its_addresses_and_leaves_what_an_administrator_set(tmp_path):
    ensure_service(tmp_path, FIRST)
    before = kept(tmp_path)
    services.suspend(service=row(), by="admin", reason="a try")
    ConnectedService.objects.update(name="نام دیگر", is_third_party=True, id_token_algorithm="RS256")
    Service.objects.update(title="عنوان دیگر")

    ensure_service(tmp_path, LATER)
    now = row()
    assert kept(tmp_path) == before | {"url": LATER}
    addresses = [*now.redirect_uris, *now.post_logout_redirect_uris, now.backchannel_logout_uri, now.home_page]
    assert all(address.startswith(f"{LATER}/") for address in [*addresses, now.initiate_login_uri])
    assert (now.name, now.is_third_party, bool(now.suspended_at)) == ("نام دیگر", True, True)
    assert now.id_token_algorithm == "RS256"
    assert Service.objects.get().link == f"{LATER}/"
    assert Service.objects.get().title == "عنوان دیگر"


def test_what_was_taken_out_of_the_catalogue_does_not_come_back(tmp_path):
    ensure_service(tmp_path, FIRST)
    Service.objects.all().delete()
    ensure_service(tmp_path, LATER)
    assert not Service.objects.exists()


@pytest.mark.parametrize("broken", [None, "{", '{"client_secret": "another home\'s"}'])
def test_a_home_without_the_secret_gets_a_new_one(tmp_path, broken):
    ensure_service(tmp_path, FIRST)
    earlier = kept(tmp_path)["client_secret"]
    (tmp_path / KEPT_IN).unlink() if broken is None else (tmp_path / KEPT_IN).write_text(broken)
    ensure_service(tmp_path, FIRST)
    assert fits(tmp_path)
    assert kept(tmp_path)["client_secret"] != earlier


def test_its_port_stays_unless_something_else_has_it_and_is_never_the_portals(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / KEPT_IN).write_text(json.dumps({"url": f"http://127.0.0.1:{port}"}))
        assert demo_service.address(tmp_path, 1) != f"http://127.0.0.1:{port}"
    assert demo_service.address(tmp_path, 1) == f"http://127.0.0.1:{port}"
    assert demo_service.address(tmp_path, port) != f"http://127.0.0.1:{port}"
    for broken in ("", "[]", '{"url": "http://127.0.0.1:70000"}', '{"url": "http://0.0.0.0:9191"}'):
        (tmp_path / KEPT_IN).write_text(broken)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", demo_service.address(tmp_path, 1))


def test_its_process_has_nothing_of_the_portals_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "the-portals-own")
    ensure_service(tmp_path, FIRST)
    command = demo_service.command(tmp_path, mark="MARK=home")
    printed = [*command[: command.index(str(PYTHON))], sys.executable, "-c", "import os; print(*os.environ)"]
    said = subprocess.run(printed, capture_output=True, text=True, check=True).stdout.split()
    assert {"MARK", "PATH"} <= set(said)
    assert "SECRET_KEY" not in said
    assert kept(tmp_path)["client_secret"] not in " ".join(command), "everybody on the machine reads arguments"


def test_real_service_has_none(tmp_path, settings):
    settings.DEMO = False
    with pytest.raises(ImproperlyConfigured):
        ensure_service(tmp_path, FIRST)
    assert not ConnectedService.objects.exists()
    assert not (tmp_path / KEPT_IN).exists()
