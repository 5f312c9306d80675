"""People who have lost their password, step by step."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import F
from django.test import Client
from django.urls import reverse

from accounts import owner_checks
from accounts.codes import challenges
from accounts.models import AccountEvent, Challenge, CodePurpose, OwnerCheck, User
from accounts.passwords.answers import hash_answer
from common.persian import parse_mobile
from identity.registries.demo import CITIZENS, DemoCitizen, Plot
from tests.support.accounts import citizen
from tests.support.journeys import code_on, let_pass

ANSWER = "آبی آسمانی"
OLD, NEW = "Toranj7sangak!", "Chatr4mesvak!"
BY_PLOT: dict[Plot, DemoCitizen] = {person.plot: person for person in CITIZENS}
REZA = BY_PLOT[Plot.MATCHES]
UNKNOWN = "0012345679"
STEPS = ("recovery_code", "recovery_answer", "recovery_wait", "recovery_password")


def account_of(person: DemoCitizen = REZA, **changes: Any) -> User:
    """An activated account with a security answer."""
    facts = {
        "national_id": person.national_id,
        "mobile": parse_mobile(person.mobile),
        "first_name": person.first_name,
        "last_name": person.last_name,
        "birth_date": person.birth_date,
        "city": "تهران، تهران",
        "password": OLD,
        "security_answer_hash": hash_answer(ANSWER),
    }
    return citizen(**(facts | changes))


class Recoverer(Client):
    """A browser on the recovery pages. Each step posts what its form would post."""

    def step(self, name: str, **typed: str) -> Any:
        return self.post(reverse(name), typed)

    def look(self, name: str) -> Any:
        return self.get(reverse(name))

    def begin(self, national_id: str = REZA.national_id) -> Any:
        """Step one, and the worker has looked."""
        response = self.step("recovery", national_id=national_id)
        challenges.send_due()
        return response

    def prove(self, person: DemoCitizen = REZA) -> Any:
        """Steps one and two, with the code that the phone received."""
        self.begin(person.national_id)
        response = self.step("recovery_code", code=code_on(person.mobile))
        assert response["Location"] == reverse("recovery_answer"), response
        return response

    def answered(self, person: DemoCitizen = REZA) -> Any:
        """And the right answer."""
        self.prove(person)
        response = self.step("recovery_answer", answer=ANSWER)
        assert response["Location"] == reverse("recovery_wait"), response
        return response

    def matched(self, person: DemoCitizen = REZA) -> Recoverer:
        """And the registry has answered."""
        self.answered(person)
        owner_checks.check_due()
        return self

    def new_password(self, password: str = NEW, **more: str) -> Any:
        return self.step("recovery_password", password=password, password_again=password, **more)


def sign_in(password: str) -> bool:
    """Whether somebody gets in with it."""
    response = Client().post("/portal/", {"national_id": REZA.national_id, "password": password})
    return bool(response.status_code == 302)


def clock_moves(span: timedelta) -> None:
    """What the database remembers is `span` older (or younger): the clock was put forward (or back)."""
    let_pass(span)
    Challenge.objects.update(
        created_at=F("created_at") - span, asked_at=F("asked_at") - span, next_attempt_at=F("next_attempt_at") - span
    )
    OwnerCheck.objects.update(created_at=F("created_at") - span, next_attempt_at=F("next_attempt_at") - span)
    AccountEvent.objects.update(at=F("at") - span)
    User.objects.update(password_changed_at=F("password_changed_at") - span)


def row_of(national_id: str = REZA.national_id) -> Challenge:
    """The newest recovery of this ID."""
    return Challenge.objects.filter(national_id=national_id, purpose=CodePurpose.RECOVERY).latest("pk")


def leads_to(response: Any, name: str) -> bool:
    """Whether the browser is sent to this page."""
    return response.status_code == 302 and response["Location"] == reverse(name)


def page_text(response: Any) -> str:
    return str(response.content.decode())
