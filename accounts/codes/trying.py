"""Tries a typed one-time code, and uses it up.

What a session types is compared with the codes of that session only (docs/decisions/0031). Each try is counted in the
database before it is compared.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.codes import requesters, sql
from accounts.codes.validity import hash_purpose, live_codes, oldest, seconds_left
from accounts.models import Allowance, CodePurpose, OneTimeCode
from common import limits
from common.errors import PortalError
from common.persian import fold_number
from common.secrets import keyed_hash_matches, keyed_hashes


def try_code(*, purpose: CodePurpose, mobile: str, asker: str, typed: str) -> OneTimeCode:
    """The code that `typed` matches. Counts one try first, in a committed step of its own.

    Call it outside any transaction, then `consume` the answer inside the one that decides. Raises PortalError:
    code_wrong, code_expired (no code of this session is alive), code_tries (all tries are used), code_elsewhere (this
    session was sent none, so whatever was typed is wrong here; `wait`: the seconds to its own code, where it has a
    place in the queue: `comes`).
    """
    mine = _count_try(purpose=purpose, mobile=mobile, asker=asker)
    typed = fold_number(typed)
    right = [code for code in mine if keyed_hash_matches(hash_purpose(code), typed, code.code_hash)]
    if right:
        return right[0]
    if not any(code.code_hash for code in mine):
        due = [code.next_attempt_at for code in mine if code.next_attempt_at]
        raise PortalError("code_elsewhere", wait=max(map(seconds_left, due), default=0), comes=bool(due))
    raise PortalError("code_wrong")


def consume(code: OneTimeCode, *, used_for: str) -> bool:
    """Use up `code` and the asker's other live ones; whether it was used for the first time. Raises
    PortalError("code_wrong") if it was used.

    The same session that repeats it for the same purpose (`used_for`) within CODE_RETRY_GRACE is answered as the first
    time: on a slow network the first answer may never have arrived.
    """
    now = timezone.now()
    used = sql.use(code, used_for=used_for, now=now)
    if not used:  # it was used before, whatever other codes are unused
        again = OneTimeCode.objects.filter(pk=code.pk, used_for=used_for, used_at__gte=now - limits.CODE_RETRY_GRACE)
        if not again.exists():
            raise PortalError("code_wrong")
        return False
    asked = [row for row in used if row.allowance == Allowance.ASKED and row.code_hash and row.address]
    if asked:
        transaction.on_commit(lambda: requesters.credit(asked))
    return True


def _count_try(*, purpose: CodePurpose, mobile: str, asker: str) -> list[OneTimeCode]:
    askers, now = keyed_hashes("asker", asker), timezone.now()
    counted = sql.count_try(mobile=mobile, purpose=purpose, askers=askers, since=oldest(now), now=now)
    if not counted:
        used_up = live_codes(purpose=purpose, mobile=mobile, asker=asker, now=now)
        raise PortalError("code_tries" if used_up else "code_expired")
    for code in counted:
        code.askers = askers
    return counted
