"""Mail settings that cannot work, or that show letters to others, are refused by name."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

import mail
from common.mail_url import email_settings
from tests.support.paths import ROOT

SAFE = {"DEMO": False, "MAIL_URL": "smtp+tls://portal:word@mail.example", "MAIL_FROM": "سامانه <portal@tamin.example>"}


@pytest.fixture
def mailing(settings):
    """Safe mail settings of a real installation, of which each test breaks one."""
    for name, value in SAFE.items():
        setattr(settings, name, value)
    return settings


def found() -> list[str]:
    return [message.id for message in run_checks() if str(message.id).startswith("mail.")]


@pytest.mark.parametrize(
    "url",
    [
        SAFE["MAIL_URL"],
        "smtp+tls://portal:word@mail.example:2587",
        "smtps://portal:word@mail.example",
        "smtp+ssl://portal:word@mail.example:465",
        "smtp://127.0.0.1:25",
        "smtp://localhost",
        "smtp://[::1]:2525",
    ],
)
def test_a_server_that_nobody_listens_to_is_taken(mailing, url):
    mailing.MAIL_URL = url
    assert found() == []
    assert mail.is_configured()


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("MAIL_URL", "", "mail.W001"),
        ("MAIL_URL", "inbox:", "mail.E003"),
        ("MAIL_URL", "inbox://", "mail.E003"),
        ("MAIL_URL", "smtp://mail.example", "mail.E004"),
        ("MAIL_URL", "smtp://portal:word@192.0.2.7:25", "mail.E004"),
        ("MAIL_URL", "consolemail://", "mail.E002"),
        ("MAIL_URL", "smtp+tls://", "mail.E002"),
        ("MAIL_URL", "mail.example", "mail.E002"),
        ("MAIL_FROM", "", "mail.E001"),
        ("MAIL_FROM", "سامانه", "mail.E001"),
        ("MAIL_FROM", "portal@", "mail.E001"),
    ],
)
def test_each_setting_that_is_wrong_is_named(mailing, name, value, fault):
    setattr(mailing, name, value)
    assert found() == [fault]


def test_a_demo_has_its_mailbox_and_may_do_without(settings):
    assert (settings.MAIL_URL, mail.is_configured(), found()) == ("inbox:", True, [])
    settings.MAIL_URL = ""
    assert (mail.is_configured(), found()) == (False, ["mail.W001"])


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp://h", 25, False, False),
        ("smtp+tls://h", 587, True, False),
        ("smtps://h", 465, False, True),
        ("smtp+ssl://h", 465, False, True),
        ("smtp+tls://h:25", 25, True, False),
    ],
)
def test_each_scheme_has_its_port_and_its_kind_of_tls(url, port, tls, ssl):
    told = email_settings(url)
    assert (told["EMAIL_HOST"], told["EMAIL_PORT"]) == ("h", port)
    assert (told["EMAIL_USE_TLS"], told["EMAIL_USE_SSL"]) == (tls, ssl)


def test_a_password_may_have_any_character():
    told = email_settings("smtps://portal%40tamin.example:a+b%2Fc%23%40%3A0012@mail.example")
    assert (told["EMAIL_HOST_USER"], told["EMAIL_HOST_PASSWORD"]) == ("portal@tamin.example", "a+b/c#@:0012")


@pytest.mark.parametrize("url", ["smtps://portal:se/cret@mail.example", "secret", "smtp:secret", "http://u:secret@h"])
def test_what_cannot_be_read_is_refused_without_repeating_it(url):
    with pytest.raises(ImproperlyConfigured) as refusal:
        email_settings(url)
    assert "cret" not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert "MAIL_URL" in str(refusal.value)


def test_the_settings_follow_from_the_environment():
    code = "from django.conf import settings as s; print(s.EMAIL_HOST, s.EMAIL_PORT, s.EMAIL_USE_TLS, s.EMAIL_TIMEOUT)"
    env = {**os.environ, "MAIL_URL": "smtp+tls://u:p@mail.example", "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["mail.example", "587", "True", "10"]
