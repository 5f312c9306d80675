"""Proof of work for held codes: the work that a page gives to the browser, and the release of the code by its solution.

The price is that of the address where the code was asked for, whoever shows the page: otherwise a flood would have its
pages shown to an address of good conduct.
"""

from __future__ import annotations

from accounts.codes import challenges, issuing, requesters
from accounts.codes.delivery import CodeDelivery, Progress
from accounts.models import Challenge, CodePurpose
from common.abuse import proof_of_work


def for_place(*, delivery: CodeDelivery | None, purpose: CodePurpose, mobile: str, asker: str) -> str:
    """The work for the held code of the session of `asker`, as JSON for the page; empty when it is not held."""
    if delivery is None or delivery.progress != Progress.HELD:
        return ""
    price = _price_of_place(purpose, mobile, asker)
    return proof_of_work.challenge(target=_place_target(purpose, mobile, asker), price=price)


def pay_place(*, purpose: CodePurpose, mobile: str, asker: str, solution: str) -> bool:
    """Release the session's held code, if `solution` is valid. True: it was released."""
    good = proof_of_work.spend(solution=solution, target=_place_target(purpose, mobile, asker))
    return good and issuing.release(purpose=purpose, mobile=mobile, asker=asker)


def for_challenge(*, challenge: Challenge) -> str:
    """As `for_place`, for a browser that waits for the code of `challenge`: the same for every national ID."""
    if not challenge.is_held:
        return ""
    return proof_of_work.challenge(target=_challenge_target(challenge), price=_price_of_challenge(challenge))


def pay_challenge(*, challenge: Challenge, solution: str) -> bool:
    """As `pay_place`."""
    good = proof_of_work.spend(solution=solution, target=_challenge_target(challenge))
    return good and challenges.release(challenge=challenge)


def _place_target(purpose: CodePurpose, mobile: str, asker: str) -> str:
    return f"code:{purpose}:{mobile}:{asker}"


def _price_of_place(purpose: CodePurpose, mobile: str, asker: str) -> int:
    origin = issuing.origin_of_held(purpose=purpose, mobile=mobile, asker=asker)
    return requesters.price(origin=origin, mobile=mobile)


def _price_of_challenge(challenge: Challenge) -> int:
    return requesters.price(origin=requesters.of_challenge(challenge).origin)


def _challenge_target(challenge: Challenge) -> str:
    return f"challenge:{challenge.token}"
