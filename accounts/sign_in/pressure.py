"""What a sign-in costs while very many fail: a proof of work, or a place in a queue. Alike for every name.

Nothing is asked of a browser that its account's owner trusts, or that has just proven the mobile: their tries are
counted by themselves (`accounts.sign_in.throttle`).
"""

from __future__ import annotations

from django.http import HttpRequest
from django.middleware.csrf import get_token

from common.abuse import conduct, proof, turns
from common.abuse.conduct import Kind, Level
from common.abuse.origins import Origin, origin_of
from common.errors import PortalError
from common.secrets import keyed_hash

_QUEUE = "password"


def proof_of_work(request: HttpRequest) -> str:
    """What this sign-in page gives the browser to solve, as JSON; "": nothing is asked."""
    found = conduct.look(kind=Kind.PASSWORD, origin=origin(request))
    return proof.challenge(target=_browser(request), price=found.price) if found.level == Level.PRESSURE else ""


def charge(request: HttpRequest, *, account: str, solution: str) -> bool:
    """Before anything is compared or hashed. `account`: the keyed name that was typed, `solution`: the page's field.

    Raises PortalError("pressure", seconds=…) under pressure without a good proof; `seconds` until this browser may try
    without one. True: it was paid for, by a proof or by waiting.
    """
    here = origin(request)
    found = conduct.look(kind=Kind.PASSWORD, origin=here)
    if found.level < Level.PRESSURE:
        return False
    browser = _browser(request)
    name = f"{account}:{browser}"
    if proof.spend(solution=solution, target=browser, price=found.price):
        turns.leave(queue=_QUEUE, name=name)
        return True
    turns.call(_QUEUE)
    if turns.use(queue=_QUEUE, name=name):
        return True
    # Pressure lasts as long as what causes it.
    conduct.count(kind=Kind.PASSWORD, origin=here, is_own_fault=found.address == Level.PRESSURE)
    raise PortalError("pressure", seconds=turns.take(queue=_QUEUE, name=name, origin=here, rank=found.rank))


def refund(request: HttpRequest, *, account: str) -> None:
    """What `let_through` took was for nothing: the next try of this browser is paid for already."""
    turns.grant(queue=_QUEUE, name=f"{account}:{_browser(request)}", origin=origin(request))


def count(request: HttpRequest) -> None:
    """One more password is compared."""
    conduct.count(kind=Kind.PASSWORD, origin=origin(request))


def credit(request: HttpRequest, *, account: str) -> None:
    """It was right, and its owner, `account`, is in."""
    conduct.credit(kind=Kind.PASSWORD, origin=origin(request), who=account)


def origin(request: HttpRequest) -> Origin:
    """Where a request comes from."""
    return origin_of(request.client_address)  # type: ignore[attr-defined]


def _browser(request: HttpRequest) -> str:
    """All that a page and its answer share before anybody has a session: the browser's CSRF secret."""
    get_token(request)
    return keyed_hash("browser of a sign-in", str(request.META.get("CSRF_COOKIE", "")))
