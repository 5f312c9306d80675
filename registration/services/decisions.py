"""Decisions about a registration: approve, refer, reject, supersede; each with its SMS.

Lock order everywhere: first the national ID's name, then rows. So two decisions for one ID wait
for each other and never for each other's rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction

from accounts.life import lifecycle
from accounts.models import Evidence, User
from accounts.sign_in import destinations
from accounts.sign_in.destinations import WayBack
from common.errors import PortalError
from common.leases import lock_names
from identity.matching import IDENTITY
from registration import sms_texts
from registration.matching_sql import Move, Submitted
from registration.models import Registration
from registration.services.transitions import PORTAL, move, move_all, move_locked, move_matched
from registration.states import AT_BRANCH, OPEN, State
from sms import outbox
from sms.models import MessageKind

_SECRETS_GONE: dict[str, Any] = {
    "password": "",
    "security_answer": "",
    "draft": {},
    "next_attempt_at": None,
    "lease": None,
}
_PLAIN = lifecycle.NewAccount.plain()


class Found(NamedTuple):
    """What the check of one registration came to, as its row keeps it. `kind`: the question that decided; `is_crowded`:
    its national ID has another open registration."""

    row: Submitted
    outcome: str
    kind: str
    fields: dict[str, str]
    traces: list[dict[str, Any]]
    is_crowded: bool = False

    @property
    def asked(self) -> str:
        """`kind`, where that question was asked: a check that was refused for lack of tries is none, and uses up no
        try (`second_chance.identity_checks`)."""
        person_asked = any(trace["question"] == "person" for trace in self.traces)
        return self.kind if self.kind != IDENTITY or person_asked else ""

    @property
    def columns(self) -> dict[str, Any]:
        return {
            "verdict": self.outcome,
            "verdict_kind": self.kind,
            "verdict_fields": self.fields,
            "verdict_traces": self.traces,
        }

    def move(self, to: State, *, why: str, asked: str = "", account: int | None = None) -> Move:
        return Move(self.row.pk, account, to.value, why, asked, self.outcome, self.kind, self.fields, self.traces)


def hold_national_id(national_id: str) -> None:
    """Make decisions for this national ID wait for each other, until the transaction ends."""
    hold_national_ids([national_id])


def hold_national_ids(national_ids: Collection[str]) -> None:
    """As `hold_national_id`, for many at once."""
    lock_names([f"national-id:{national_id}" for national_id in national_ids])


def conclude(*, matched: Sequence[Found], unmatched: Sequence[Found]) -> None:
    """Decide about all of these in a few statements: active accounts where the registries agreed, or, with
    ACTIVATION_POLICY=branch, inactive ones; for the others a branch must see the papers, and the guide's SMS says so,
    with the tracking code.

    Who matched and whose national ID has another registration or an account already is decided by itself. The caller
    holds their national IDs, and has locked and read their rows.
    """
    by_branch = settings.ACTIVATION_POLICY == "branch"
    plain = [each for each in matched if by_branch or not each.is_crowded]
    accounts = lifecycle.create_accounts(
        people=[_new_account(each.row) for each in plain], active=not by_branch, evidence=Evidence.REGISTRY
    )
    made = [each for each in plain if each.row.national_id in accounts]
    state = State.AWAITING_BRANCH if by_branch else State.APPROVED
    move_matched(
        [
            *(each.move(state, why="matched", account=accounts[each.row.national_id]) for each in made),
            *(each.move(State.REFERRED, why=each.outcome, asked=each.asked) for each in unmatched),
        ]
    )
    outbox.enqueue_all([*_welcomes([each.row for each in made], by_branch=by_branch), *map(_to_a_branch, unmatched)])
    _decide_singly([each for each in matched if each.row.national_id not in accounts])


def _decide_singly(found: Sequence[Found]) -> None:
    """Where there is an account it stays; else this one wins over the other registrations."""
    rows = Registration.objects.select_related("account").in_bulk([each.row.pk for each in found]) if found else {}
    taken = lifecycle.taken(national_ids=[each.row.national_id for each in found]) if found else set()
    for each in found:
        if each.row.national_id in taken:
            supersede(rows[each.row.pk], why="account_exists")
        else:
            approve(rows[each.row.pk], actor=PORTAL, why="matched", **each.columns)


def _welcomes(rows: Sequence[Submitted], *, by_branch: bool) -> list[outbox.Saying]:
    if by_branch:
        return [_saying(row, "awaiting", sms_texts.activate_at_branch(**_name(row))) for row in rows]
    ways = destinations.ways_back({row.came_from for row in rows})
    return [_saying(row, "approved", sms_texts.account_created(**_name(row), **_way(row, ways))) for row in rows]


def approve(
    row: Registration, *, actor: str, why: str, note: str = "", papers: Sequence[str] = (), **changes: Any
) -> Registration:
    """Give `row` its active account, supersede the others for this national ID, and tell everyone.

    What is being checked, matching alone approves: staff only what waits at a branch.
    Raises PortalError: account_exists (another registration won), illegal_move.
    """
    with transaction.atomic():
        row, waiting = _held(row)
        if actor != PORTAL and row.state not in AT_BRANCH:
            raise PortalError("illegal_move", state=row.state)
        evidence = _evidence(actor, papers)
        if waiting:
            lifecycle.activate_account(user=waiting, evidence=evidence)
        user = waiting or lifecycle.create_account(person=_new_account(row), active=True, evidence=evidence)
        changes |= _SECRETS_GONE | {"account": user}
        row = move_locked(row, State.APPROVED, actor=actor, why=why, note=note, papers=papers, **changes)
        text = sms_texts.activated if waiting else sms_texts.account_created
        tell(row, "approved", text(**_name(row), **_way(row, destinations.ways_back([row.came_from]))))
        _supersede_others(row)
    return row


def reject(row: Registration, *, actor: str, reason: str, papers: Sequence[str] = ()) -> Registration:
    """Reject `row` for a reason; the person may start anew."""
    with transaction.atomic():
        row, waiting = _held(row)
        row = move_locked(
            row, State.REJECTED, actor=actor, why="rejected", note=reason, papers=papers, account=None, **_SECRETS_GONE
        )
        if waiting:
            lifecycle.delete_inactive_account(user=waiting)
        tell(row, "rejected", sms_texts.rejected(**_name(row), reason=reason))
    return row


def supersede(row: Registration, *, why: str) -> Registration:
    """End `row` because another registration for its national ID was approved. A proven number is told, once.

    The grant stays: it opens nothing of an ended row, and its browser reads what happened."""
    with transaction.atomic():
        waiting = row.account
        row = move(row, State.SUPERSEDED, actor=PORTAL, why=why, account=None, **_SECRETS_GONE)
        if waiting:
            lifecycle.delete_inactive_account(user=waiting)
        if row.confirmed_at:
            tell(row, "superseded", sms_texts.superseded(tracking_code=row.tracking_code or ""))
    return row


def _evidence(actor: str, papers: Sequence[str]) -> Evidence | None:
    """What has just proven the person. An administrator's command proves nobody: what a match has proven before
    stays."""
    if papers:
        return Evidence.PAPERS
    return Evidence.REGISTRY if actor == PORTAL else None


def _held(row: Registration) -> tuple[Registration, User | None]:
    """The row, locked, as it is now that its national ID is held, and the inactive account it waits with."""
    hold_national_id(row.national_id)
    row = Registration.objects.select_related("account").select_for_update(of=("self",)).get(pk=row.pk)
    return row, row.account


def tell(row: Registration, what: str, text: str, kind: MessageKind = MessageKind.RESULT) -> None:
    """One SMS to the row's mobile; telling the same thing twice sends one."""
    outbox.enqueue_all([_saying(row, what, text, kind)])


def tell_of_delay(rows: Sequence[Registration]) -> None:
    """Their check takes long: one SMS each, once in each revision."""
    outbox.enqueue_all(
        [
            _saying(
                row,
                f"delayed:{row.revision}",
                sms_texts.delayed(tracking_code=row.tracking_code or "", host=settings.PUBLIC_HOST),
                MessageKind.NOTICE,
            )
            for row in rows
        ]
    )


def _saying(
    row: Registration | Submitted, what: str, text: str, kind: MessageKind = MessageKind.RESULT
) -> outbox.Saying:
    return outbox.Saying(
        to=row.mobile, kind=kind, text=text, dedupe_key=f"registration:{row.pk}:{what}", operator=row.operator
    )


def _to_a_branch(found: Found) -> outbox.Saying:
    row = found.row
    text = sms_texts.visit_branch(**_name(row), tracking_code=row.tracking_code or "", host=settings.PUBLIC_HOST)
    return _saying(row, f"referred:{row.revision}", text)


def _name(row: Registration | Submitted) -> dict[str, str]:
    return {"name": row.full_name, "gender": row.gender}


def _way(row: Registration | Submitted, ways: Mapping[str, WayBack]) -> dict[str, str]:
    """How the SMS leads on to the service from which the citizen came; empty: there is none, or no way to it."""
    way = ways.get(row.came_from)
    return {"service": way.name, "address": settings.PUBLIC_HOST + way.short} if way else {}


def _supersede_others(winner: Registration) -> None:
    others = Registration.objects.filter(national_id=winner.national_id, state__in=OPEN).exclude(pk=winner.pk)
    # First the unproven ones, all at once: strangers can make thousands, and nobody is told of them.
    move_all(others, State.STARTED, State.SUPERSEDED, actor=PORTAL, why="another_approved")
    for other in others.select_related("account").order_by("pk"):
        supersede(other, why="another_approved")


def _new_account(row: Registration | Submitted) -> lifecycle.NewAccount:
    if row.birth_date is None:
        raise ValueError("only a submitted registration can become an account")
    return lifecycle.NewAccount(
        **{name: getattr(row, name) for name in _PLAIN},
        password_hash=row.password,
        security_answer_hash=row.security_answer,
    )
