"""The status of a request, for whoever knows its national ID and tracking code. Nothing about the person."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import F
from django.utils import timezone

from accounts.sign_in import throttle
from common import limits
from common.abuse import conduct
from common.abuse.conduct import Kind
from common.abuse.origins import origin_of
from common.errors import PortalError
from identity.matching import OWNER
from registration.models import Event, Registration
from registration.services import retries, second_chance
from registration.services.transitions import PORTAL
from registration.states import AT_BRANCH, WITHOUT_ACCOUNT, State

_DECIDED = (State.APPROVED, State.AWAITING_BRANCH, State.REFERRED)


class Way(StrEnum):
    """The next step of a person whose request is decided."""

    NONE = ""
    SIGN_IN = "sign_in"
    AGAIN = "again"  # register once more
    CORRECT = "correct"  # come back with a code and correct the request, or give another number
    BRANCH = "branch"


@dataclass(frozen=True)
class Status:
    """The time line of a request. `kind` (owner, identity) only while it is referred; `until`: how long a branch
    can still help, only while one is to be visited. `usual_minutes`: None where nothing honest can be said;
    `waits_for_registry`: an outage, or a question about this one that got no answer, keeps it waiting; `late`: it
    waits longer than others did, or was told so; `correctable`: more than a branch can help, because the citizen may
    still correct it here or give another number."""

    state: State
    tracking_code: str
    kind: str
    received_at: datetime
    resubmitted_at: datetime | None
    decided_at: datetime | None
    usual_minutes: int | None
    waits_for_registry: bool
    late: bool
    correctable: bool
    until: datetime | None

    @property
    def at_branch(self) -> bool:
        """Whether a branch is to be visited."""
        return self.state in AT_BRANCH

    @property
    def way(self) -> Way:
        if self.state in (State.APPROVED, State.SUPERSEDED):
            return Way.SIGN_IN
        if self.at_branch:
            return Way.CORRECT if self.correctable else Way.BRANCH
        return Way.AGAIN if self.state in WITHOUT_ACCOUNT else Way.NONE

    @property
    def checking(self) -> bool:
        return self.state == State.SUBMITTED


def look(*, national_id: str, tracking_code: str, address: str, network: str = "") -> Registration:
    """The request of this pair. A wrong ID and a wrong code are the same to the database and to the caller. `address`:
    the caller's, by which tries and conduct are counted.

    Raises PortalError: sign_in_pause (`seconds`; nothing was compared), status_not_found.
    """
    account = throttle.account_key(kind="status", name=national_id)
    where = throttle.buckets_of_status(address=address, network=network)
    throttle.count_try(account=account, where=where)
    origin = origin_of(address)
    conduct.count(kind=Kind.STATUS, origin=origin)
    row = Registration.objects.filter(national_id=national_id, tracking_code=tracking_code).first()
    if row is None:
        raise PortalError("status_not_found")
    throttle.take_back(account=account, where=where)
    conduct.credit(kind=Kind.STATUS, origin=origin, who=str(row.pk))
    return row


def of(row: Registration) -> Status:
    """Where `row`, which was handed in, is now."""
    state = State(row.state)
    handed_in = row.submitted_at or row.state_since
    checking = state == State.SUBMITTED
    usual = usual_minutes() if checking else None
    outage = checking and (row.verdict in retries.NO_ANSWER or retries.outage())
    late = checking and (row.told_of_delay_at is not None or timezone.now() - handed_in > _longest(usual))
    return Status(
        state=state,
        tracking_code=row.tracking_code or "",
        kind=row.verdict_kind if state == State.REFERRED else "",
        received_at=_first_handed_in(row) if row.revision else handed_in,
        resubmitted_at=handed_in if row.revision else None,
        decided_at=None if checking else row.state_since,
        usual_minutes=None if outage or late else usual,
        waits_for_registry=outage,
        late=late,
        correctable=state == State.REFERRED and _may_correct(row),
        until=row.touched_at + limits.BRANCH_LIFE if state in AT_BRANCH else None,
    )


def usual_minutes() -> int | None:
    """How long the newest decisions took, in whole minutes: their median. None: too few to speak of."""
    decided = Event.objects.filter(
        from_state=State.SUBMITTED,
        to_state__in=_DECIDED,
        actor=PORTAL,
        at__gt=timezone.now() - limits.STATUS_USUAL_WITHIN,
        registration__submitted_at__lte=F("at"),  # a correction that is being checked has no end yet
    )
    times = decided.order_by("-at").values_list("at", "registration__submitted_at")[: limits.STATUS_USUAL_OF]
    took = [(at - submitted).total_seconds() for at, submitted in times if submitted]
    return max(1, math.ceil(statistics.median(took) / 60)) if len(took) >= limits.STATUS_USUAL_AT_LEAST else None


def _longest(usual: int | None) -> timedelta:
    """Past this a check is late: "usually" would be no help any more."""
    return limits.STATUS_LATE_TIMES * timedelta(minutes=usual) if usual else limits.MATCH_TELL_AFTER


def _may_correct(row: Registration) -> bool:
    return row.verdict_kind == OWNER or second_chance.tries_left(national_id=row.national_id) > 0


def _first_handed_in(row: Registration) -> datetime:
    first = row.events.filter(to_state=State.SUBMITTED).order_by("at").values_list("at", flat=True).first()
    return first or row.submitted_at or row.state_since
