"""Whether a right password alone is enough on a device that is not trusted (`SIGN_IN_CODE`; docs/decisions/0023).

Weighed after the right password only: nobody else can cause a statement, an SMS or an answer here.
"""

from __future__ import annotations

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpRequest

from accounts.models import FailedSignIn, User
from accounts.tips import Try
from tamin_portal import limits
from tamin_portal.abuse import conduct
from tamin_portal.abuse.conduct import Kind, Level
from tamin_portal.abuse.origins import Origin
from tamin_portal.secrets import keyed_hash, keyed_hashes

_PURPOSE = "browser at the sign-in"


def browser_of(request: HttpRequest) -> str:
    """What the tries of this browser are known by: a keyed hash of its CSRF secret; "" for one without.

    Whoever asks can change it at will, so it excuses little: see `asks_for_code`.
    """
    held = _held(request)
    return keyed_hash(_PURPOSE, held) if held else ""


def asks_for_code(request: HttpRequest, *, account: User, origin: Origin, this_try: Try) -> bool:
    """Whether `account`, whose password was right, types a code too; `this_try` is no failure.

    By the owner's choice or for everybody; under `risk` also from an address under watch, and after failures. Those
    of this browser are excused, but only the first few: else who guesses in one browser would never meet the code.
    """
    if account.code_at_sign_in or settings.SIGN_IN_CODE == "always":
        return True
    if settings.SIGN_IN_CODE != "risk" or not account.mobile:
        return False
    if conduct.look(kind=Kind.PASSWORD, origin=origin).here >= Level.WATCH:
        return True
    return _failures(request, account, this_try) >= limits.SIGN_IN_RISK_FAILURES


def is_reason(*, account: User) -> bool:
    """Whether `account`, which a code is asked of, would be asked for none without the risk."""
    return settings.SIGN_IN_CODE == "risk" and not account.code_at_sign_in


def forget(*, account: User) -> None:
    """A good sign-in: the failures before it count no more. The caller holds the account."""
    FailedSignIn.objects.filter(national_id=account.national_id, counts=True).update(counts=False)


def _failures(request: HttpRequest, account: User, this_try: Try) -> int:
    """Since the last good sign-in, without those that are excused. Tries being compared at this moment count: parallel
    guesses are worth no more than one by one."""
    held = _held(request)
    mine = Q(browser__in=keyed_hashes(_PURPOSE, held)) if held else Q(pk__in=[])
    since = FailedSignIn.objects.filter(national_id=account.national_id, counts=True).exclude(pk=this_try.row)
    found = since.aggregate(all=Count("pk"), own=Count("pk", filter=mine))
    return int(found["all"]) - min(int(found["own"]), limits.SIGN_IN_RISK_OWN_EXCUSED)


def _held(request: HttpRequest) -> str:
    return str(request.META.get("CSRF_COOKIE") or "")
