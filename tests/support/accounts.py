"""People and threads for the tests of accounts."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection

from accounts.life.lifecycle import NewAccount, create_account, create_staff
from accounts.models import Branch, User
from accounts.passwords.hashers import PortalArgon2Hasher

REZA = "0012345679"
PASSWORD = "Toranj7sangak!"


def citizen(*, national_id: str = REZA, password: str = PASSWORD, active: bool = True, **changes: Any) -> User:
    facts = {
        "mobile": "+989121234567",
        "first_name": "رضا",
        "last_name": "کریمی",
        "gender": "male",
        "birth_date": dt.date(1991, 8, 8),
        "city": "تهران",
        "email": "reza@example.com",
        "security_question": "favourite_colour",
        "security_answer_hash": "",
    }
    person = NewAccount(**(facts | changes), national_id=national_id, password_hash=make_password(password))
    return create_account(person=person, active=active)


def branch() -> Branch:
    return Branch.objects.get_or_create(code="0042", defaults={"name": "شعبه ۴۲", "city": "شیراز"})[0]


def clerk(username: str = "maryam", password: str = PASSWORD) -> User:
    return create_staff(username=username, password=password, branch=branch(), administrator=False)


def administrator(username: str = "boss", password: str = PASSWORD) -> User:
    return create_staff(username=username, password=password, branch=None, administrator=True)


def together(work: Callable[[int], Any], threads: int) -> list[Any]:
    """Run `work(0)`, `work(1)`, … at the same moment, each in a thread with a connection of its own.

    Returns what each returned or raised, in order.
    """
    results: list[Any] = [None] * threads
    start = threading.Barrier(threads)

    def run(number: int) -> None:
        try:
            start.wait(timeout=20)
            results[number] = work(number)
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in running)
    return results


def spy_on_hashing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The list fills with "encode" and "verify" as the hasher works."""
    work: list[str] = []
    for name in ("encode", "verify"):
        monkeypatch.setattr(PortalArgon2Hasher, name, _noted(work, name, getattr(PortalArgon2Hasher, name)))
    return work


def _noted(work: list[str], name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def noted(self: PortalArgon2Hasher, *args: Any) -> Any:
        work.append(name)
        return real(self, *args)

    return noted
