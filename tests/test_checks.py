"""An installation with an unsafe setting does not start, and says which one it is."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from tamin_portal.installation import ensure_mode
from tamin_portal.models import Installation
from tamin_portal.startup import refuse_unsafe

SAFE = {
    "DEMO": False,
    "PORTAL_MODE": "production",
    "SECRET_KEY": "s" * 67,
    "CODE_HASH_KEY": "c" * 67,
    "ALLOWED_HOSTS": ["portal.example"],
    "SMS_GATEWAYS": ["somebody"],
    "IDENTITY_REGISTRIES": ["local"],
}


@pytest.fixture
def production(settings):
    """A safe real installation, on which each test breaks one setting."""
    for name, value in SAFE.items():
        setattr(settings, name, value)
    return settings


def faults() -> set[str]:
    return {message.id for message in run_checks(tags=["portal"])}


def test_a_safe_installation_has_no_fault(production):
    assert faults() == set()


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("ACTIVATION_POLICY", "automatc", "portal.E001"),
        ("DUPLICATE_NOTICE", "never", "portal.E002"),
        ("SMS_GATEWAYS", [], "portal.E010"),
        ("SMS_GATEWAYS", ["somebody", "inbox"], "portal.E011"),
        ("IDENTITY_REGISTRIES", [], "portal.E012"),
        ("IDENTITY_REGISTRIES", ["demo"], "portal.E013"),
        ("SECRET_KEY", "short", "portal.E020"),
        ("SECRET_KEY", "django-insecure-" + "x" * 60, "portal.E020"),
        ("CODE_HASH_KEY", "demo-" + "x" * 60, "portal.E021"),
        ("CODE_HASH_KEY", SAFE["SECRET_KEY"], "portal.E022"),
        ("ALLOWED_HOSTS", [], "portal.E030"),
        ("ALLOWED_HOSTS", ["portal.example", "*"], "portal.E030"),
        ("DATABASES", {"default": {"PASSWORD": "demo-only"}}, "portal.E040"),
    ],
)
def test_each_unsafe_setting_is_refused_by_name(production, monkeypatch, name, value, fault):
    monkeypatch.setattr(production._wrapped, name, value, raising=False)
    assert faults() == {fault}


@pytest.mark.parametrize("fault", ["ACTIVATION_POLICY", "DUPLICATE_NOTICE"])
def test_a_misspelt_policy_is_refused_in_a_demo_too(settings, fault):
    setattr(settings, fault, "misspelt")
    assert len(faults()) == 1


def test_a_demo_may_use_what_a_demo_needs(settings):
    settings.SMS_GATEWAYS = ["inbox"]
    settings.IDENTITY_REGISTRIES = ["demo"]
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
