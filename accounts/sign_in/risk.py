"""Decides whether a right password is enough on a device that is not trusted (`SIGN_IN_CODE`; docs/decisions/0023).

It is decided after the right password only: nobody else can cause a statement, an SMS or a different answer here.
"""

from __future__ import annotations

from django.conf import settings

from accounts.models import FailedSignIn, User
from accounts.sign_in import sql
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
    own_keys, mark = keys_of(csrf_secret), conduct.mark_of(kind=Kind.PASSWORD, origin=origin, who=str(account.pk))
    found = sql.risk_of(
        national_id=account.national_id, this_try=this_try.row, browser_keys=own_keys, origin=origin, mark=mark
    )
    this_try.known = mark, found.around.marked
    if found.around.conduct.here >= Level.WATCH or _is_risky(found):
        this_try.stopped_at_code()
        return True
    return False


def is_only_reason(*, account: User) -> bool:
    """Whether `account`, of which a code is required, has to type it only because of the risk."""
    return settings.SIGN_IN_CODE == "risk" and not account.code_at_sign_in


def clear_stopped_tries(*, account: User) -> None:
    """After a new password: tries that were stopped at the code count no more, because their author does not know it.
    The caller has locked the account."""
    FailedSignIn.objects.filter(national_id=account.national_id, stopped_at_code=True).update(counts=False)


def _is_risky(found: sql.Risk) -> bool:
    """Whether the failures since the last good sign-in require a code. Tries that are being compared at this moment
    count too: parallel guesses gain nothing over guesses one by one."""
    counted = found.failed - min(found.own, limits.SIGN_IN_RISK_OWN_EXCUSED)
    return bool(found.stopped) or counted >= limits.SIGN_IN_RISK_FAILURES
