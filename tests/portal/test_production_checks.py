"""What real service refuses and an administrator may allow by name, and how each start names it."""

from __future__ import annotations

import logging
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from common import unsafe
from common.installation import refuse_superuser
from common.redis_url import completed
from tamin_portal.startup import refuse_unsafe
from tests.support.paths import ROOT

INTERNAL = {"INTERNAL_HOSTS": ["db", "redis"], "INTERNAL_NETWORK": ["172.30.77.0/24"]}


def found() -> set[str]:
    return {message.id for message in run_checks(tags=["portal"])}


def postgres(at: str, password: str = "word", **options: str) -> dict[str, object]:
    database = {"ENGINE": "django.db.backends.postgresql", "HOST": at, "PASSWORD": password, "OPTIONS": options}
    return {"default": database}


# ── who is believed


@pytest.mark.parametrize(
    ("networks", "fault"),
    [
        (["0.0.0.0/0"], "portal.E032"),
        (["::/0"], "portal.E032"),
        (["10.0.0.7", "0.0.0.0/1"], "portal.E032"),
        (["203.0.113.0/24"], "portal.E032"),
        (["172.0.0.0/8"], "portal.E032"),
        (["172.16.0.0/11"], "portal.E032"),
        (["100.64.0.0/10"], "portal.E032"),  # customers of carriers
        (["2001:db8::/64"], "portal.E032"),
        (["proxy.example"], "portal.E031"),
        (["10.0.0.0/33"], "portal.E031"),
        ([""], "portal.E031"),
        (["10.0.0.0/8", "172.16.0.0/12", "192.168.7.0/24", "127.0.0.1", "fd00::/8", "::1"], None),
        (["203.0.113.7", "2001:db8::7/128", "198.51.100.4/32"], None),  # proxies that have public addresses
    ],
)
@pytest.mark.parametrize("name", ["TRUSTED_PROXIES", "FRONT_TRUSTED_PROXIES"])
def test_only_private_networks_and_single_proxies_are_trusted(production, name, networks, fault):
    setattr(production, name, networks)
    assert found() == ({fault} if fault else set())


def test_a_proxy_that_is_no_network_is_refused_in_a_demo_too(settings):
    settings.TRUSTED_PROXIES = ["proxy.example"]
    assert found() == {"portal.E031"}


def test_https_that_nobody_is_trusted_to_speak_of_is_warned_of(production):
    production.TRUSTED_PROXIES = []
    assert found() == {"portal.W031"}


# ── PostgreSQL and Redis


@pytest.mark.parametrize(
    ("database", "faults"),
    [
        (postgres("db.example.org"), {"portal.E041"}),
        (postgres("db"), {"portal.E041"}),
        (postgres("10.0.0.5"), {"portal.E041"}),
        (postgres("db.example.org", sslmode="prefer"), {"portal.E041"}),
        (postgres("127.0.0.1,db.example.org"), {"portal.E041"}),
        (postgres("127.0.0.1", hostaddr="192.0.2.7"), {"portal.E041"}),
        (postgres("", host="db.example.org"), {"portal.E041"}),
        (postgres("db.example.org", ""), {"portal.E041", "portal.E042"}),
        (postgres("db.example.org", "", sslmode="require"), {"portal.E042", "portal.W041"}),
        (postgres("db.example.org", "", sslmode="verify-full", sslcert="/etc/portal.pem"), set()),
        (postgres("db.example.org", sslmode="require"), {"portal.W041"}),  # any certificate
        (postgres("db.example.org", sslmode="verify-ca"), {"portal.W041"}),  # any host of that authority
        (postgres("db.example.org", sslmode="verify-full"), set()),
        (postgres("127.0.0.1", ""), set()),
        (postgres("localhost"), set()),
        (postgres("", ""), set()),  # a UNIX socket
        (postgres("/var/run/postgresql", ""), set()),
    ],
)
def test_postgresql_across_a_network_needs_tls_and_a_password(production, monkeypatch, database, faults):
    monkeypatch.setattr(production._wrapped, "DATABASES", database, raising=False)
    assert found() == faults


@pytest.mark.parametrize(
    ("environment", "options", "faults"),
    [
        ({"PGHOST": "db.example.org"}, {}, {"portal.E041", "portal.E042"}),
        ({"PGHOSTADDR": "192.0.2.7", "PGPASSWORD": "word"}, {}, {"portal.E041"}),
        ({"PGHOST": "db.example.org", "PGPASSFILE": "/etc/pass", "PGSSLMODE": "verify-full"}, {}, set()),
        (
            {"PGHOST": "db.example.org", "PGPASSWORD": "word", "PGSSLMODE": "require"},
            {"sslmode": "allow"},
            {"portal.E041"},
        ),
        ({"PGHOST": "/var/run/postgresql"}, {}, set()),
        ({"PGSERVICE": "real"}, {}, {"portal.E041", "portal.E042"}),
        ({}, {"service": "real"}, {"portal.E041", "portal.E042"}),
    ],
)
def test_what_database_url_leaves_open_libpq_takes_from_the_environment(
    production, monkeypatch, environment, options, faults
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(production._wrapped, "DATABASES", postgres("", "", **options), raising=False)
    assert found() == faults


@pytest.mark.parametrize(
    ("url", "faults"),
    [
        ("redis://redis:6379/0", {"portal.E043", "portal.E044"}),
        ("redis://:word@redis.example.org/0", {"portal.E043"}),
        ("rediss://:word@redis.example.org/0", {"portal.E043"}),  # takes any certificate
        ("rediss://:word@redis.example.org/0?ssl_cert_reqs=none", {"portal.E043"}),
        ("rediss://:word@redis.example.org/0?ssl_cert_reqs=required&ssl_check_hostname=false", {"portal.E043"}),
        (completed("rediss://:word@redis.example.org/0"), set()),  # as the settings read it
        ("rediss://redis.example.org/0?ssl_cert_reqs=required", {"portal.E044"}),
        ("rediss://:word@redis.example.org/0?ssl_cert_reqs=required&ssl_ca_certs=/nowhere/ca.pem", {"portal.E045"}),
        (completed("rediss://:word@redis.example.org/0", ca=__file__), {"portal.E045"}),  # no certificate in it
        ("redis://127.0.0.1/0;redis://192.0.2.7/0", {"portal.E043", "portal.E044"}),
        ("sentinel://:word@192.0.2.7:26379", {"portal.E043"}),
        ("redis://127.0.0.1:6379/0", set()),
        ("redis://localhost", set()),
        ("redis+socket:///run/redis.sock", set()),
    ],
)
def test_redis_across_a_network_needs_tls_and_a_password(production, url, faults):
    production.REDIS_URL = url
    assert found() == faults


def test_on_the_internal_network_neither_is_needed(production, monkeypatch):
    for name, value in INTERNAL.items():
        setattr(production, name, value)
    monkeypatch.setattr(production._wrapped, "DATABASES", postgres("db"), raising=False)
    production.REDIS_URL = "redis://redis:6379/0"
    assert found() == set()
    production.REDIS_URL = "redis://172.30.77.9/0"
    assert found() == set()
    production.REDIS_URL = "redis://172.30.78.9/0"
    assert found() == {"portal.E043", "portal.E044"}


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"INTERNAL_HOSTS": []}, "portal.E034"),
        ({"INTERNAL_NETWORK": []}, "portal.E034"),
        ({"INTERNAL_NETWORK": ["0.0.0.0/0"]}, "portal.E035"),
        ({"INTERNAL_NETWORK": ["203.0.113.0/24"]}, "portal.E035"),
        ({"INTERNAL_NETWORK": ["inside"]}, "portal.E031"),
    ],
)
def test_an_internal_network_is_private_and_has_names(production, wrong, fault):
    for name, value in (INTERNAL | wrong).items():
        setattr(production, name, value)
    assert found() == {fault}


@pytest.mark.django_db
def test_a_name_that_leads_out_of_the_internal_network_is_refused_at_the_start(production):
    production.INTERNAL_HOSTS, production.INTERNAL_NETWORK = ["localhost", "no.such.host.invalid"], ["172.30.77.0/24"]
    production.ALLOW_UNSAFE, production.SMS_GATEWAYS = ["superuser"], ["kavenegar"]
    production.SMS_ENVIRONMENT = {"SMS_KAVENEGAR_KEY": "k", "SMS_KAVENEGAR_SENDER": "1"}
    with pytest.raises(ImproperlyConfigured, match=r"INTERNAL_HOSTS has localhost, whose address"):
        refuse_unsafe()
    production.INTERNAL_NETWORK = ["127.0.0.0/8", "::1"]
    refuse_unsafe()


# ── gateways, receipts, registries, mail


def test_a_gateway_gets_nothing_in_the_open(production):
    production.SMS_GATEWAYS = ["box", "op", "kave"]
    production.SMS_ENVIRONMENT = {
        "SMS_BOX_KIND": "http", "SMS_BOX_URL": "http://box.example/?to={to}&text={text}",
        "SMS_OP_KIND": "smpp", "SMS_OP_HOST": "smsc.example", "SMS_OP_PORT": "2775", "SMS_OP_SYSTEM_ID": "u",
        "SMS_OP_PASSWORD": "p", "SMS_OP_SENDER": "1000",
        "SMS_KAVE_KIND": "kavenegar", "SMS_KAVE_KEY": "k", "SMS_KAVE_SENDER": "1", "SMS_KAVE_URL": "HTTP://10.0.0.5",
    }  # fmt: skip
    told = [message.msg for message in run_checks() if message.id == "sms.E017"]
    assert [name for name in ("'box'", "'op'", "'kave'") if any(name in each for each in told)] == [
        "'box'", "'op'", "'kave'",
    ]  # fmt: skip
    better = {"SMS_BOX_URL": "https://box.example/?to={to}&text={text}", "SMS_OP_TLS": "on", "SMS_KAVE_URL": ""}
    production.SMS_ENVIRONMENT |= better
    assert "sms.E017" not in {message.id for message in run_checks()}
    here = {"SMS_BOX_URL": "http://127.0.0.1/?to={to}&text={text}", "SMS_OP_TLS": "off", "SMS_OP_HOST": "localhost"}
    production.SMS_ENVIRONMENT |= here
    assert "sms.E017" not in {message.id for message in run_checks()}


def test_receipts_do_not_come_in_the_open(production):
    token = secrets.token_urlsafe(32)
    box = "https://box.example/?to={to}&text={text}&dlr={receipt_url}"
    production.SMS_GATEWAYS = ["box"]
    production.SMS_ENVIRONMENT = {"SMS_BOX_KIND": "http", "SMS_BOX_URL": box, "SMS_BOX_RECEIPT_TOKENS": token}
    for scheme, faults in (("http", {"sms.E018"}), ("https", set())):
        production.SMS_ENVIRONMENT["SMS_BOX_RECEIPT_URL"] = f"{scheme}://portal.example/sms/receipts/box/{token}/"
        assert {message.id for message in run_checks() if str(message.id).startswith("sms.E")} == faults


def test_receipts_may_come_by_an_internal_name(production):
    production.SMS_GATEWAYS, production.RECEIPT_HOSTS = ["box"], ["web"]
    production.SMS_ENVIRONMENT = {"SMS_BOX_KIND": "http", "SMS_BOX_RECEIPT_URL": "http://web:8000/sms/receipts/box/t/"}
    assert "sms.E018" not in {each.id for each in run_checks()}


def test_real_service_has_a_budget_or_says_that_it_has_none(production):
    production.SMS_DAILY_BUDGET, production.SMS_BUDGET_IS_SET = 0, False
    assert "sms.E016" in {message.id for message in run_checks()}
    production.SMS_BUDGET_IS_SET = True  # SMS_DAILY_BUDGET=unlimited
    assert "sms.E016" not in {message.id for message in run_checks()}


@pytest.mark.parametrize(
    ("written", "budget", "is_set"), [("", 0, False), ("0", 0, False), ("unlimited", 0, True), ("50000", 50000, True)]
)
def test_how_a_budget_is_written(tmp_path, written, budget, is_set):
    program = "from django.conf import settings as s; print((s.SMS_DAILY_BUDGET, s.SMS_BUDGET_IS_SET))"
    env = {"PATH": os.environ["PATH"], "PORTAL_HOME": str(tmp_path), "SECRET_KEY": "x", "PORTAL_MODE": "demo"}
    env |= {"DJANGO_SETTINGS_MODULE": "tamin_portal.settings"} | ({"SMS_DAILY_BUDGET": written} if written else {})
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.stdout.strip() == str((budget, is_set)), done.stderr


# ── allowing by name


def test_each_is_allowed_by_its_name_alone(production, monkeypatch):
    broken = {
        "https": ("portal.E033", "HTTPS", False),
        "proxies": ("portal.E032", "TRUSTED_PROXIES", ["0.0.0.0/0"]),
        "keys": ("portal.E026", "SECRET_KEY", "s" * 67),
        "database": ("portal.E041", "DATABASES", postgres("db.example.org")["default"]),
        "redis": ("portal.E043", "REDIS_URL", "redis://:word@redis.example.org/0"),
        "mail": ("mail.E004", "MAIL_URL", "smtp://mail.example"),
        "registries": ("identity.E010", "IDENTITY_ENVIRONMENT", {"IDENTITY_UID_URL": "http://uid.example"}),
        "sms": ("sms.E017", "SMS_ENVIRONMENT", {"SMS_BOX_KIND": "http", "SMS_BOX_URL": "http://b/?{to}{text}"}),
        "receipts": ("sms.E018", "SMS_ENVIRONMENT", {"SMS_BOX_KIND": "http", "SMS_BOX_RECEIPT_URL": "http://p/"}),
    }
    assert set(broken) | {"superuser"} == set(unsafe.CONSEQUENCES)
    production.SMS_GATEWAYS, production.IDENTITY_OWNER_REGISTRIES = ["box"], ["uid"]
    production.MAIL_FROM = "portal@tamin.example"
    for name, (fault, setting, value) in broken.items():
        safe = getattr(production, setting)
        with monkeypatch.context() as patch:
            if setting == "DATABASES":  # Django warns of setting it
                patch.setitem(production.DATABASES, "default", value)
            else:
                setattr(production, setting, value)
            for allowed, refused in (("", True), (",".join(unsafe.CONSEQUENCES.keys() - {name}), True), (name, False)):
                production.ALLOW_UNSAFE = allowed.split(",") if allowed else []
                assert (fault in {message.id for message in run_checks()}) == refused, (name, allowed)
        if setting != "DATABASES":
            setattr(production, setting, safe)


def test_a_name_that_is_none_is_refused_everywhere(settings):
    settings.ALLOW_UNSAFE = ["https", "htps", "everything"]
    told = [message for message in run_checks(tags=["portal"]) if message.id == "portal.E060"]
    assert ["htps" in told[0].msg, "everything" in told[1].msg, len(told)] == [True, True, 2]
    assert "superuser" in (told[0].hint or "")


@pytest.mark.django_db
def test_every_start_names_what_is_allowed(production, caplog):
    production.HTTPS, production.ALLOW_UNSAFE, production.SMS_GATEWAYS = False, ["https", "superuser"], ["kavenegar"]
    production.SMS_ENVIRONMENT = {"SMS_KAVENEGAR_KEY": "k", "SMS_KAVENEGAR_SENDER": "1"}
    caplog.set_level(logging.WARNING)
    refuse_unsafe()
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [line.partition(":")[0] for line in lines] == ["ALLOW_UNSAFE has 'https'", "ALLOW_UNSAFE has 'superuser'"]
    assert found() == {"portal.W060"}  # commands print it too


def real_service(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a real installation on SQLite that allows HTTPS to be off."""
    here = {"PATH": os.environ["PATH"], "PORTAL_HOME": str(folder), "DJANGO_SETTINGS_MODULE": "tamin_portal.settings"}
    keys = {name: secrets.token_urlsafe(50) for name in ("SECRET_KEY", "CODE_HASH_KEY", "ANSWER_HASH_KEY")}
    sending = {"SMS_GATEWAYS": "kavenegar", "SMS_KAVENEGAR_KEY": "k", "SMS_KAVENEGAR_SENDER": "1"}
    own = {"PORTAL_MODE": "production", "ALLOWED_HOSTS": "portal.example", "SMS_DAILY_BUDGET": "unlimited"}
    quiet = {"REDIS_URL": "redis://127.0.0.1:1/0", "BIND": "127.0.0.1:0", "HTTPS": "off", "ALLOW_UNSAFE": "https"}
    return here | keys | sending | own | quiet | more


@pytest.mark.startup
@pytest.mark.parametrize(
    "program",
    [
        ["gunicorn"],
        ["celery", "--app=tamin_portal", "worker", "--pool=solo", "--queues=sms"],
        ["celery", "--app=tamin_portal", "beat", "--schedule=/tmp/none", "--pidfile="],
    ],
    ids=["web", "worker", "beat"],
)
def test_web_worker_and_beat_name_it_for_real_and_refuse_without(tmp_path, program):
    """The database was not migrated, so each of them ends; the line comes before."""
    for allowed, line in (("https", "WARNING tamin_portal.startup ALLOW_UNSAFE has 'https'"), ("", "HTTPS is off")):
        env = real_service(tmp_path, ALLOW_UNSAFE=allowed)
        command = [sys.executable, "-m", *program]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert line in done.stderr
        assert ("not migrated" in done.stderr) == (allowed == "https")


@pytest.mark.faults
def test_an_empty_database_is_migrated_and_one_of_an_earlier_version_too(tmp_path):
    """Checks that ask the database run before its tables are there, or as they should be."""
    env = real_service(tmp_path)
    for step in ([], ["portal", "0005"], []):
        command = [sys.executable, "manage.py", "migrate", "-v0", *step]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stderr


# ── the database's role


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
@pytest.mark.django_db(transaction=True)
def test_a_role_that_is_superuser_is_refused_unless_it_is_allowed(production):
    role = f"checks_{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role} NOSUPERUSER")
        try:
            with pytest.raises(ImproperlyConfigured, match=r"is a superuser.*ALLOW_UNSAFE=superuser allows it"):
                refuse_superuser()
            cursor.execute(f"SET SESSION AUTHORIZATION {role}")
            refuse_superuser()
            for powerful in (connection.settings_dict["USER"], "pg_execute_server_program"):
                cursor.execute("RESET SESSION AUTHORIZATION")
                cursor.execute(f"GRANT {powerful} TO {role}")
                cursor.execute(f"SET SESSION AUTHORIZATION {role}")
                with pytest.raises(ImproperlyConfigured, match=f"{role}' is a superuser, .*{powerful}"):
                    refuse_superuser()
                cursor.execute("RESET SESSION AUTHORIZATION")
                cursor.execute(f"REVOKE {powerful} FROM {role}")
            production.ALLOW_UNSAFE = ["superuser"]
            refuse_superuser()
            production.ALLOW_UNSAFE, production.DEMO = [], True
            refuse_superuser()
        finally:
            cursor.execute("RESET SESSION AUTHORIZATION")
            cursor.execute(f"DROP ROLE {role}")
