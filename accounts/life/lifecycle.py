"""Creates and activates accounts of citizens, and creates staff with their rights."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields

from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Branch, Evidence, User
from accounts.passwords.rules import faults, hash_password
from accounts.passwords.strength import About
from common.errors import PortalError
from common.recordsets import insert

CLERKS = "branch clerk"
# What a clerk may do, and nothing else; the permissions belong to the desk (registration).
CLERK_PERMISSIONS = ("work_the_desk", "view_registration")


def account_exists(*, national_id: str) -> bool:
    """Whether an activated account holds this national ID."""
    return User.objects.filter(national_id=national_id, activated_at__isnull=False).exists()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """What an account is created with. The two secrets are hashes already."""

    national_id: str
    mobile: str
    first_name: str
    last_name: str
    gender: str
    birth_date: dt.date
    birth_unknown: str = ""
    city: str
    email: str
    password_hash: str
    security_question: str
    security_answer_hash: str

    def __repr__(self) -> str:
        return "NewAccount(…)"  # it may be printed in a traceback

    @classmethod
    def plain(cls) -> tuple[str, ...]:
        """The names of the fields that are no secrets; the columns have the same names."""
        return tuple(field.name for field in fields(cls) if not field.name.endswith("_hash"))


_PLAIN = NewAccount.plain()
# As the constraint `one_activated_account_per_national_id` has it.
_ONE_ACTIVATED_ACCOUNT = "(national_id) WHERE activated_at IS NOT NULL AND NOT (national_id = '')"


def taken(*, national_ids: Collection[str]) -> set[str]:
    """Those of `national_ids` that an activated account holds. One statement."""
    found = User.objects.filter(national_id__in=national_ids, activated_at__isnull=False)
    return set(found.values_list("national_id", flat=True))


@transaction.atomic
def create_account(*, person: NewAccount, active: bool, evidence: Evidence | None = None) -> User:
    """Create a citizen's account. `active`: activated at once, and from then on it holds the national ID. `evidence`:
    how the person has just been proven.

    Raises PortalError("account_exists") when an activated account holds the ID; the caller's transaction stays usable.
    """
    if account_exists(national_id=person.national_id):
        raise PortalError("account_exists")
    user = _new_user(person, active, evidence)
    with _national_id_stays_unique(person.national_id):
        user.save(force_insert=True)
    return user


def create_accounts(*, people: Sequence[NewAccount], active: bool, evidence: Evidence | None = None) -> dict[str, int]:
    """As `create_account`, for people whose IDs the caller has locked, in one statement; returns the primary keys of
    the accounts by national ID, without those IDs that an activated account holds."""
    if not people:
        return {}
    if not active:  # what is not activated holds no ID: the unique key says nothing about it
        held = taken(national_ids=[person.national_id for person in people])
        people = [person for person in people if person.national_id not in held]
    now = timezone.now()
    same = {
        "is_active": active,
        "activated_at": now if active else None,
        "identity_evidence": evidence or "",
        "identity_proven_at": now if evidence else None,
    }
    rows = (
        (
            subject,
            str(subject),
            person.password_hash,
            person.security_answer_hash,
            *map(person.__getattribute__, _PLAIN),
        )
        for person, subject in ((person, uuid.uuid4()) for person in people)
    )
    columns = ("subject", "username", "password", "security_answer", *_PLAIN)
    written = insert(User, columns, rows, same=same, unless=_ONE_ACTIVATED_ACCOUNT, returning=("national_id", "id"))
    return dict(written)


def _new_user(person: NewAccount, active: bool, evidence: Evidence | None) -> User:
    subject, now = uuid.uuid4(), timezone.now()
    return User(
        username=str(subject),
        subject=subject,
        **{name: getattr(person, name) for name in NewAccount.plain()},
        password=person.password_hash,
        security_answer=person.security_answer_hash,
        is_active=active,
        activated_at=now if active else None,
        identity_evidence=evidence or "",
        identity_proven_at=now if evidence else None,
    )


@transaction.atomic
def activate_account(*, user: User, evidence: Evidence | None = None) -> User:
    """Activate an account that was created inactive. Doing it again changes nothing. `evidence`: how the person has
    just been proven, if anew.

    Raises PortalError: account_exists (another activated account holds the national ID), account_gone (the row was
    deleted meanwhile). The caller's transaction stays usable.
    """
    now = timezone.now()
    with _national_id_stays_unique(user.national_id):
        proven = {"identity_evidence": evidence, "identity_proven_at": now} if evidence else {}
        User.objects.filter(pk=user.pk, activated_at__isnull=True).update(activated_at=now, is_active=True, **proven)
    try:
        user.refresh_from_db(fields=["activated_at", "is_active", "identity_evidence", "identity_proven_at"])
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
    """Delete an account that never was activated. Nothing happens if it is deleted already.

    Raises PortalError("account_is_active"). Rows that point to the account must be detached before (foreign keys are
    protected).
    """
    row = User.objects.select_for_update().filter(pk=user.pk).first()
    if row is None:
        return
    if row.activated_at or row.is_staff:
        raise PortalError("account_is_active")
    row.delete()


def clerk_group() -> Group:
    """The group of branch clerks, created or corrected to hold exactly the desk's permissions.

    Raises PortalError("not_migrated") before `migrate` has created the permissions.
    """
    permissions = list(
        Permission.objects.filter(content_type__app_label="registration", codename__in=CLERK_PERMISSIONS)
    )
    if len(permissions) != len(CLERK_PERMISSIONS):
        raise PortalError("not_migrated")
    group, _ = Group.objects.get_or_create(name=CLERKS)
    group.permissions.set(permissions)
    return group


def create_staff(*, username: str, password: str, branch: Branch | None, administrator: bool) -> User:
    """Create a clerk of `branch`, or an administrator (superuser, who needs no branch).

    Raises PortalError: username_taken, needs_a_branch, not_migrated, password_weak (`broken`: codes of
    `passwords.SENTENCES`).
    """
    if not administrator and branch is None:
        raise PortalError("needs_a_branch")
    broken = faults(password, About(username=username))
    if broken:
        raise PortalError("password_weak", broken=broken)
    hashed = hash_password(password)  # before the transaction: hashing takes a while
    with transaction.atomic():
        if User.objects.filter(username=username).exists():
            raise PortalError("username_taken")
        user = User.objects.create(
            username=username, password=hashed, branch=branch, is_staff=True, is_superuser=administrator
        )
        if not administrator:
            user.groups.add(clerk_group())
    return user
