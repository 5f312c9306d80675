"""Proof of work for a code that is held: what the page gives the browser to solve, and what its solution lets go."""

from __future__ import annotations

from accounts import asking, codes
from accounts.code_delivery import CodeDelivery, Progress
from accounts.models import Challenge, CodePurpose
from accounts.services import challenges
from tamin_portal.abuse import proof
from tamin_portal.abuse.origins import Origin


def for_place(*, delivery: CodeDelivery | None, purpose: CodePurpose, mobile: str, asker: str, origin: Origin) -> str:
    """What the session of `asker` solves for its held code, as JSON for the page; "": it is not held."""
    if delivery is None or delivery.progress != Progress.HELD:
        return ""
    price = asking.price(origin=origin, mobile=mobile)
    return proof.challenge(target=_place(purpose, mobile, asker), price=price)


def pay_place(*, purpose: CodePurpose, mobile: str, asker: str, solution: str) -> bool:
    """Let the session's held code go, if `solution` is good. True: it went."""
    good = proof.spend(solution=solution, target=_place(purpose, mobile, asker))
    return good and codes.release(purpose=purpose, mobile=mobile, asker=asker)


def for_challenge(*, challenge: Challenge, origin: Origin) -> str:
    """As `for_place`, for a browser that waits for the code of `challenge`: alike for every national ID."""
    if not challenge.is_held:
        return ""
    return proof.challenge(target=_challenge(challenge), price=asking.price(origin=origin))


def pay_challenge(*, challenge: Challenge, solution: str) -> bool:
    """As `pay_place`."""
    return proof.spend(solution=solution, target=_challenge(challenge)) and challenges.release(challenge=challenge)


def _place(purpose: CodePurpose, mobile: str, asker: str) -> str:
    return f"code:{purpose}:{mobile}:{asker}"


def _challenge(challenge: Challenge) -> str:
    return f"challenge:{challenge.token}"
