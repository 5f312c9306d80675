"""`activate_registration` and `reject_registration`: an administrator decides without the desk."""

from __future__ import annotations

import io
import secrets
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from common import limits
from common.errors import PortalError
from registration import texts, tracking
from registration.desk import service as desk
from registration.models import Event, Registration
from registration.states import OPEN, State
from tests.support.accounts import clerk
from tests.support.journeys import MATCHES, PASSWORD, registration_in, texts_on

pytestmark = pytest.mark.django_db
OTHER_MOBILE = "09351112233"
BY = {"by": "مینا راد", "reason": "مدارک حضوری دیده شد"}
COMMANDS = ("activate_registration", "reject_registration")


def run(command: str, which: object, **options: Any) -> str:
    out = io.StringIO()
    call_command(command, str(which), stdout=out, **(BY | options))
    return out.getvalue()


def sentence(code: str, **values: object) -> str:
    return texts.sentence(PortalError(code, **values))


def test_activation_makes_the_account_tells_the_person_and_names_who_did_it(transactional_db):
    row = registration_in(State.REFERRED)

    run("activate_registration", row)

    row.refresh_from_db()
    user = User.objects.get(national_id=MATCHES.national_id)
    assert row.state == State.APPROVED
    assert row.account == user
    assert user.is_active
    assert user.check_password(PASSWORD)
    assert "حساب کاربری شما ایجاد گردید" in texts_on(MATCHES.mobile)[0]
    event = row.events.get()
    assert (event.actor, event.from_state, event.to_state) == ("operator مینا راد", "referred", "approved")
    assert event.note == BY["reason"]


def test_activation_opens_the_account_that_waits_for_a_branch(transactional_db):
    row = registration_in(State.AWAITING_BRANCH)

    run("activate_registration", MATCHES.national_id)

    row.refresh_from_db()
    assert row.state == State.APPROVED
    assert User.objects.get(national_id=MATCHES.national_id).is_active
    assert len(texts_on(MATCHES.mobile)) == 1


def test_rejection_tells_the_person_the_reason(transactional_db):
    row = registration_in(State.REFERRED)

    run("reject_registration", row, reason="کارت ملی  \n متعلق به شخص دیگری است")

    row.refresh_from_db()
    assert row.state == State.REJECTED
    assert not User.objects.exists()
    assert "کارت ملی متعلق به شخص دیگری است" in texts_on(MATCHES.mobile)[0]
    assert row.events.get().why == "rejected"


def test_rejection_of_one_that_waits_takes_its_inactive_account_away():
    row = registration_in(State.AWAITING_BRANCH)

    run("reject_registration", row)

    assert not User.objects.exists()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("by_id", [False, True])
def test_giving_it_twice_is_once(command, by_id, transactional_db):
    row = registration_in(State.REFERRED)
    which = MATCHES.national_id if by_id else row.tracking_code
    run(command, which)

    again = run(command, which, by="another", reason="again")

    assert Event.objects.count() == 1
    assert len(texts_on(MATCHES.mobile)) == 1
    assert "چیزی تغییر نکرد" in again


@pytest.mark.parametrize("typed", ["۱۲۳ ۴۵۶ ۷۸۹۷", "123-456-7897", "١٢٣٤٥٦٧٨٩٧"])
def test_the_tracking_code_may_be_typed_in_any_way(typed):
    row = registration_in(State.REFERRED, tracking_code="1234567897")

    run("activate_registration", typed)

    row.refresh_from_db()
    assert row.state == State.APPROVED


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("state", [state for state in State if state not in (State.REFERRED, State.AWAITING_BRANCH)])
def test_only_what_waits_at_a_branch_can_be_decided(command, state):
    row = registration_in(state)
    decided = {"activate_registration": State.APPROVED, "reject_registration": State.REJECTED}[command]

    if state == decided:
        run(command, row.national_id)
    else:
        with pytest.raises(CommandError) as refused:
            run(command, row.national_id)
        assert str(refused.value) == sentence("not_at_desk", state=state)

    row.refresh_from_db()
    assert row.state == state
    assert not Event.objects.exists()


def test_a_national_id_with_several_requests_is_not_enough():
    mine = registration_in(State.REFERRED)
    strangers = registration_in(State.REFERRED, mobile=OTHER_MOBILE)

    with pytest.raises(CommandError) as refused:
        run("activate_registration", MATCHES.national_id)

    assert mine.tracking_code in str(refused.value)
    assert strangers.tracking_code in str(refused.value)
    assert set(Registration.objects.values_list("state", flat=True)) == {State.REFERRED}

    run("activate_registration", mine.tracking_code)

    mine.refresh_from_db()
    strangers.refresh_from_db()
    assert (mine.state, strangers.state) == (State.APPROVED, State.SUPERSEDED)


def test_rejecting_one_of_several_by_id_twice_never_reaches_the_other():
    registration_in(State.REFERRED)
    registration_in(State.SUBMITTED, mobile=OTHER_MOBILE)

    for _ in range(2):
        with pytest.raises(CommandError):
            run("reject_registration", MATCHES.national_id)

    assert Registration.objects.filter(state__in=OPEN).count() == 2


@pytest.mark.parametrize("typed", ["0070001022", "1234567897", "someone", "' OR 1=1", ""])
@pytest.mark.parametrize("command", COMMANDS)
def test_nobody_by_that_name_is_said_in_a_sentence(command, typed):
    with pytest.raises(CommandError) as refused:
        run(command, typed)

    assert str(refused.value) == sentence("not_found")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("missing", ["by", "reason"])
@pytest.mark.parametrize("instead", [None, "", "   ", "x" * 2001])
def test_who_and_why_are_needed(command, missing, instead):
    row = registration_in(State.REFERRED)
    options = BY | {missing: instead} if instead is not None else {k: v for k, v in BY.items() if k != missing}

    with pytest.raises(CommandError, match=f"--{missing}"):
        call_command(command, row.tracking_code, **options)

    row.refresh_from_db()
    assert row.state == State.REFERRED


@pytest.mark.parametrize(("command", "longest"), [("activate_registration", 2000), ("reject_registration", 300)])
def test_a_long_name_and_a_long_reason_fit(command, longest, transactional_db):
    row = registration_in(State.REFERRED)

    run(command, row, by="ن" * 60, reason="د" * longest)

    event = row.events.get()
    assert event.actor.endswith("ن" * 60)
    assert len(event.note) == longest
    assert len(texts_on(MATCHES.mobile)[0]) <= 900


@pytest.mark.parametrize("length", [limits.REJECTION_REASON_LONGEST + 1, 1900])
def test_a_reason_that_the_sms_cannot_carry_is_refused(length):
    row = registration_in(State.REFERRED)

    with pytest.raises(CommandError) as refused:
        run("reject_registration", row, reason="د" * length)

    row.refresh_from_db()
    assert str(refused.value) == sentence("reason_too_long", most=limits.REJECTION_REASON_LONGEST)
    assert "۳۰۰" in str(refused.value)
    assert row.state == State.REFERRED
    assert not Event.objects.exists()


def test_what_counts_is_the_reason_as_the_sms_has_it(transactional_db):
    row = registration_in(State.REFERRED)

    run("reject_registration", row, reason="د " * 100 + "\n" * 200 + "د " * 50)

    assert "د " * 149 + "د" in texts_on(MATCHES.mobile)[0]


def test_the_desk_refuses_a_reason_that_the_sms_cannot_carry():
    row = registration_in(State.REFERRED)

    with pytest.raises(PortalError, match="reason_too_long"):
        desk.reject(registration=row, revision=0, by=clerk(), reason="د" * (limits.REJECTION_REASON_LONGEST + 1))

    row.refresh_from_db()
    assert row.state == State.REFERRED


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_secret_is_printed(command):
    row = registration_in(State.REFERRED, grant_hash="f" * 64)

    told = run(command, row)

    for secret in (PASSWORD, row.password, row.security_answer, row.grant_hash, row.national_id, row.mobile[3:]):
        assert secret not in told


def test_a_tracking_code_is_never_a_possible_national_id(monkeypatch):
    # 10 digits that pass both check digits are drawn first; whoever types them would mean one of two things.
    both = next(
        code
        for number in range(1000)
        if (code := tracking.parse(f"{MATCHES.national_id[:6]}{number:04d}")) and tracking._is_national_id(code)
    )
    drawn = iter(both[:9] + "123456789")
    monkeypatch.setattr(secrets, "choice", lambda _digits: next(drawn))

    assert tracking.new_code()[:9] == "123456789"
