"""A thief with a SIM of their own types somebody else's national ID and guesses the rest: nothing they see, hear or
wait for depends on whether a guess is right."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import limits
from common.models import Breaker
from common.persian import fold_digits
from identity import services as identity
from identity.registries.demo import CITIZENS
from registration.models import Registration
from registration.services import matching, second_chance
from registration.states import State
from tests.support.journeys import DONE, URL, Answers, Browser, code_on, let_pass, texts_on

pytestmark = pytest.mark.django_db(transaction=True)

VICTIM = CITIZENS[2]  # whose ID is right and whose number is never the thief's
RIGHT = Answers.of(VICTIM)
GUESSES = {
    "all right": RIGHT,
    "another family name": Answers.of(VICTIM, last_name="احمدی"),
    "another birth date": Answers.of(VICTIM, birth_year="1361", birth_day="3"),
    "another certificate": Answers.of(VICTIM, certificate_number="99", certificate_serial="1", series_number="9"),
    "all wrong": Answers.of(VICTIM, first_name="نادر", last_name="نوری", birth_year="1340", gender="female"),
}


@dataclass
class Learned:
    """All that comes to a thief's eyes, and what it cost the portal."""

    pages: dict[str, str]
    texts: list[str]
    statements: dict[str, list[str]]
    attempts: int
    moves: list[tuple[str, str, str]]
    tries_left: int


def plain(sql: str) -> str:
    return re.sub(r"'(?:[^']|'')*'|s\d+_x\d+|\b\d+(?:\.\d+)?\b", "?", sql)


def without_what_was_typed(text: str, row: Registration) -> str:
    """The thief knows what they typed, when, and the tracking code they were given."""
    code = row.tracking_code or ""
    text = re.sub(
        r'name="csrfmiddlewaretoken" value="\w+"|<path[^>]*>|\d{2}:\d{2}|data-left="\d+"|data-closes="\d+"| data-final',
        "",
        fold_digits(text),
    )
    for known in (f"{code[:3]} {code[3:6]} {code[6:]}", f"{code[:3]}\u00a0{code[3:6]}\u00a0{code[6:]}", str(row.token)):
        text = text.replace(known, "·")
    return text.replace(f"{row.first_name} {row.last_name}", "·").replace("سرکار خانم", "جناب آقای")


def a_try(number: int, guess: Answers) -> Learned:
    """One registration from the first page to the second chance, with a number of the thief's own."""
    mobile, browser = f"0936000000{number}", Browser()
    browser.step_one(VICTIM, mobile=mobile)
    browser.step_two(code_on(mobile))
    pages, statements = {}, {}
    by_the_clock = Breaker._meta.db_table  # each process looks once a while, whatever is asked

    @contextmanager
    def counted(name: str) -> Iterator[None]:
        with CaptureQueriesContext(connection) as asked:
            yield
        statements[name] = [plain(query["sql"]) for query in asked if by_the_clock not in query["sql"]]

    def look(name: str, path: str) -> None:
        with counted(name):
            pages[name] = browser.get(path, follow=True).content.decode()

    with counted("step three"):
        browser.step_three(guess)
    look("done", DONE)
    look("checking", URL + "/status")
    with counted("matching"):
        matching.match_due()
    look("status", URL + "/status")
    look("pass", URL + "/pass")
    let_pass(timedelta(seconds=61))
    browser.step_one(VICTIM, mobile=mobile)
    browser.step_two(code_on(mobile))
    look("second chance", URL)
    look("correct", URL + "/correct")
    row = Registration.objects.get(national_id=VICTIM.national_id, mobile__endswith=mobile[1:])
    return Learned(
        pages={name: without_what_was_typed(page, row) for name, page in pages.items()},
        texts=[without_what_was_typed(text, row) for text in texts_on(mobile) if "#" not in text],
        statements=statements,
        attempts=row.attempts,
        moves=list(row.events.values_list("to_state", "why", "kind")),
        tries_left=second_chance.tries_left(national_id=VICTIM.national_id),
    )


def load_extracts() -> None:
    """The victim as the registries know them, and the victim's number, which is not the thief's."""
    names = "national_id,first_name,last_name,birth_date,gender"
    certificate = "birth_certificate_number,birth_certificate_series,birth_certificate_serial,deceased"
    person = [VICTIM.national_id, VICTIM.first_name, VICTIM.last_name, VICTIM.born, VICTIM.gender]
    person += [VICTIM.certificate_number, VICTIM.series_letter + VICTIM.series_number, VICTIM.certificate_serial, "0"]
    civil = f"{names},{certificate}\n{','.join(person)}\n"
    identity.load_civil_registry(source=io.BytesIO(civil.encode()))
    owners = f"national_id,mobile\n{VICTIM.national_id},{VICTIM.mobile}\n"
    identity.load_mobile_owners(source=io.BytesIO(owners.encode()))


@pytest.fixture(params=["demo", "local"])
def learned(request, settings) -> dict[str, Learned]:
    settings.IDENTITY_OWNER_REGISTRIES = settings.IDENTITY_PERSON_REGISTRIES = [request.param]
    load_extracts()
    a_try(9, RIGHT)  # what a process does only once is done
    Registration.objects.all().delete()
    tries = {}
    for number, (name, guess) in enumerate(GUESSES.items()):
        tries[name] = a_try(number, guess)
        Registration.objects.all().delete()
    return tries


def test_a_right_guess_and_a_wrong_one_look_the_same(learned):
    first = learned["all right"]
    assert first.moves[-1] == (State.REFERRED, "mismatch", "owner")
    assert len(first.texts) == 1
    for name, other in learned.items():
        assert other.pages == first.pages, name
        assert other.texts == first.texts, name


def test_a_right_guess_and_a_wrong_one_take_the_same_work(learned):
    first = learned["all right"]
    for name, other in learned.items():
        assert other.statements == first.statements, name
        assert (other.attempts, other.moves) == (first.attempts, first.moves), name


def test_the_thief_uses_up_none_of_the_victims_tries(learned):
    assert {each.tries_left for each in learned.values()} == {limits.CORRECTIONS}


def test_what_the_thief_is_told_is_the_number_and_no_field(learned):
    for each in learned.values():
        for page in each.pages.values():
            assert VICTIM.mobile not in page
        for name in ("status", "pass"):
            for secret in (VICTIM.national_id, VICTIM.first_name, VICTIM.last_name):
                assert secret not in each.pages[name]
        assert "تأیید نشد که شماره تلفن همراه به نام شماست" in each.pages["status"]
        assert each.pages["correct"] == each.pages["second chance"]  # the identity is not theirs to correct
