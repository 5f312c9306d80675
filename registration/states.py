"""The states of a registration and the legal transitions between them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    STARTED = "started", _("Started")
    MOBILE_CONFIRMED = "mobile_confirmed", _("Mobile confirmed")
    SUBMITTED = "submitted", _("Being checked")
    AWAITING_BRANCH = "awaiting_branch", _("Waiting for activation at a branch")
    REFERRED = "referred", _("Referred to a branch")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    SUPERSEDED = "superseded", _("Superseded")
    EXPIRED = "expired", _("Expired")


TRANSITIONS: dict[State, frozenset[State]] = {
    State.STARTED: frozenset({State.MOBILE_CONFIRMED, State.EXPIRED, State.SUPERSEDED}),
    State.MOBILE_CONFIRMED: frozenset({State.SUBMITTED, State.EXPIRED, State.SUPERSEDED}),
    State.SUBMITTED: frozenset({State.APPROVED, State.AWAITING_BRANCH, State.REFERRED, State.SUPERSEDED}),
    State.AWAITING_BRANCH: frozenset({State.APPROVED, State.REJECTED, State.EXPIRED, State.SUPERSEDED}),
    State.REFERRED: frozenset({State.APPROVED, State.REJECTED, State.SUBMITTED, State.EXPIRED, State.SUPERSEDED}),
    State.APPROVED: frozenset(),
    State.REJECTED: frozenset(),
    State.SUPERSEDED: frozenset(),
    State.EXPIRED: frozenset(),
}
OPEN = tuple(state for state, leads_to in TRANSITIONS.items() if leads_to)
ENDED = tuple(state for state, leads_to in TRANSITIONS.items() if not leads_to)
WITHOUT_ACCOUNT = (State.REJECTED, State.SUPERSEDED, State.EXPIRED)
AT_BRANCH = (State.AWAITING_BRANCH, State.REFERRED)
