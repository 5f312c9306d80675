"""How the person of an account was proven: what services are told as verified stands on it."""

from __future__ import annotations

import datetime as dt
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.closing import service as closing
from accounts.models import User
from common import limits
from registration.services import matching
from registration.states import State
from tests.support.journeys import MATCHES, OTHER_NAME, Browser, let_pass, registration_in
from tests.support.migrating import migrate, newest

pytestmark = pytest.mark.django_db(transaction=True)
BY = {"by": "mina", "reason": "x"}
SOON = timedelta(minutes=2)
BEFORE = [("registration", "0006_not_in_the_certificate"), ("accounts", "0010_names_of_sessions_and_evidence")]


def account() -> User:
    return User.objects.get(is_staff=False)


def proven(how: str) -> bool:
    found = account()
    at = found.identity_proven_at
    return found.identity_evidence == how and (timezone.now() - at < SOON if how and at else at is None)


def test_a_match_proves_by_the_registries() -> None:
    Browser().register(MATCHES)
    matching.match_due()
    assert account().is_active
    assert proven("registry")


def test_a_clerk_who_saw_the_papers_proves_by_them(maryam) -> None:
    row = Browser().register(OTHER_NAME)
    matching.match_due()
    let_pass(limits.CODE_GAP)
    maryam.send_and_activate(row)
    assert proven("papers")


def test_with_the_branch_policy_the_papers_count_once_they_were_seen(maryam, settings) -> None:
    settings.ACTIVATION_POLICY = "branch"
    row = Browser().register(MATCHES)
    matching.match_due()
    assert proven("registry")
    let_pass(limits.CODE_GAP)
    row.refresh_from_db()
    maryam.send_and_activate(row)
    assert account().is_active
    assert proven("papers")


@pytest.mark.parametrize("policy", ["automatic", "branch"])
def test_a_command_proves_nobody_and_takes_away_no_match(settings, policy) -> None:
    settings.ACTIVATION_POLICY = policy
    row = Browser().register(MATCHES if policy == "branch" else OTHER_NAME)
    matching.match_due()
    call_command("activate_registration", str(row), **BY)
    assert account().is_active
    assert proven("registry" if policy == "branch" else "")


def test_a_match_beside_another_request_of_the_same_id_proves_too() -> None:
    registration_in(State.MOBILE_CONFIRMED, mobile="+989351112233")
    Browser().register(MATCHES)
    matching.match_due()
    assert proven("registry")


def test_a_reopening_with_another_number_changes_nothing() -> None:
    Browser().register(MATCHES)
    matching.match_due()
    before = account()
    closing.deactivate(account=before, **BY)
    closing.reactivate(account=before, mobile="+989351112233", **BY)
    after = account()
    assert (after.identity_evidence, after.identity_proven_at) == ("registry", before.identity_proven_at)


def test_older_accounts_are_told_by_the_events_of_their_registration(an_older_portal: Any, monkeypatch) -> None:
    """Small steps: here one account each."""
    module = __import__("registration.migrations.0007_evidence_of_accounts", fromlist=["_AT_ONCE"])
    monkeypatch.setattr(module, "_AT_ONCE", 1)
    users = an_older_portal.get_model("accounts", "User")
    rows, events = (an_older_portal.get_model("registration", name) for name in ("Registration", "Event"))
    start = dt.datetime(2026, 3, 1, 8, 0, tzinfo=dt.UTC)
    stories = {
        "matched": ([("submitted", "approved", "matched", [])], "registry", 0),
        "papers": (
            [("submitted", "referred", "mismatch", []), ("referred", "approved", "papers_checked", ["national_card"])],
            "papers",
            1,
        ),
        "both": (
            [
                ("submitted", "awaiting_branch", "matched", []),
                ("awaiting_branch", "approved", "papers_checked", ["national_card"]),
            ],
            "papers",
            1,
        ),
        "command after a match": (
            [("submitted", "awaiting_branch", "matched", []), ("awaiting_branch", "approved", "operator", [])],
            "registry",
            0,
        ),
        "command": ([("referred", "approved", "operator", [])], "", None),
        "no registration": ([], "", None),
    }
    for number, (name, (moves, _how, _which)) in enumerate(stories.items()):
        user = users.objects.create(username=name, national_id=f"{number:010}", activated_at=start)
        if not moves:
            continue
        facts = {"national_id": user.national_id, "mobile": "+989121234567", "operator": "mci"}
        row = rows.objects.create(state="approved", account=user, **facts)
        for step, (before, to, why, papers) in enumerate(moves):
            at = start + timedelta(hours=step)
            events.objects.create(
                registration=row, at=at, actor="x", from_state=before, to_state=to, why=why, papers=papers
            )
    migrate(newest())
    for name, (_moves, how, which) in stories.items():
        user = User.objects.get(username=name)
        at = None if which is None else start + timedelta(hours=which)
        assert (user.identity_evidence, user.identity_proven_at) == (how, at), name
