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
        ("MAIL_FROM", "portal@tamin.example،", "mail.E001"),
        ("MAIL_FROM", "Portal\n <portal@tamin.example>", "mail.E001"),
        ("MAIL_URL", "smtps://portal:گذرواژه@mail.example", "mail.E002"),
        ("MAIL_URL", "smtps://portal:%DA%AF%D8%B0%D8%B1@mail.example", "mail.E002"),
        ("MAIL_URL", "smtps://کاربر:word@mail.example", "mail.E002"),
        ("MAIL_URL", "smtps://portal:wo%00rd@mail.example", "mail.E002"),
        ("MAIL_URL", "smtps://portal:word@mail..ایران", "mail.E002"),
        ("MAIL_CA_FILE", "/nowhere/ca.pem", "mail.E005"),
        ("MAIL_CA_FILE", __file__, "mail.E005"),
        ("MAIL_HELO", "our portal", "mail.E006"),
        ("MAIL_HELO", "portal.tamin.example\r\nQUIT", "mail.E006"),
        ("MAIL_HELO", "درگاه.ایران", "mail.E006"),
        ("MAIL_HELO", "-portal.example", "mail.E006"),
        ("MAIL_HELO", "[192.0.2]", "mail.E006"),
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


@pytest.mark.parametrize("name", ["portal.tamin.example", "web1", "[192.0.2.7]", "[IPv6:2001:db8::7]"])
def test_a_name_that_may_stand_in_ehlo_is_taken(mailing, name):
    mailing.MAIL_HELO = name
    assert found() == []


def test_a_password_that_no_server_reads_alike_is_refused_at_the_start_without_repeating_it():
    code = "from django.conf import settings; settings.DEBUG"
    env = {**os.environ, "MAIL_URL": "smtps://portal:گذرواژه@mail.example", "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured: User or password in MAIL_URL have characters other than" in last
    assert "گذرواژه" not in done.stderr


def test_a_host_in_another_script_is_asked_for_as_ascii():
    assert email_settings("smtps://u:p@نمونه.ایران")["EMAIL_HOST"] == "xn--hhbbbed.xn--mgba3a4f16a"


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
