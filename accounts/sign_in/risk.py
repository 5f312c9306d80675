"""Decides whether a right password is enough on a device that is not trusted (`SIGN_IN_CODE`; docs/decisions/0023).

It is decided after the right password only: nobody else can cause a statement, an SMS or a different answer here.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.db.models import Count, Q

from accounts.models import FailedSignIn, User
from accounts.sign_in.refusals import Try
from common import limits
from common.abuse import conduct
from common.abuse.conduct import Kind, Level
from common.abuse.origins import Origin
from common.secrets import keyed_hash, keyed_hashes

_PURPOSE = "browser at the sign-in"


def browser_of(csrf_secret: str) -> str:
    """The keyed hash of a browser's CSRF secret, by which its tries are known; empty for a browser without one.

    A browser can change its secret at will, so the hash excuses few failures: see `requires_code`.
    """
    return keyed_hash(_PURPOSE, csrf_secret) if csrf_secret else ""


def keys_of(csrf_secret: str) -> list[str]:
    """The values that `browser_of` may have had for this browser: one for each hash key."""
    return keyed_hashes(_PURPOSE, csrf_secret) if csrf_secret else []


def requires_code(*, account: User, origin: Origin, this_try: Try, csrf_secret: str) -> bool:
    """Whether `account`, whose password was right, has to type a code too.

    A code is required by the owner's choice, or of everybody. Under `risk` it is also required from an address under
    watch, and after failures. The first few failures of this browser are excused, and no more: otherwise a guesser who
    uses one browser would never be asked for the code. A try that is stopped at the code is kept (`this_try`): its
    author knows the password, and would only have to wait until the owner's next sign-in clears the failures.
    """
    if account.code_at_sign_in or settings.SIGN_IN_CODE == "always":
        return True
    if settings.SIGN_IN_CODE != "risk" or not account.mobile:
        return False
    watched = conduct.look(kind=Kind.PASSWORD, origin=origin).here >= Level.WATCH
    if watched or _is_risky(account, this_try, keys_of(csrf_secret)):
        this_try.stopped_at_code()
        return True
    return False


def is_only_reason(*, account: User) -> bool:
    """Whether `account`, of which a code is required, has to type it only because of the risk."""
    return settings.SIGN_IN_CODE == "risk" and not account.code_at_sign_in


def clear_failures(*, account: User, keys: Sequence[str]) -> None:
    """After a good sign-in in the browser with these `keys_of`: the failures before it count no more, and neither do
    tries of this browser that were stopped at the code. Stopped tries of other browsers go on counting. The caller has
    locked the account."""
    since = FailedSignIn.objects.filter(national_id=account.national_id, counts=True)
    since.filter(Q(stopped_at_code=False) | Q(browser__in=keys)).update(counts=False)


def clear_stopped_tries(*, account: User) -> None:
    """After a new password: tries that were stopped at the code count no more, because their author does not know it.
    The caller has locked the account."""
    FailedSignIn.objects.filter(national_id=account.national_id, stopped_at_code=True).update(counts=False)


def _is_risky(account: User, this_try: Try, own_keys: Sequence[str]) -> bool:
    """Whether the failures since the last good sign-in require a code. Tries that are being compared at this moment
    count too: parallel guesses gain nothing over guesses one by one."""
    since = FailedSignIn.objects.filter(national_id=account.national_id, counts=True).exclude(pk=this_try.row)
    failed, own = Q(stopped_at_code=False), Q(browser__in=own_keys)
    found = since.aggregate(
        failed=Count("pk", filter=failed),
        own=Count("pk", filter=failed & own),
        stopped=Count("pk", filter=~failed),
    )
    counted = found["failed"] - min(found["own"], limits.SIGN_IN_RISK_OWN_EXCUSED)
    return bool(found["stopped"]) or counted >= limits.SIGN_IN_RISK_FAILURES
