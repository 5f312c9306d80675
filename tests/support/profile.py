"""Signed-in citizens, for the tests of the profile: what they post, and what the phone and the mailbox get."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from django.test import Client
from django.utils import timezone

from accounts import owner_checks
from accounts.models import AccountEvent, MobileChange, User
from identity.registries.demo import CITIZENS, DemoCitizen
from mail.models import Letter
from tests.support.accounts import PASSWORD, REZA, citizen
from tests.support.journeys import code_on, texts_on

PROFILE, SIGN_IN = "/portal/profile", "/portal/"
MAIL, MOBILE, PASS, QUESTION, CODE = (
    f"{PROFILE}/{name}" for name in ("email", "mobile", "password", "question", "sign-in-code")
)
MOBILE_CODE, RESEND, WAIT, PROGRESS = (f"{MOBILE}/{name}" for name in ("code", "resend", "wait", "progress"))
NEW, WRONG = "Xyzabc2#", "Wrong1234"
OLD_NUMBER, NEW_NUMBER = "+989121234567", "09351234567"
WHAT_EACH_ASKS = {
    PASS: {"new_password": NEW, "new_password_again": NEW},
    QUESTION: {"security_question": "first_book", "security_answer": "شازده کوچولو"},
    CODE: {"on": "on"},
    MAIL: {"email": "new@example.com"},
    MOBILE: {"operator": "irancell", "mobile": NEW_NUMBER},
}


def sign_in(national_id: str = REZA, password: str = PASSWORD, browser: Client | None = None) -> Client:
    """A browser in which this citizen has signed in."""
    browser = browser or Client()
    answer = browser.post(SIGN_IN, {"national_id": national_id, "password": password})
    assert answer.status_code == 302, answer.content.decode()
    return browser


def owner(**facts: Any) -> tuple[User, Client]:
    """Somebody with an account, signed in."""
    user = citizen(**facts)
    return user, sign_in(user.national_id)


def hand_in(browser: Client, page: str, password: str = PASSWORD, **changes: str) -> Any:
    """Post what the form of `page` asks for, with the password."""
    return browser.post(page, WHAT_EACH_ASKS[page] | {"current_password": password} | changes)


def is_in(browser: Client) -> bool:
    return browser.get(PROFILE).status_code == 200


def errors(page: Any) -> dict[str, list[str]]:
    """The codes of the errors of each field."""
    found = page.context["form"].errors.as_data()
    return {name: [error.code for error in of_it] for name, of_it in found.items()}


def told(page: Any) -> list[str]:
    """The messages that this answer sent along, or shows."""
    return [str(message) for message in page.wsgi_request._messages]


def kinds(user: User) -> list[str]:
    """What happened to the account, without the sign-ins."""
    found = AccountEvent.objects.filter(account=user).exclude(kind__in=("signed_in", "device_trusted"))
    return list(found.order_by("pk").values_list("kind", flat=True))


def type_code(browser: Client, code: str = "", **changes: str) -> Any:
    """Type the code of the new number, as its page asks for it."""
    page = browser.get(MOBILE_CODE)
    change = str(page.context["form"]["change"].value())
    return browser.post(MOBILE_CODE, {"change": change, "code": code or code_on(NEW_NUMBER)} | changes)


def freeze(browser: Client) -> None:
    """Something is changed, and whoever gets the SMS says: it was not me."""
    assert hand_in(browser, QUESTION).status_code == 302
    found = re.search(r"/portal/not-me/\S+", texts_on(OLD_NUMBER)[0])
    assert found
    Client().post(found[0])
    assert not is_in(browser)


def begin_and_prove(browser: Client, mobile: str = NEW_NUMBER) -> None:
    """From the password to the question to the registry."""
    assert hand_in(browser, MOBILE, mobile=mobile)["Location"] == MOBILE_CODE
    assert type_code(browser, code_on(mobile))["Location"] == WAIT


def registry_answers() -> None:
    """The worker asks about all that is due."""
    assert owner_checks.check_due() == 1


def somebody(person: DemoCitizen = CITIZENS[0]) -> tuple[User, Client]:
    """A citizen of whom the demo registry tells this story, signed in."""
    kept = ("first_name", "last_name", "gender", "national_id", "birth_date")
    return owner(**{name: getattr(person, name) for name in kept})


def number_of(user: User) -> str:
    return User.objects.get(pk=user.pk).mobile


def stages() -> list[str]:
    return list(MobileChange.objects.order_by("pk").values_list("stage", flat=True))


class Sent(NamedTuple):
    to: str
    link: str
    expires_at: datetime

    @property
    def path(self) -> str:
        return re.sub(r"^https?://[^/]+", "", self.link)


class Mailbox(Sequence[Sent]):
    """The letters with a link that were queued, in their order."""

    def __getitem__(self, number: Any) -> Any:
        return self._sent()[number]

    def __len__(self) -> int:
        return len(self._sent())

    def __eq__(self, other: object) -> bool:
        return self._sent() == other

    __hash__ = None  # type: ignore[assignment]

    def _sent(self) -> list[Sent]:
        queued = Letter.objects.filter(dedupe_key__startswith="confirm:").order_by("pk")
        return [Sent(row.to, re.findall(r"https?://\S+", row.text)[0], row.expires_at) for row in queued]


@contextmanager
def later(monkeypatch: pytest.MonkeyPatch, **span: float) -> Iterator[None]:
    """The clock, moved."""
    now = timezone.now
    with monkeypatch.context() as moved:
        moved.setattr(timezone, "now", lambda: now() + timedelta(**span))
        yield
