"""The password of a signed-in citizen, asked for again: for a change in the profile, or because a service wants to be
sure who is there.

A thief who holds an open session cannot guess freely: wrong passwords are followed by the pauses of the sign-in. They
are counted for each session separately: a stranger who is not signed in cannot delay the owner, and a thief can delay
only the stolen session.
"""

from __future__ import annotations

from typing import cast

from django.contrib.auth.hashers import check_password
from django.http import HttpRequest

from accounts.models import User
from accounts.sessions.store import BEGAN
from accounts.sign_in import throttle
from common import limits
from common.abuse import hashing_places
from common.errors import PortalError


def check_current_password(request: HttpRequest, typed: str) -> str:
    """Check the typed password of the signed-in citizen; returns the stored hash that it matches. Counted before it is
    compared. Outside any transaction.

    Raises PortalError: password_wrong, sign_in_pause (`seconds`), hashing_busy (`seconds`; then it was not counted).
    """
    user = cast(User, request.user)
    account = throttle.account_key(kind="profile", name=user.national_id)
    # Named by its beginning, which stays: a new key can be had without the password (`end_other_sessions`).
    where = throttle.buckets(device=f"session:{request.session.get(BEGAN)}", address="")
    with hashing_places.place(hashing_places.Whose.INSIDE):
        throttle.count_try(account=account, where=where)
        # Not `user.check_password`: renewing an old hash would write over a password that is being changed elsewhere.
        right = len(typed) <= limits.PASSWORD_LONGEST and check_password(typed, user.password)
    if not right:
        raise PortalError("password_wrong")
    throttle.forget(account=account, where=where)
    return user.password
