"""Creates what a demo begins with: made-up branches, a clerk in the first and an administrator, with random passwords
kept in the home, and a catalogue of made-up services."""

from __future__ import annotations

import json
import os
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from accounts.life.lifecycle import clerk_group, create_staff
from accounts.models import Branch, Service, User
from accounts.passwords.rules import hash_password
from accounts.staff.random_password import random_password

CLERK = "clerk"
ADMINISTRATOR = "operator"  # the name under which homes made before keep the password


def ensure_staff(home: Path) -> tuple[str, str]:
    """Make sure that the demo's staff exist with the passwords of `home`/staff.txt. Returns the clerk's user
    name and password.

    The file (mode 0600, a line `name password` each) is written once; doing it again changes nothing. Raises
    ImproperlyConfigured outside demo mode.
    """
    if not settings.DEMO:
        raise ImproperlyConfigured("demo staff belong to demo mode only")
    passwords = _kept_passwords(home / "staff.txt")
    branch = ensure_branches()
    _ensure(CLERK, passwords[CLERK], branch)
    _ensure(ADMINISTRATOR, passwords[ADMINISTRATOR], None)
    return CLERK, passwords[CLERK]


def ensure_branches() -> Branch:
    """Create the demo's branches, those that are not there yet; returns the clerk's. Raises as `ensure_staff`."""
    if not settings.DEMO:
        raise ImproperlyConfigured("demo branches belong to demo mode only")
    made_up = json.loads(Path(__file__).with_name("demo_branches.json").read_text(encoding="utf-8"))
    branches = [Branch.objects.get_or_create(code=facts["code"], defaults=facts)[0] for facts in made_up]
    return branches[0]


def ensure_services() -> None:
    """Create the demo's services, if no service was ever added. Raises as `ensure_staff`."""
    if not settings.DEMO:
        raise ImproperlyConfigured("demo services belong to demo mode only")
    if not Service.objects.exists():
        made_up = json.loads(Path(__file__).with_name("demo_services.json").read_text(encoding="utf-8"))
        Service.objects.bulk_create(Service(order=10 * n, **facts) for n, facts in enumerate(made_up, start=1))


def _ensure(username: str, password: str, branch: Branch | None) -> None:
    user = User.objects.filter(username=username).first()
    if user is None:
        create_staff(username=username, password=password, branch=branch, administrator=branch is None)
        return
    if not check_password(password, user.password):  # another home's database, or staff.txt was deleted
        user.password = hash_password(password)
        user.save(update_fields=["password"])
    if branch:
        with transaction.atomic():
            user.groups.set([clerk_group()])


def _kept_passwords(file: Path) -> dict[str, str]:
    kept: dict[str, str] = {}
    if file.exists():
        kept = dict(line.split(maxsplit=1) for line in file.read_text(encoding="utf-8").splitlines() if " " in line)
    missing = [name for name in (CLERK, ADMINISTRATOR) if name not in kept]
    if missing:
        kept |= {name: random_password() for name in missing}
        write_privately(file, "".join(f"{name} {password}\n" for name, password in kept.items()))
    return kept


def write_privately(file: Path, text: str) -> None:
    """Write the file completely or not at all, and at no moment readable by others."""
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
    fresh.replace(file)
