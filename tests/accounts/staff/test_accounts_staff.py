"""Staff come from a command, or in a demo from the home."""

from __future__ import annotations

import io
import re
import stat
from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.demo import ensure_staff
from accounts.models import Branch, User
from accounts.passwords.rules import faults
from accounts.passwords.strength import About
from accounts.staff.random_password import random_password
from tests.support.accounts import PASSWORD, branch, clerk

pytestmark = pytest.mark.django_db


def add_staff(*arguments: str) -> str:
    out = io.StringIO()
    call_command("add_staff", *arguments, stdout=out)
    return out.getvalue()


def printed_password(output: str) -> str:
    found = re.search(r"Password, shown only now: (\S+)", output)
    assert found
    return found[1]


def test_a_demo_home_gets_a_clerk_and_an_administrator_with_random_passwords(tmp_path: Path) -> None:
    username, password = ensure_staff(tmp_path)
    file = tmp_path / "staff.txt"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = dict(line.split() for line in file.read_text().splitlines())
    assert kept.keys() == {"clerk", "operator"}
    assert kept["clerk"] == password
    clerk = authenticate(None, username=username, password=password)
    assert clerk
    assert clerk.branch == Branch.objects.get(name="شعبه نمونه")
    assert clerk.get_all_permissions() == {"registration.work_the_desk", "registration.view_registration"}
    boss = authenticate(None, username="operator", password=kept["operator"])
    assert boss
    assert boss.is_superuser


def test_preparing_a_demo_again_changes_nothing(tmp_path: Path) -> None:
    first = ensure_staff(tmp_path)
    rows = list(User.objects.order_by("pk").values())
    assert ensure_staff(tmp_path) == first
    assert list(User.objects.order_by("pk").values()) == rows


def test_a_home_that_lost_its_file_gets_new_passwords_that_work(tmp_path: Path) -> None:
    _, old = ensure_staff(tmp_path)
    (tmp_path / "staff.txt").unlink()
    username, new = ensure_staff(tmp_path)
    assert new != old
    assert authenticate(None, username=username, password=new)
    assert authenticate(None, username=username, password=old) is None


def test_outside_demo_mode_there_are_no_demo_staff(tmp_path: Path, settings) -> None:
    settings.DEMO = False
    with pytest.raises(ImproperlyConfigured):
        ensure_staff(tmp_path)
    assert not User.objects.exists()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--administrator", "--operator"])  # the second is the name of before
def test_an_administrator_and_a_clerk_are_added_by_a_command(option: str) -> None:
    boss = authenticate(None, username="boss", password=printed_password(add_staff("--username=boss", option)))
    assert boss
    assert boss.is_superuser
    output = add_staff("--username=maryam", f"--branch={branch().code}")
    clerk = authenticate(None, username="maryam", password=printed_password(output))
    assert clerk
    assert not clerk.is_superuser
    assert clerk.branch == branch()
    assert clerk.has_perm("registration.work_the_desk")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--username=maryam"], "belongs to a branch"),
        (["--username=maryam", "--branch=9999"], "no branch with the code 9999"),
        (["--username=boss", "--administrator"], "taken"),
    ],
)
def test_a_command_that_cannot_be_done_says_why_and_adds_nobody(arguments: list[str], says: str) -> None:
    add_staff("--username=boss", "--administrator")
    with pytest.raises(CommandError, match=says):
        add_staff(*arguments)
    assert User.objects.count() == 1


@pytest.mark.parametrize("typed", [["weak", "weak"], ["Password1!", "Password1!"], ["Toranj7sangak!", "Abcdefg2!"]])
def test_an_asked_password_is_held_to_the_guides_rules_and_typed_twice(monkeypatch, typed: list[str]) -> None:
    answers = iter(typed)
    monkeypatch.setattr("accounts.management.commands.add_staff.getpass", lambda prompt: next(answers))
    with pytest.raises(CommandError):
        add_staff("--username=boss", "--administrator", "--ask-password")
    assert not User.objects.exists()


def test_an_asked_password_works_and_is_not_printed(monkeypatch) -> None:
    monkeypatch.setattr("accounts.management.commands.add_staff.getpass", lambda prompt: "Toranj7sangak!")
    assert "Toranj7sangak!" not in add_staff("--username=boss", "--administrator", "--ask-password")
    assert authenticate(None, username="boss", password="Toranj7sangak!")


def test_a_random_password_meets_the_guides_rules() -> None:
    made = {random_password() for _ in range(100)}
    assert len(made) == 100
    assert not any(faults(password, About()) for password in made)


@pytest.mark.parametrize(
    "typed", ["clerk۱۲", "clerk١٢", " clerk12 ", "\u202aclerk12\u202c", "clerk\u00ad12", "clerk12\ufeff"]
)
def test_a_user_name_is_known_in_any_digits_and_with_signs_that_nobody_sees(client: Client, typed: str) -> None:
    clerk("clerk12")
    response = client.post("/admin/login/", {"username": typed, "password": PASSWORD})
    assert response.status_code == 302
    call_command("reset_totp", typed, by="boss", reason="phone lost", stdout=io.StringIO())


def test_what_nobody_sees_in_a_new_password_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.management.commands.add_staff.getpass", lambda _prompt: f"{PASSWORD} ")
    with pytest.raises(CommandError, match="فاصله"):
        add_staff("--username", "zahra", "--administrator", "--ask-password")
    assert not User.objects.filter(username="zahra").exists()
