"""An installation with an unsafe setting does not start, and says which one it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from common.installation import ensure_mode
from common.models import Installation
from tamin_portal.startup import refuse_open_demo, refuse_unsafe
from tests.support.paths import ROOT
from tests.support.production import SAFE

sys.path.insert(0, str(ROOT / "tools"))

import serve
from setup import Stop


def faults() -> set[str]:
    return {message.id for message in run_checks(tags=["portal"])}


def test_a_safe_installation_has_no_fault(production):
    assert faults() == set()


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("ACTIVATION_POLICY", "automatc", "portal.E001"),
        ("DUPLICATE_NOTICE", "never", "portal.E002"),
        ("STAFF_TOTP", "requierd", "portal.E003"),
        ("SIGN_IN_CODE", "risky", "portal.E004"),
        ("MAP_LINK", "javascript:alert('{place}')", "portal.E005"),
        ("MAP_LINK", "https://maps.example/", "portal.E005"),
        ("STAFF_TOTP", "", "portal.E003"),
        ("STAFF_TOTP", "optional", "portal.E050"),
        ("SMS_GATEWAYS", [], "portal.E010"),
        ("SMS_GATEWAYS", ["somebody", "inbox"], "portal.E011"),
        ("IDENTITY_OWNER_REGISTRIES", [], "portal.E012"),
        ("IDENTITY_PERSON_REGISTRIES", [], "portal.E012"),
        ("IDENTITY_OWNER_REGISTRIES", ["local", "demo"], "portal.E013"),
        ("IDENTITY_PERSON_REGISTRIES", ["demo"], "portal.E013"),
        ("SECRET_KEY", "short", "portal.E020"),
        ("SECRET_KEY", "django-insecure-" + "x" * 60, "portal.E020"),
        ("CODE_HASH_KEY", "demo-" + "x" * 60, "portal.E021"),
        ("CODE_HASH_KEY", SAFE["SECRET_KEY"], "portal.E022"),
        ("SECRET_KEY", "s" * 67, "portal.E026"),
        ("CODE_HASH_KEY", "changeme" * 8, "portal.E027"),
        ("ANSWER_HASH_KEY", "short", "portal.E083"),
        ("ANSWER_HASH_KEY", "changeme" * 8, "portal.E084"),
        ("ANSWER_HASH_KEY", SAFE["CODE_HASH_KEY"], "portal.E085"),
        ("ALLOWED_HOSTS", [], "portal.E030"),
        ("ALLOWED_HOSTS", ["portal.example", "*"], "portal.E030"),
        ("DATABASES", {"default": {"PASSWORD": "demo-only"}}, "portal.E040"),
    ],
)
def test_each_unsafe_setting_is_refused_by_name(production, monkeypatch, name, value, fault):
    monkeypatch.setattr(production._wrapped, name, value, raising=False)
    assert faults() == {fault}


@pytest.mark.parametrize("fault", ["ACTIVATION_POLICY", "DUPLICATE_NOTICE", "STAFF_TOTP"])
def test_a_misspelt_policy_is_refused_in_a_demo_too(settings, fault):
    setattr(settings, fault, "misspelt")
    assert len(faults()) == 1


def test_a_demo_may_use_what_a_demo_needs(settings):
    settings.SMS_GATEWAYS = ["inbox"]
    settings.IDENTITY_OWNER_REGISTRIES = settings.IDENTITY_PERSON_REGISTRIES = ["demo"]
    assert settings.DEMO
    assert faults() == set()


@pytest.mark.django_db
def test_a_server_refuses_with_the_sentence_and_the_hint(production):
    production.ALLOWED_HOSTS = ["*"]
    with pytest.raises(ImproperlyConfigured, match=r"ALLOWED_HOSTS .* Set ALLOWED_HOSTS to the portal's own names"):
        refuse_unsafe()


@pytest.mark.django_db
def test_a_demo_marks_a_fresh_database_and_knows_it_again():
    ensure_mode(fresh=True)
    ensure_mode()
    assert Installation.objects.get().mode == "demo"


@pytest.mark.django_db
def test_a_demo_refuses_a_database_it_did_not_make():
    with pytest.raises(ImproperlyConfigured, match="was not made by a demo"):
        ensure_mode()
    assert not Installation.objects.exists()


@pytest.mark.django_db
def test_a_demo_refuses_the_database_of_real_service():
    Installation.objects.create(pk=1, mode="production")
    with pytest.raises(ImproperlyConfigured, match="made in mode 'production'"):
        ensure_mode(fresh=True)


@pytest.mark.django_db
def test_real_service_marks_its_database_and_refuses_a_demos(production):
    ensure_mode()
    assert Installation.objects.get().mode == "production"
    Installation.objects.update(mode="demo")
    with pytest.raises(ImproperlyConfigured, match="made in mode 'demo'"):
        ensure_mode()


OPEN = [("0.0.0.0", 9090), ("::", 9090), ("", 9090), ("192.0.2.7", 9090), ("portal.example", 80), 3]
CLOSED = [("127.0.0.1", 9090), ("127.8.8.8", 9090), ("::1", 9090), ("localhost", 9090), "/run/portal.sock"]


@pytest.mark.parametrize("address", OPEN)
def test_a_demo_is_not_served_to_the_network(settings, address):
    settings.DEMO = True
    with pytest.raises(ImproperlyConfigured, match="loopback"):
        refuse_open_demo([("127.0.0.1", 9090), address], behind_loopback=False)
    refuse_open_demo([address], behind_loopback=True)
    settings.DEMO = False
    refuse_open_demo([address], behind_loopback=False)


@pytest.mark.parametrize("address", CLOSED)
def test_a_demo_is_served_on_the_loopback(settings, address):
    settings.DEMO = True
    refuse_open_demo([address], behind_loopback=False)


def test_a_demos_gunicorn_ends_with_the_reason_before_it_listens(tmp_path):
    """For real: the rule is in gunicorn.conf.py, whoever starts it and however BIND is given."""
    env = {"PATH": os.environ["PATH"], "PORTAL_HOME": str(tmp_path), "BIND": "0.0.0.0:0"}
    (tmp_path / "portal.env").write_text("PORTAL_MODE=demo\nSECRET_KEY=demo-" + "x" * 60)
    gunicorn = [sys.executable, "-m", "gunicorn"]
    for more in ([], ["--bind", "0.0.0.0:0"]):
        done = subprocess.run([*gunicorn, *more], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert "0.0.0.0" in done.stderr
        assert "PORTAL_DEMO_BEHIND_LOOPBACK" in done.stderr
        assert "Traceback" not in done.stderr
        assert "Listening" not in done.stderr


def test_the_composed_demo_is_published_on_the_loopback_only():
    composed = (ROOT / "docker-compose.yml").read_text()
    assert re.findall(r"PORTAL_DEMO_BEHIND_LOOPBACK: (.+)", composed) == ['"1"']
    published = re.findall(r"ports: (.+)", composed)
    assert published
    assert all(place.startswith('["127.0.0.1:') for place in published)


def test_an_inbox_under_another_name_is_refused_too(settings):
    settings.DEMO = False
    settings.SMS_GATEWAYS = ["main"]
    settings.SMS_ENVIRONMENT = {"SMS_MAIN_KIND": "inbox"}
    assert "sms.E014" in {message.id for message in run_checks()}


# ── what `make run` says of settings


def set_up_with(home: Path, **environment: str) -> list[str]:
    """What `make run` prints when it brings the database of `home` up to date, line by line."""
    (home / "portal.env").write_text("PORTAL_MODE=demo\nSECRET_KEY=demo-" + "x" * 60)
    env = {"PATH": os.environ["PATH"], "PORTAL_HOME": str(home), "PYTHONUTF8": "1", **environment}
    try:
        return serve.manage(env, "prepare_demo", "--migrate")
    except Stop as stop:
        return str(stop).splitlines()


def test_make_run_names_every_wrong_setting(tmp_path):
    wrong = {"SMS_GATEWAYS": "kave,box", "SMS_KAVE_KIND": "kavenegar", "SMS_KAVE_SENDR": "1", "SMS_DAILY_BUDGET": "-1"}
    said = set_up_with(tmp_path, **wrong, SMS_ROUTES="mci:kave", ACTIVATION_POLICY="perhaps")
    assert said[0] == "manage.py prepare_demo: 6 settings are wrong:"
    assert sorted(line.split("(")[-1] for line in said[1:]) == [
        "portal.E001)", "sms.E001)", "sms.E004)", "sms.E005)", "sms.E011)", "sms.E012)",
    ]  # fmt: skip
    assert any("SMS_KAVE_SENDR is no setting" in line and "Did you mean SMS_KAVE_SENDER?" in line for line in said)


@pytest.mark.parametrize(
    ("name", "value"),
    [("IDENTITY_DAILY_INQUIRIES", "abc"), ("IDENTITY_DAILY_COST", "9" * 5000), ("IDENTITY_DAILY_COST", "1.5")],
)
def test_a_number_that_is_none_is_a_sentence(tmp_path, name, value):
    said = set_up_with(tmp_path, **{name: value})
    assert said == [f"manage.py prepare_demo: {name} is '{value[:20]}'; it is a whole number"]


@pytest.mark.parametrize("value", ["abc", "9" * 5000, "unlimitd", "5 0"])
def test_a_budget_that_is_none_is_a_sentence(tmp_path, value):
    said = set_up_with(tmp_path, SMS_DAILY_BUDGET=value)
    assert said == [f"manage.py prepare_demo: SMS_DAILY_BUDGET is '{value[:20]}'; it is a whole number or 'unlimited'"]


@pytest.mark.parametrize("value", ["yse", "enabled", "2", "of"])
def test_a_misspelt_switch_is_a_sentence_and_never_means_off(tmp_path, value):
    said = set_up_with(tmp_path, HTTPS=value)
    assert said == [f"manage.py prepare_demo: HTTPS is '{value}'; it is on or off"]


def test_a_wrong_number_of_web_processes_is_a_sentence(tmp_path):
    (tmp_path / "portal.env").write_text("PORTAL_MODE=demo\nSECRET_KEY=demo-" + "x" * 60)
    env = {"PATH": os.environ["PATH"], "PORTAL_HOME": str(tmp_path), "BIND": "127.0.0.1:0", "WEB_THREADS": "four"}
    gunicorn = [sys.executable, "-m", "gunicorn"]
    done = subprocess.run(gunicorn, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.strip()) == (1, "WEB_THREADS is 'four'; it is a whole number from 1 to 9999")


def test_a_misspelt_switch_of_the_web_is_a_sentence(tmp_path):
    (tmp_path / "portal.env").write_text("PORTAL_MODE=demo\nSECRET_KEY=demo-" + "x" * 60)
    env = {"PATH": os.environ["PATH"], "PORTAL_HOME": str(tmp_path), "BIND": "127.0.0.1:0"}
    env["PORTAL_DEMO_BEHIND_LOOPBACK"] = "on"
    gunicorn = [sys.executable, "-m", "gunicorn"]
    done = subprocess.run(gunicorn, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    said = "PORTAL_DEMO_BEHIND_LOOPBACK is 'on'; it is 1, or not set"
    assert (done.returncode, done.stderr.strip()) == (1, said)
