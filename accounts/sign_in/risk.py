"""Whether a right password alone is enough on a device that is not trusted (`SIGN_IN_CODE`; docs/decisions/0023).

Weighed after the right password only: nobody else can cause a statement, an SMS or an answer here.
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
    """What the tries of a browser are known by: a keyed hash of its CSRF secret; "" for one without.

    Whoever asks can change it at will, so it excuses little: see `asks_for_code`.
    """
    return keyed_hash(_PURPOSE, csrf_secret) if csrf_secret else ""


def keys_of(csrf_secret: str) -> list[str]:
    """What `browser_of` may have been for this browser, under every key."""
    return keyed_hashes(_PURPOSE, csrf_secret) if csrf_secret else []


def requires_code(*, account: User, origin: Origin, this_try: Try, csrf_secret: str) -> bool:
    """Whether `account`, whose password was right, types a code too.

    By the owner's choice or for everybody; under `risk` also from an address under watch, and after failures. Those
    of this browser are excused, but only the first few: else who guesses in one browser would never meet the code.
    Then `this_try` is kept: who was stopped at the code knows the password, and would only have to wait until a good
    sign-in of the owner lets go of the failures.
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
    """Whether `account`, which a code is asked of, would be asked for none without the risk."""
    return settings.SIGN_IN_CODE == "risk" and not account.code_at_sign_in


def clear_failures(*, account: User, keys: Sequence[str]) -> None:
    """A good sign-in in the browser with these `keys_of`: the failures before it count no more, and that it was
    stopped at the code itself. Another browser that was stopped is not let go of. The caller holds the account."""
    since = FailedSignIn.objects.filter(national_id=account.national_id, counts=True)
    since.filter(Q(stopped_at_code=False) | Q(browser__in=keys)).update(counts=False)


def clear_stopped_tries(*, account: User) -> None:
    """Who was stopped at the code knows the password no more. The caller holds the account."""
    FailedSignIn.objects.filter(national_id=account.national_id, stopped_at_code=True).update(counts=False)


def _is_risky(account: User, this_try: Try, own_keys: Sequence[str]) -> bool:
    """By what happened since the last good sign-in. Tries being compared at this moment count: parallel guesses are
    worth no more than one by one."""
    since = FailedSignIn.objects.filter(national_id=account.national_id, counts=True).exclude(pk=this_try.row)
    failed, own = Q(stopped_at_code=False), Q(browser__in=own_keys)
    found = since.aggregate(
        failed=Count("pk", filter=failed),
        own=Count("pk", filter=failed & own),
        stopped=Count("pk", filter=~failed),
    )
    counted = found["failed"] - min(found["own"], limits.SIGN_IN_RISK_OWN_EXCUSED)
    return bool(found["stopped"]) or counted >= limits.SIGN_IN_RISK_FAILURES
