"""Authenticates citizens by national ID on the portal, and staff by user name at /admin/.

A wrong password, an unknown name and a closed account look the same: one query and one hash in every case. A password
that is too long for anybody is refused before hashing, for whichever account.
"""

from __future__ import annotations

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.hashers import make_password, verify_password
from django.http import HttpRequest

from accounts.models import User
from common import limits
from common.prepared import Prepared

_activated = Prepared(lambda values: User.objects.filter(national_id=values[0], activated_at__isnull=False).order_by())
_active = Prepared(lambda ids: User.objects.filter(pk__in=ids, is_active=True).order_by())


def _check(user: User | None, password: str) -> User | None:
    """`user` if the password is right and the account is open; else None."""
    if len(password) > limits.PASSWORD_LONGEST:
        return None
    if user is None:
        make_password(password)  # an unknown ID takes as long as a wrong password
        return None
    return user if _is_password_of(user, password) and user.is_active else None


def _is_password_of(user: User, password: str) -> bool:
    """Whether the password is right. A hash with outdated parameters is renewed when the person may sign in.

    Only the very hash that was compared is replaced, unlike by Django's `check_password`: hashing takes a while, and a
    password that was set meanwhile must not be overwritten by the old one.
    """
    right, outdated = verify_password(password, user.password)
    if not (right and outdated and user.is_active):
        return right
    compared, fresh = user.password, make_password(password)
    if User.objects.filter(pk=user.pk, password=compared).update(password=fresh):
        user.password = fresh
        return True
    user.refresh_from_db(fields=["password"])  # another press of the button renewed it, or the password was changed
    return verify_password(password, user.password)[0]


def password_of_citizen(*, national_id: str, password: str) -> tuple[User | None, bool]:
    """The activated account of this ID, if there is one, and whether the password is right; closed accounts
    included."""
    user = _activated.first([national_id]) if national_id else None
    if len(password) > limits.PASSWORD_LONGEST:
        return user, False
    if user is None:
        make_password(password)
        return None, False
    return user, _is_password_of(user, password)


class _ByPrimaryKey:
    """Reads the user of a session; None (signed out) as soon as the account is closed."""

    def get_user(self, user_id: int) -> User | None:
        user = _active.first([user_id])
        return user if user and (user.is_staff or user.activated_at) else None


class CitizenBackend(_ByPrimaryKey, BaseBackend):
    """A citizen with an activated account, signed in by `accounts.sign_in.flow`. Has no permissions."""


class StaffBackend(_ByPrimaryKey, ModelBackend):
    """A member of staff. Permissions come from groups, as in Django's own backend."""

    def authenticate(self, request: HttpRequest | None, *, username: str, password: str) -> User | None:  # type: ignore[override]
        user = User.objects.filter(username=username, is_staff=True).first()
        return _check(user, password)
