"""`purge`: what is past its time goes, and a dry run says the same and does nothing."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.codes import issuing
from accounts.models import (
    AccountEvent,
    Challenge,
    CodePurpose,
    EmailChange,
    EventKind,
    FailedSignIn,
    FreezeLink,
    MobileChange,
    OneTimeCode,
    OwnerCheck,
    Session,
    SignInFailures,
    TrustedDevice,
    User,
)
from accounts.sessions.store import SessionStore
from common import limits, purging
from common.abuse import conduct
from common.models import Alarm, PostCount, SpentProof, Tally, Turn
from identity.models import Extract, ExtractKind, ExtractState
from mail.models import Letter, LetterState
from openid.models import (
    AuthenticationFailure,
    AuthorizationRequest,
    EndReason,
    Grant,
    LogoutNotice,
    LogoutState,
    Token,
    Usage,
    UsedAssertion,
)
from registration.models import Registration
from registration.states import State
from sms.models import InboxMessage, Message, Receipt
from sms.sending import drain
from tests.support import openid
from tests.support.accounts import citizen
from tests.support.journeys import CITIZENS, let_pass, registration_in

PROOFS = (Challenge, OwnerCheck, MobileChange, EmailChange, FreezeLink, FailedSignIn, TrustedDevice)
OPENID = (AuthorizationRequest, UsedAssertion, AuthenticationFailure, LogoutNotice, Token, Usage)
pytestmark = pytest.mark.django_db(transaction=True)


def purge(**options: Any) -> str:
    out = io.StringIO()
    call_command("purge", stdout=out, **options)
    return out.getvalue()


def counts(told: str) -> dict[str, int]:
    """What was printed, by kind."""
    lines = [line.split(maxsplit=1) for line in told.splitlines()]
    numbers = {line[1]: int(line[0]) for line in lines if line[0].isdecimal()}
    return {step.kind: numbers[str(step.words)] for step in purging.steps()}


def make_one_of_each() -> None:
    """One of everything that is past its time, and its young counterpart."""
    now = timezone.now()
    ages = {
        State.STARTED: limits.STARTED_LIFE,
        State.MOBILE_CONFIRMED: limits.CONFIRMED_LIFE,
        State.REFERRED: limits.BRANCH_LIFE,
        State.AWAITING_BRANCH: limits.BRANCH_LIFE,
        State.EXPIRED: limits.DRAFTS_KEPT,
    }
    for person, (state, age) in zip(CITIZENS, ages.items(), strict=False):
        registration_in(
            state,
            person=person,
            touched_at=now - age - timedelta(seconds=1),
            state_since=now - age - timedelta(seconds=1),
        )
        registration_in(
            state,
            person=CITIZENS[5],
            mobile=person.mobile,
            touched_at=now - age + timedelta(hours=1),
            state_since=now - age + timedelta(hours=1),
        )
    for person, since in ((CITIZENS[6], now - limits.WAY_BACK_KEPT), (CITIZENS[5], now)):
        registration_in(State.APPROVED, person=person, came_from="a service", state_since=since)
    for old in (True, False):
        mobile = "+989120000999" if old else "+989120000998"
        issuing.issue(purpose=CodePurpose.REGISTER, mobile=mobile, asker="someone")
        drain.drain()
        if old:
            let_pass(limits.CODES_KEPT + timedelta(seconds=1))
            Message.objects.update(final_at=now - limits.MESSAGE_BODY_KEPT - timedelta(seconds=1))
        long_ago = now - timedelta(days=30) if old else now
        SignInFailures.objects.create(account=mobile, device="x", last_at=long_ago)
        PostCount.objects.create(address=mobile, minute=int(long_ago.timestamp() // 60), posts=1)
        counted = now - limits.CONDUCT_KEPT - limits.CONDUCT_SLOT if old else now
        Tally.objects.create(scope=mobile, slot=conduct.slot_of(counted), tried=1)
        SpentProof.objects.create(nonce=mobile, used_at=counted)
        Turn.objects.create(queue="code", name=mobile, network="n", rank=0, created_at=counted)
        Extract.objects.create(kind=ExtractKind.CIVIL, state=ExtractState.RETIRED if old else ExtractState.CURRENT)
        for number, age in enumerate((limits.MAIL_BODY_KEPT, limits.MAIL_KEPT)):
            letter = Letter.objects.create(
                dedupe_key=f"{old} {number}", message_id=f"{old} {number}", state=LetterState.FAILED,
                subject="" if number else "x", final_at=now - age if old else now,
            )  # fmt: skip
            Letter.objects.filter(pk=letter.pk).update(created_at=now - age if old else now)
        kept = Receipt.objects.create(gateway="one", body=b"")
        Receipt.objects.filter(pk=kept.pk).update(received_at=now - (limits.RECEIPTS_KEPT if old else timedelta(0)))
        Alarm.objects.create(code="budget", subject=mobile[-1], ended_at=now - limits.ALARMS_KEPT if old else None)
        make_proofs(mobile, limits.PROOFS_KEPT + timedelta(seconds=1) if old else timedelta(0))
        make_grant(mobile, now - limits.OPENID_REQUESTS_KEPT - limits.LOGOUT_KEPT if old else now + timedelta(hours=1))
        session = SessionStore()
        session.set_expiry(-60 if old else 60)
        session.create()


def make_proofs(mobile: str, age: timedelta) -> None:
    """What the life of an account leaves behind, `age` ago; the device a year before that."""
    account = citizen(national_id=mobile[-10:], mobile=mobile, active=False)
    then = timezone.now() - age
    challenge = Challenge.objects.create(purpose="recovery", national_id=account.national_id, created_at=then)
    OwnerCheck.objects.create(account=account, mobile=mobile, challenge=challenge)
    MobileChange.objects.create(account=account, mobile=mobile, created_at=then)
    EmailChange.objects.create(account=account, email="a@example.com", token_hash=mobile, created_at=then)
    event = AccountEvent.objects.create(account=account, kind=EventKind.SIGNED_IN, actor="citizen")
    FreezeLink.objects.create(account=account, event=event, token_hash=mobile, created_at=then)
    FailedSignIn.objects.create(national_id=account.national_id, created_at=then, counts=False)
    used = then - limits.TRUSTED_FOR + timedelta(hours=1)
    TrustedDevice.objects.create(account=account, secret_hash=mobile, used_at=used)


def make_grant(mobile: str, ends: datetime) -> None:
    """What a sign-in to a connected service leaves behind, all of which ends then."""
    service, account = openid.service().row, User.objects.get(mobile=mobile)
    names = {"handle_hash": mobile, "service": service, "expires_at": ends}
    AuthorizationRequest.objects.create(parameters={}, **names)
    UsedAssertion.objects.create(service=service, jti_hash=mobile, expires_at=ends)
    counted = timezone.localdate(ends) - limits.OPENID_USAGE_KEPT if ends < timezone.now() else timezone.localdate()
    Usage.objects.create(service=service, day=counted, what="token")
    AuthenticationFailure.objects.create(who=mobile, minute=int(ends.timestamp() // 60), count=1)
    LogoutNotice.objects.create(
        service=service, sid=mobile, subject="x", reason=EndReason.SIGNED_OUT, state=LogoutState.TOLD, final_at=ends
    )
    for name in ("its token alone", "itself"):
        grant = Grant.objects.create(
            account=account, service=service, sid=mobile, portal_sid=mobile, scope="openid", redirect_uri="x",
            code_challenge="x", acr="x", auth_time=ends, code_hash=f"{mobile} {name}", code_expires_at=ends,
            expires_at=ends if name == "itself" else timezone.now() + timedelta(hours=1),
        )  # fmt: skip
        if name != "itself":
            Token.objects.create(grant=grant, kind="access", token_hash=mobile, scope="openid", expires_at=ends)


EXPECTED = {
    "expired": 4,
    "secrets_and_drafts": 1,
    "ways_back": 1,
    "codes": 1,
    "proofs": 6,
    "extracts": 1,
    "message_texts": 1,
    "letter_texts": 1,
    "letters": 1,
    "receipts": 1,
    "alarms": 1,
    "sign_in_failures": 1,
    "sessions": 1,
    "conduct": 1,
    "proofs_of_work": 1,
    "turns": 1,
    "post_counts": 1,
    "openid_tokens": 1,
    "openid_grants": 1,
    "openid_requests": 1,
    "sign_outs_told": 1,
    "openid_assertions": 1,
    "openid_failures": 1,
    "openid_usage": 1,
}


def everything() -> list[object]:
    models = (
        Registration,
        User,
        OneTimeCode,
        Message,
        SignInFailures,
        PostCount,
        Tally,
        SpentProof,
        Turn,
        Session,
        Extract,
        Receipt,
        Alarm,
        Letter,
        *OPENID,
    )
    return [list(model.objects.order_by("pk").values()) for model in (*models, *PROOFS, AccountEvent)]


def test_a_dry_run_says_what_would_be_done_and_does_nothing():
    make_one_of_each()
    before = everything()

    told = purge(dry_run=True)

    assert counts(told) == EXPECTED
    assert everything() == before


def test_a_purge_does_what_the_dry_run_said_and_leaves_the_young():
    make_one_of_each()

    assert counts(purge()) == EXPECTED

    young = Registration.objects.filter(national_id=CITIZENS[5].national_id)
    assert set(young.values_list("state", flat=True)) == set(State) & {
        State.STARTED, State.MOBILE_CONFIRMED, State.REFERRED, State.AWAITING_BRANCH, State.EXPIRED, State.APPROVED,
    }  # fmt: skip
    old = Registration.objects.exclude(national_id=CITIZENS[5].national_id)
    assert set(old.values_list("state", flat=True)) == {State.EXPIRED, State.APPROVED}
    assert User.objects.count() == 5  # the inactive account of the one that still waits, two active, those with proofs
    assert list(Registration.objects.exclude(came_from="").values_list("state", "national_id")) == [
        (State.APPROVED, CITIZENS[5].national_id),
    ]
    assert {model.__name__: model.objects.count() for model in PROOFS} == {model.__name__: 1 for model in PROOFS}
    assert AccountEvent.objects.count() == 2  # the history stays
    assert {model.__name__: model.objects.count() for model in OPENID} == {model.__name__: 1 for model in OPENID}
    assert Grant.objects.count() == 3
    assert OneTimeCode.objects.count() == Session.objects.count() == Extract.objects.count() == 1
    assert Receipt.objects.count() == Alarm.objects.count() == 1
    assert sorted(Letter.objects.values_list("dedupe_key", "subject")) == [
        ("False 0", "x"), ("False 1", ""), ("True 0", ""),
    ]  # fmt: skip
    assert SignInFailures.objects.count() == PostCount.objects.count() == 1
    assert list(Message.objects.exclude(text="").values_list("to", flat=True)) == ["+989120000998"]
    assert InboxMessage.objects.filter(text="").count() == 0


def test_what_an_ended_request_held_is_blank_and_its_history_stays():
    long_ago = timezone.now() - limits.DRAFTS_KEPT - timedelta(seconds=1)
    row = registration_in(State.REJECTED, state_since=long_ago, draft={"city": "تهران"}, came_from="a service")
    row.events.create(actor="clerk", from_state="referred", to_state="rejected", why="rejected")

    purge()

    row.refresh_from_db()
    assert (row.password, row.security_answer, row.last_name, row.email, row.draft, row.came_from) == (
        "",
        "",
        "",
        "",
        {},
        "",
    )
    assert row.birth_date is None
    assert row.tracking_code
    assert row.events.count() == 1


def test_an_approved_one_is_never_touched():
    row = registration_in(State.APPROVED, state_since=timezone.now() - timedelta(days=3650))
    before = everything()

    assert set(counts(purge()).values()) == {0}

    assert everything() == before
    assert row.account.is_active


def test_a_second_purge_finds_nothing():
    make_one_of_each()
    purge()

    assert set(counts(purge()).values()) == {0}


def test_the_steps_of_all_apps_run_in_their_places():
    assert list(purging.run_all(dry_run=True)) == list(EXPECTED)


@pytest.mark.parametrize(("kind", "place"), [("codes", 1), ("somebody_else", 30)])
def test_no_step_takes_the_kind_or_the_place_of_another(kind, place):
    before = purging.steps()

    with pytest.raises(ValueError, match="codes at 30 is registered"):
        purging.register(kind, "", place=place, work=lambda run: 0)

    assert purging.steps() == before
