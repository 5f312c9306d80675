"""A sign-in with a password that is replaced in the very moment in which it is compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.test import Client
from django.utils import timezone

from accounts import backends
from accounts.models import EventKind, TrustedDevice, User
from accounts.passwords.rules import hash_password
from accounts.sign_in import flow as sign_in_flow
from accounts.sign_in import service as sign_in_service
from tests.support.accounts import PASSWORD, REZA, citizen, clerk

pytestmark = pytest.mark.django_db(transaction=True)
PAGE, ADMIN = "/portal/", "/admin/login/"
NEW = "Xyzabc2#"


def an_old_hash(user: User, password: str = PASSWORD) -> None:
    User.objects.filter(pk=user.pk).update(password=make_password(password, hasher="pbkdf2_sha256"))


def replaced(user: User) -> None:
    """Its owner sets another password elsewhere."""
    User.objects.filter(pk=user.pk).update(password=hash_password(NEW), password_changed_at=timezone.now())
    TrustedDevice.objects.filter(account=user).delete()


def once_compared(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """`act` happens right after the password was compared."""
    real = backends.verify_password

    def verify(*args: Any, **options: Any) -> Any:
        found = real(*args, **options)
        act()
        return found

    monkeypatch.setattr(backends, "verify_password", verify)


@pytest.mark.parametrize("who", ["citizen", "staff"])
def test_renewing_an_old_hash_never_writes_over_a_newer_password(who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    user = citizen() if who == "citizen" else clerk()
    an_old_hash(user)
    once_compared(monkeypatch, lambda: replaced(user))
    browser = Client()
    if who == "citizen":
        browser.post(PAGE, {"national_id": REZA, "password": PASSWORD})
    else:
        browser.post(ADMIN, {"username": user.username, "password": PASSWORD})
    user.refresh_from_db()
    assert check_password(NEW, user.password)
    assert not check_password(PASSWORD, user.password)


def test_a_hash_that_another_press_of_the_button_has_renewed_is_no_reason_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = citizen()
    an_old_hash(user)
    renewed = hash_password(PASSWORD)
    once_compared(monkeypatch, lambda: User.objects.filter(pk=user.pk).update(password=renewed) and None)
    browser = Client()
    assert browser.post(PAGE, {"national_id": REZA, "password": PASSWORD}).status_code == 302
    assert browser.get("/portal/home").status_code == 200
    user.refresh_from_db()
    assert user.password == renewed


def test_a_device_is_not_trusted_by_a_password_that_was_just_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    user = citizen()
    real = sign_in_service.record_success

    def late(**facts: Any) -> list[str]:
        replaced(user)
        return real(**facts)

    monkeypatch.setattr(sign_in_flow.sign_in_service, "record_success", late)
    browser = Client()
    answer = browser.post(PAGE, {"national_id": REZA, "password": PASSWORD, "remember": "on"})
    assert answer.status_code == 200
    assert browser.get("/portal/home").status_code == 302
    assert not TrustedDevice.objects.exists()
    assert not user.events.filter(kind__in=(EventKind.SIGNED_IN, EventKind.DEVICE_TRUSTED)).exists()
