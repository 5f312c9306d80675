"""What has to happen next before a service gets its answer. Pure: the views carry it out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from common import limits
from openid.asking import CONSENT, LOGIN, SELECT, Asked
from openid.models import Level


class Step(Enum):
    """`PASSWORD`, `CODE` and `BOTH`: a citizen who is signed in proves it again, or more surely."""

    SIGN_IN = ()
    CHOOSE = ("choose",)
    PASSWORD = ("password",)
    CODE = ("code",)
    BOTH = ("password", "code")
    AGREE = ("agree",)
    ANSWER = ("answer",)


PROOFS = (Step.PASSWORD, Step.CODE, Step.BOTH)  # their values are what the page of `accounts` asks for
# What the service is told where no page may be shown (OpenID Connect Core, 3.1.2.6).
SILENTLY = {
    Step.SIGN_IN: "login_required",
    Step.CHOOSE: "login_required",  # the citizen that the service means is not signed in
    Step.PASSWORD: "login_required",
    Step.CODE: "interaction_required",
    Step.BOTH: "login_required",
    Step.AGREE: "consent_required",
}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the browser: when its citizen proved the password and a code, and what was done for this
    request. `since`: when the browser brought the request; `is_hinted`: whether the citizen is the one that the service
    means (None: it means nobody); `has_agreed`: the citizen agreed before to all that is asked."""

    password_at: datetime
    code_at: datetime | None
    since: datetime
    is_hinted: bool | None = None
    has_chosen: bool = False
    has_agreed: bool = False
    agrees: bool = False

    @property
    def level(self) -> Level:
        return Level.CODE if self.code_at is not None else Level.PASSWORD


def next_step(asked: Asked, known: Known | None, now: datetime) -> Step:
    """The next step; `known` is None where no citizen is signed in."""
    if known is None:
        return Step.SIGN_IN
    # Signed in for this very request. For a while only: at a computer that many use, somebody may have left a request
    # here before the citizen came.
    is_new = known.password_at >= max(known.since, now - limits.OPENID_PROOF_COUNTS)
    meant = SELECT not in asked.prompts and known.is_hinted is not False
    if not (is_new or meant or known.has_chosen):
        return Step.CHOOSE
    too_old = asked.max_age is not None and known.password_at < now - asked.max_age
    password = not is_new and (LOGIN in asked.prompts or too_old)
    code = known.level.rank < asked.needed.rank
    if password or code:
        return Step.BOTH if password and code else Step.PASSWORD if password else Step.CODE
    if known.agrees or (known.has_agreed and CONSENT not in asked.prompts):
        return Step.ANSWER
    return Step.AGREE
