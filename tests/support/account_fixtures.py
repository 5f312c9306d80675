"""Fixtures of accounts, of the desk's staff, and of the keys, locks and limits around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.backends.signals import connection_created
from django.test import Client

from accounts.models import User
from common import limits
from common.database import limit_waits
from tests.support.accounts import administrator, citizen, spy_on_hashing
from tests.support.desk import Clerk
from tests.support.production import SAFE
from tests.support.profile import Mailbox

Rotate = Callable[..., None]


@pytest.fixture
def user() -> User:
    """A citizen with an account."""
    return citizen()


@pytest.fixture
def code_by_risk(settings: Any, user: User) -> None:
    """The portal asks for a code at sign-in where it sees a risk."""
    settings.SIGN_IN_CODE = "risk"


@pytest.fixture
def careful_user() -> User:
    """A citizen who wants a code on every new device."""
    account = citizen()
    account.code_at_sign_in = True
    account.save()
    return account


@pytest.fixture
def boss(client: Client) -> Client:
    """The test's client, signed in as an administrator."""
    client.force_login(administrator(), backend="accounts.backends.StaffBackend")
    return client


@pytest.fixture
def maryam() -> Clerk:
    """A clerk at the desk."""
    return Clerk()


@pytest.fixture
def mailbox() -> Mailbox:
    """The letters that ask to confirm an address."""
    return Mailbox()


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What was hashed, in order."""
    return spy_on_hashing(monkeypatch)


@pytest.fixture
def rotate(settings: Any) -> Rotate:
    """Change a key: `keep` its old one as a fallback, or not."""

    def change(name: str = "CODE_HASH_KEY", *, keep: bool = True) -> None:
        before = [getattr(settings, name), *getattr(settings, f"{name}_FALLBACKS")]
        setattr(settings, f"{name}_FALLBACKS", before if keep else [])
        setattr(settings, name, f"key-{len(before)}-" + "n" * 60)

    return change


@pytest.fixture
def production(settings: Any) -> Any:
    """A safe real installation, on which each test breaks one setting."""
    for name, value in SAFE.items():
        setattr(settings, name, value)
    return settings


@pytest.fixture
def quickly_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof of work takes no time."""
    monkeypatch.setattr(limits, "PROOF_TRIALS", 4)
    monkeypatch.setattr(limits, "PROOF_COST", 10)


@pytest.fixture
def waits_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in the web and in workers, but sooner; on SQLite its own time-out."""
    monkeypatch.setattr(limits, "LOCK_WAIT", timedelta(seconds=0.3))
    if connection.vendor == "sqlite":
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.3)
    connection.close()
    limit_waits()
    yield
    connection_created.disconnect(dispatch_uid="limit_waits")
    connection.execute_wrappers.clear()
    connection.close()
