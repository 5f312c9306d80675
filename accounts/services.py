"""What happens to accounts. Each service is one transaction and raises PortalError."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Branch, User
from accounts.passwords import hash_password
from tamin_portal.errors import PortalError

CLERKS = "branch clerk"
# What a clerk may do, and nothing else; the permissions belong to the desk (registration).
CLERK_PERMISSIONS = ("work_the_desk", "view_registration")


def account_exists(*, national_id: str) -> bool:
    """Whether an activated account holds this national ID."""
    return User.objects.filter(national_id=national_id, activated_at__isnull=False).exists()


@transaction.atomic
def create_account(
    *,
    national_id: str,
    mobile: str,
    first_name: str,
    last_name: str,
    gender: str,
    birth_date: dt.date,
    city: str,
    email: str,
    password_hash: str,
    security_question: str,
    security_answer_hash: str,
    active: bool,
) -> User:
    """A citizen's account. `active`: activated at once, and from then on it holds the national ID.

    Raises PortalError("account_exists") when an activated account holds the ID; the caller's
    transaction stays usable.
    """
    if account_exists(national_id=national_id):
        raise PortalError("account_exists")
    subject = uuid.uuid4()
    user = User(
        username=str(subject),
        subject=subject,
        national_id=national_id,
        mobile=mobile,
        first_name=first_name,
        last_name=last_name,
        gender=gender,
        birth_date=birth_date,
        city=city,
        email=email,
        password=password_hash,
        security_question=security_question,
        security_answer=security_answer_hash,
        is_active=active,
        activated_at=timezone.now() if active else None,
    )
    with _national_id_stays_unique(national_id):
        user.save(force_insert=True)
    return user


@transaction.atomic
def activate_account(*, user: User) -> User:
    """Open an account that was made inactive. Doing it again changes nothing.

    Raises PortalError: account_exists (another activated account holds the national ID),
    account_gone (the row was deleted meanwhile). The caller's transaction stays usable.
    """
    now = timezone.now()
    with _national_id_stays_unique(user.national_id):
        User.objects.filter(pk=user.pk, activated_at__isnull=True).update(activated_at=now, is_active=True)
    try:
        user.refresh_from_db(fields=["activated_at", "is_active"])
    except User.DoesNotExist:
        raise PortalError("account_gone") from None
    return user


@contextmanager
def _national_id_stays_unique(national_id: str) -> Iterator[None]:
    """A savepoint in which "another activated account holds the ID" becomes PortalError.

    Two activations at once both see no other account; the second to write meets
    `one_activated_account_per_national_id`. The savepoint keeps the caller's transaction usable.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        if account_exists(national_id=national_id):
            raise PortalError("account_exists") from None
        raise


@transaction.atomic
def delete_inactive_account(*, user: User) -> None:
    """Delete an account that never was activated. Gone already: nothing happens.

    Raises PortalError("account_is_active"). Whatever points to the account must let go of it
    before (foreign keys are protected).
    """
    row = User.objects.select_for_update().filter(pk=user.pk).first()
    if row is None:
        return
    if row.activated_at or row.is_staff:
        raise PortalError("account_is_active")
    row.delete()


def clerk_group() -> Group:
    """The group of branch clerks, made or mended to hold exactly the desk's permissions.

    Raises PortalError("not_migrated") before `migrate` has made the permissions.
    """
    permissions = list(
        Permission.objects.filter(content_type__app_label="registration", codename__in=CLERK_PERMISSIONS)
    )
    if len(permissions) != len(CLERK_PERMISSIONS):
        raise PortalError("not_migrated")
    group, _ = Group.objects.get_or_create(name=CLERKS)
    group.permissions.set(permissions)
    return group


def create_staff(*, username: str, password: str, branch: Branch | None, operator: bool) -> User:
    """A clerk of `branch`, or an operator (superuser, who needs no branch).

    Raises PortalError: username_taken, needs_a_branch, not_migrated, password_too_long.
    """
    if not operator and branch is None:
        raise PortalError("needs_a_branch")
    hashed = hash_password(password)  # before the transaction: it takes a while
    with transaction.atomic():
        if User.objects.filter(username=username).exists():
            raise PortalError("username_taken")
        user = User.objects.create(
            username=username, password=hashed, branch=branch, is_staff=True, is_superuser=operator
        )
        if not operator:
            user.groups.add(clerk_group())
    return user
