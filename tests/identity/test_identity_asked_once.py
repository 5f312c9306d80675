"""Each inquiry costs money: what was answered about a claim is not asked again while another question waits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from common import breaker
from identity.models import Inquiries
from registration.models import Registration
from registration.services import matching
from registration.states import State
from tests.support.http_stub import serving
from tests.support.journeys import MATCHES, registration_in
from tests.support.registry_stubs import RegistryStub
from tests.support.registry_stubs.people import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def registry(settings) -> Iterator[RegistryStub]:
    with serving(RegistryStub("jibit")) as stub:
        settings.IDENTITY_OWNER_REGISTRIES = settings.IDENTITY_PERSON_REGISTRIES = ["once"]
        settings.IDENTITY_ENVIRONMENT = {
            "IDENTITY_ONCE_KIND": "jibit",
            "IDENTITY_ONCE_URL": stub.url,
            "IDENTITY_ONCE_TOKEN": "stub",
        }
        yield stub


def submitted(number: int) -> Registration:
    claim = person(number).claim
    names = [name for name in claim.__dataclass_fields__ if name != "mobile"]
    facts = {name: getattr(claim, name) for name in names} | {"next_attempt_at": timezone.now()}
    return registration_in(State.SUBMITTED, person=MATCHES, mobile=claim.mobile, **facts)


def comes_round_again(row: Registration) -> None:
    for name in ("owner", "person"):
        breaker.close(f"identity:once:{name}")
    Registration.objects.filter(pk=row.pk).update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    matching.match_due()
    row.refresh_from_db()


def test_the_owner_is_asked_once_however_long_the_person_cannot_be(registry):
    row = submitted(1)
    registry.behave(person="status-500")
    matching.match_due()
    for _ in range(3):
        comes_round_again(row)
    assert (row.state, row.verdict_kind) == (State.SUBMITTED, "identity")
    registry.behave(person="ok")
    comes_round_again(row)
    assert row.state == State.APPROVED
    assert (len(registry.asked("owner")), len(registry.asked("person"))) == (1, 5)
    # Both questions keep who answered them.
    assert [(trace["question"], trace["reply"]) for trace in row.verdict_traces] == [
        ("owner", "answered"), ("person", "answered"),
    ]  # fmt: skip
    assert row.verdict_fields["mobile"] == "match"


def test_an_owner_who_was_not_told_is_asked_about_again(registry):
    row = submitted(2)
    registry.behave(owner="status-500")
    matching.match_due()
    registry.behave(owner="ok")
    comes_round_again(row)
    assert row.state == State.APPROVED
    assert (len(registry.asked("owner")), len(registry.asked("person"))) == (2, 1)


def test_under_a_cap_as_many_are_decided_each_day_as_it_has_room_for(registry, settings):
    settings.IDENTITY_DAILY_INQUIRIES = 12
    for number in range(100, 107):  # all match
        submitted(number)
    for decided in (6, 7):
        matching.match_due()
        assert Registration.objects.filter(state=State.APPROVED).count() == decided
        Inquiries.objects.all().delete()  # midnight
        Registration.objects.filter(state=State.SUBMITTED).update(next_attempt_at=timezone.now())
    assert (len(registry.asked("owner")), len(registry.asked("person"))) == (7, 7)


def test_an_owner_is_paid_for_once_while_nobody_can_be_asked_about_the_persons(registry):
    registry.behave(person="status-500")
    rows = [submitted(number) for number in range(100, 106)]
    for _ in range(5):
        comes_round_again(rows[0])
        Registration.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    assert sorted(registry.asked("owner")) == sorted(row.national_id for row in rows)


@pytest.mark.parametrize(
    ("question", "behaviour"), [("owner", "said-nationalCode.not_valid"), ("person", "said-new.code")]
)
def test_what_is_of_no_use_for_one_person_is_asked_a_few_times_a_day(registry, question, behaviour):
    row = submitted(3)
    registry.behave(**{question: behaviour})
    pauses = []
    for _ in range(12):
        comes_round_again(row)
        pauses.append((row.next_attempt_at - timezone.now()).total_seconds() / 60)
    assert row.state == State.SUBMITTED
    assert pauses[0] < 20
    assert pauses[-1] > 4 * 60
    assert registry.asked("person" if question == "owner" else "owner") == [row.national_id] * (question == "person")
