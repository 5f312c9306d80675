"""The price of a sign-in while very many sign-ins fail: a proof of work, or a place in a queue. The same for every
name.

A browser that the account's owner trusts, or that has just proven the mobile, pays nothing: its tries are counted
separately (`accounts.sign_in.throttle`).
"""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest
from django.middleware.csrf import get_token

from common.abuse import conduct, proof_of_work, turns
from common.abuse.conduct import Kind, Level, Mark
from common.abuse.origins import Origin, origin_of
from common.errors import PortalError
from common.secrets import keyed_hash

_QUEUE = "password"


def to_solve(request: HttpRequest) -> str:
    """The proof of work that the sign-in page gives to the browser, as JSON; empty when none is required."""
    found = conduct.look(kind=Kind.PASSWORD, origin=origin(request))
    return proof_of_work.challenge(target=_browser(request), price=found.price) if found.level == Level.PRESSURE else ""


def charge(request: HttpRequest, *, account: str, solution: str) -> bool:
    """Take the price of one try, before anything is compared or hashed. Returns True when the try was paid for, by a
    proof of work or by waiting. `account`: the keyed hash of the typed name; `solution`: the page's field.

    Raises PortalError("pressure", seconds=…) under pressure without a valid proof; `seconds`: until this browser may
    try without one.
    """
    here = origin(request)
    found = conduct.look(kind=Kind.PASSWORD, origin=here)
    if found.level < Level.PRESSURE:
        return False
    browser = _browser(request)
    name = f"{account}:{browser}"
    if proof_of_work.spend(solution=solution, target=browser, price=found.price):
        turns.leave(queue=_QUEUE, name=name)
        return True
    turns.call(_QUEUE)
    if turns.use(queue=_QUEUE, name=name):
        return True
    # A try that was not paid for counts too: the pressure lasts as long as its cause.
    conduct.count(kind=Kind.PASSWORD, origin=here, is_own_fault=found.address == Level.PRESSURE)
    raise PortalError("pressure", seconds=turns.take(queue=_QUEUE, name=name, origin=here, rank=found.rank))


def refund(request: HttpRequest, *, account: str) -> None:
    """Give back what `charge` took: nothing was compared, so the next try of this browser is paid for already."""
    turns.grant(queue=_QUEUE, name=f"{account}:{_browser(request)}", origin=origin(request))


def count(request: HttpRequest) -> None:
    """Count one password that is compared."""
    conduct.count(kind=Kind.PASSWORD, origin=origin(request))


def credit(request: HttpRequest, *, account: str, known: tuple[Mark, Mapping[int, int]] | None = None) -> None:
    """Count one sign-in that succeeded. `account`: the primary key of the account; `known`: where it is marked, and
    what is marked there, if that has been read."""
    if known:
        conduct.credit_known(kind=Kind.PASSWORD, origin=origin(request), mark=known[0], marked=known[1])
    else:
        conduct.credit(kind=Kind.PASSWORD, origin=origin(request), who=account)


def origin(request: HttpRequest) -> Origin:
    """The address and the network of a request."""
    return origin_of(request.client_address)  # type: ignore[attr-defined]


def _browser(request: HttpRequest) -> str:
    """A keyed hash of the browser's CSRF secret: all that a page and its form share before anybody has a session."""
    get_token(request)
    return keyed_hash("browser of a sign-in", str(request.META.get("CSRF_COOKIE", "")))
