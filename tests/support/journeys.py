"""People going through the portal: browsers that fill in the steps, and rows in any state."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts.models import OneTimeCode, SignInFailures, User
from common.persian import parse_mobile
from identity.person import fields_of
from identity.registries.demo import CITIZENS, DemoCitizen
from registration import tracking
from registration.forms.parts import ContactForm, PersonForm, ReviewForm
from registration.models import Event, Registration
from registration.states import State
from sms.models import InboxMessage, Message
from sms.sending import drain
from tests.support.accounts import citizen as make_account

URL = "/portal/registration"
DONE = "/portal/registration/done"
PASSWORD = "Toranj7sangak!"
MATCHES, OTHER_NAME = CITIZENS[0], CITIZENS[1]


@dataclass(frozen=True)
class Answers:
    """Step three as it is typed."""

    last_name: str
    first_name: str
    certificate_number: str
    certificate_serial: str
    series_letter: str
    series_number: str
    birth_day: str
    birth_month: str
    birth_year: str
    gender: str
    country: str = "IR"
    city: str = "تهران، تهران"
    email: str = "someone@example.com"
    password: str = PASSWORD
    password_again: str = PASSWORD
    security_question: str = "favourite_colour"
    security_answer: str = "آبی آسمانی"
    no_series: str = ""  # the ticks: "on"
    no_serial: str = ""
    no_birth_day: str = ""
    no_birth_month: str = ""

    @classmethod
    def of(cls, person: DemoCitizen, **changes: str) -> Answers:
        year, month, day = person.born.split("/")
        facts = fields_of(person)
        del facts["birth_date"], facts["birth_unknown"]
        ticks = {"no_series": person.series_letter, "no_serial": person.certificate_serial}
        ticks = {name: "" if there else "on" for name, there in ticks.items()}
        answers = cls(**facts, **ticks, birth_day=day, birth_month=str(int(month)), birth_year=year)
        return replace(answers, **changes)


# The parts of step three, and what each asks for.
PARTS = {
    "identity": tuple(PersonForm.base_fields),
    "contact": tuple(ContactForm.base_fields),
    "review": tuple(ReviewForm.base_fields),
}


class Browser(Client):
    """A browser of one citizen. Each step posts what the page's form would post. `query`: behind the address of the
    page, where a service led the citizen there."""

    query = ""

    def step_one(self, person: DemoCitizen = MATCHES, **changes: str) -> Any:
        typed = {"national_id": person.national_id, "operator": "mci", "mobile": person.mobile, "draft": ""}
        return self.post_step("mobile", typed | changes)

    def step_two(self, code: str, **changes: str) -> Any:
        return self.post_step("code", {"code": code, "draft": self.draft()} | changes)

    def step_three(self, answers: Answers, **changes: str) -> Any:
        """All parts of step three, until one of them is not taken; the last answer."""
        typed = vars(answers) | {"draft": self.draft()} | changes
        for part in ("identity", "contact"):
            answer = self.part(part, typed)
            if answer.status_code != 302 or answer.url != URL:
                return answer
        return self.review(typed)

    def part(self, part: str, typed: dict[str, str]) -> Any:
        """One part of step three, with those of the answers `typed` that it asks for."""
        return self.post_step(
            part, {name: typed[name] for name in (*PARTS[part], "draft", "made_for") if name in typed}
        )

    def review(self, typed: dict[str, str]) -> Any:
        """The last part, as the page that is shown now would send it."""
        shown = {"reviewed": hidden(self.get(URL), "review-reviewed")}
        return self.part("review", shown | typed)

    def post_step(self, step: str, values: dict[str, str], **extra: Any) -> Any:
        data = {f"{step}-{name}": value for name, value in values.items()}
        return self.post(URL + self.query, data | {"registration_wizard-current_step": step}, **extra)

    def draft(self) -> str:
        return str(self.session.get("registration", {}).get("token", ""))

    def confirm(self, person: DemoCitizen = MATCHES) -> Any:
        """Steps one and two, with the code the phone received."""
        self.step_one(person)
        return self.step_two(code_on(person.mobile))

    def register(self, person: DemoCitizen = MATCHES, **changes: str) -> Registration:
        """All three steps; the row as it is then."""
        self.confirm(person)
        response = self.step_three(Answers.of(person, **changes))
        assert response.status_code == 302, response.content.decode()
        return row_of(person)


def step_shown(response: Any) -> str:
    """Which step a page is about, as its hidden field says."""
    found = re.search(r'name="registration_wizard-current_step" value="(\w+)"', response.content.decode())
    return found[1] if found else ""


def hidden(page: Any, name: str) -> str:
    """The value of a page's hidden field; empty: there is none."""
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page.content.decode())
    return found[1] if found else ""


def nonce_of(page: Any) -> str:
    """The draft field of a step-one page that a browser without a session got."""
    found = re.search(r'name="mobile-draft"[^>]*value="([^"]+)"', page.content.decode())
    assert found, "step one without a nonce"
    return found[1]


def texts_on(mobile: str) -> list[str]:
    """What the phone has received, newest first, once everything that is due was sent."""
    drain.drain()
    rows = InboxMessage.objects.filter(to=parse_mobile(mobile)).order_by("-pk")
    return list(rows.values_list("text", flat=True))


def code_on(mobile: str) -> str:
    """The newest code the phone received."""
    newest = next(text for text in texts_on(mobile) if re.search(r"#\d{6}$", text))
    return newest[-6:]


def row_of(person: DemoCitizen) -> Registration:
    """The newest registration of this person's pair."""
    rows = Registration.objects.filter(national_id=person.national_id, mobile=parse_mobile(person.mobile))
    return rows.latest("pk")


def registration_in(state: State, *, person: DemoCitizen = MATCHES, mobile: str = "", **changes: Any) -> Registration:
    """A registration that stands in `state`, with what it would hold by then. No SMS, no events."""
    facts: dict[str, Any] = {
        "state": state,
        "national_id": person.national_id,
        "mobile": parse_mobile(mobile or person.mobile),
        "operator": "mci",
    }
    if state != State.STARTED:
        facts["confirmed_at"] = timezone.now()
    if state not in (State.STARTED, State.MOBILE_CONFIRMED):
        facts |= _submitted(person)
    if state in (State.APPROVED, State.AWAITING_BRANCH):
        facts["account"] = account_of(person, active=state == State.APPROVED, mobile=facts["mobile"])
    return Registration.objects.create(**(facts | changes))


def write_event(row: Registration, *, before: str, why: str, kind: str = "") -> None:
    """As if the portal had moved `row` from the state `before` to the one that it is in."""
    Event.objects.create(registration=row, actor="portal", from_state=before, to_state=row.state, why=why, kind=kind)


def account_of(person: DemoCitizen, *, active: bool = True, mobile: str = "") -> User:
    return make_account(
        national_id=person.national_id,
        mobile=mobile or parse_mobile(person.mobile),
        first_name=person.first_name,
        last_name=person.last_name,
        gender=person.gender,
        password=PASSWORD,
        active=active,
    )


def _submitted(person: DemoCitizen) -> dict[str, Any]:
    return {
        **fields_of(person),
        "country": "IR",
        "city": "تهران، تهران",
        "email": "someone@example.com",
        "security_question": "favourite_colour",
        "security_answer": make_password("آبی"),
        "password": make_password(PASSWORD),
        "tracking_code": tracking.new_code(),
        "submitted_at": timezone.now(),
        "next_attempt_at": None,
    }


def let_pass(span: timedelta) -> None:
    """Move what the database remembers of codes and of pauses into the past, as if `span` had gone by."""
    OneTimeCode.objects.update(created_at=F("created_at") - span, next_attempt_at=F("next_attempt_at") - span)
    Message.objects.update(
        created_at=F("created_at") - span, sent_at=F("sent_at") - span, expires_at=F("expires_at") - span
    )
    SignInFailures.objects.update(last_at=F("last_at") - span, blocked_until=F("blocked_until") - span)
