"""Statements by hand of a citizen's sign-in, on SQLite and PostgreSQL.

By hand, because a sign-in writes to five tables, each a journey to the server of its own, and because Django takes
longer to write these statements than the database to run them. On PostgreSQL several writes are one statement, by WITH;
SQLite has no writes in WITH, and gets the same ones in one transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import AccountEvent, EventKind, FailedSignIn, SignInFailures, User
from common import limits
from common.abuse import conduct
from common.abuse.conduct import Around, Kind, Mark
from common.abuse.origins import Origin

_TRIES = (
    "INSERT INTO accounts_signinfailures (account, device, count, last_at, blocked_until) VALUES {rows} "
    "ON CONFLICT (account, device) DO UPDATE "
    "SET count = excluded.count, last_at = excluded.last_at, blocked_until = excluded.blocked_until"
)
_COMPARED = (
    "INSERT INTO accounts_failedsignin (next_attempt_at, lease, attempts, national_id, right_password, browser, "
    "stopped_at_code, counts, created_at) VALUES (%s, NULL, 0, %s, %s, %s, %s, %s, %s) RETURNING id"
)
_FAILED = (
    "SELECT 'failed', COUNT(*) FILTER (WHERE stopped_at_code), 0, COUNT(*) FILTER (WHERE NOT stopped_at_code), "
    "COUNT(*) FILTER (WHERE NOT stopped_at_code AND browser IN ({keys})) "
    "FROM accounts_failedsignin WHERE national_id = %s AND counts AND id <> %s"
)
# The account first: what belongs to it is locked after it (accounts/life/locking.py), and only if it is open still.
_ADMITTED = """
    WITH admitted AS (
        UPDATE accounts_user SET last_login = %s
        WHERE id = %s AND password = %s AND is_active AND activated_at IS NOT NULL RETURNING id, national_id
    ), settled AS (
        UPDATE accounts_failedsignin AS failed SET counts = false FROM admitted
        WHERE failed.national_id = admitted.national_id AND failed.counts AND failed.id <> %s
        AND (NOT failed.stopped_at_code OR failed.browser = ANY(%s))
    ), compared AS (
        DELETE FROM accounts_failedsignin AS failed USING admitted WHERE failed.id = %s
    ), forgotten AS (
        DELETE FROM accounts_signinfailures AS tried USING admitted WHERE tried.account = %s AND tried.device = ANY(%s)
    ), recorded AS (
        INSERT INTO accounts_accountevent (account_id, kind, at, actor, reason, browser, details)
        SELECT id, %s, %s, %s, '', %s, '{}'::jsonb FROM admitted WHERE %s
    )
    SELECT id FROM admitted
"""
NO_ROW = 0  # no row has this primary key


class Counted(NamedTuple):
    """What counts a try besides the throttle: whose it is, and how it looks to `risk`."""

    national_id: str
    browser: str
    origin: Origin


class Risk(NamedTuple):
    """What speaks against a right password: how many tries failed since the last good sign-in, how many of them in this
    browser, how many were stopped at the code; and what the addresses around do."""

    failed: int
    own: int
    stopped: int
    around: Around


def count_try(rows: Sequence[SignInFailures], this: Counted) -> int:
    """Write what counts a try: the throttle's `rows`, the conduct of its address, and a failure, whose primary key is
    returned. In the caller's transaction."""
    now = timezone.now()
    tallied, tallies = conduct.count_statement(kind=Kind.PASSWORD, origin=this.origin)
    tries = _TRIES.format(rows=", ".join(["(%s, %s, %s, %s, %s)"] * len(rows)))
    tried: list[Any] = [
        value for row in rows for value in (row.account, row.device, row.count, row.last_at, row.blocked_until)
    ]
    compared: list[Any] = [now + limits.ACCOUNT_WORK_LEASE, this.national_id, False, this.browser, False, True, now]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            statement = f"WITH tallied AS ({tallied}), tries AS ({tries}) {_COMPARED}"
            cursor.execute(statement, [*tallies, *tried, *compared])
        else:
            cursor.execute(tallied, tallies)
            cursor.execute(tries, _stored(tried))
            cursor.execute(_COMPARED, _stored(compared))
        return int(cursor.fetchone()[0])


def risk_of(*, national_id: str, this_try: int, browser_keys: Sequence[str], origin: Origin, mark: Mark) -> Risk:
    """What `risk` weighs, without the row `this_try`. `browser_keys`: of this browser. One statement."""
    around, values = conduct.around_statement(kind=Kind.PASSWORD, origin=origin, mark=mark)
    keys = list(browser_keys) or ["none"]
    statement = f"{around} UNION ALL {_FAILED.format(keys=', '.join(['%s'] * len(keys)))}"
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, *keys, national_id, this_try])
        rows = cursor.fetchall()
    stopped, failed, own = next((row[1], row[3], row[4]) for row in rows if row[0] == "failed")
    return Risk(failed, own, stopped, conduct.around(kind=Kind.PASSWORD, origin=origin, mark=mark, rows=rows))


class Admission(NamedTuple):
    """A sign-in that succeeds. `account`: with the stored hash that was matched; `this_try`: its row among the
    failures, or NO_ROW; `browser_keys`: of this browser; `tries`: where the throttle counted them, the account's key
    and its devices; `browser`: in words, for the history; `actor`: as the history writes it; `is_recorded`: whether the
    event is written here."""

    account: User
    this_try: int
    browser_keys: Sequence[str]
    tries: tuple[str, Sequence[str]]
    browser: str
    actor: str
    is_recorded: bool


def admit(this: Admission) -> bool:
    """Write down that an account signed in: its failures before count no more, what was counted is forgotten, the event
    is in the history. False, and nothing is written, if the account was closed or has another password by now; else its
    row is locked to the end of the transaction, if there is one."""
    now, (account_key, devices) = timezone.now(), this.tries
    if connection.vendor != "postgresql":
        return _admit_step_by_step(this, now)
    account = this.account
    event: list[Any] = [EventKind.SIGNED_IN.value, now, this.actor, this.browser, this.is_recorded]
    failed: list[Any] = [this.this_try, list(this.browser_keys), this.this_try]
    with connection.cursor() as cursor:
        values: list[Any] = [now, account.pk, account.password, *failed, account_key, list(devices), *event]
        cursor.execute(_ADMITTED, values)
        return cursor.fetchone() is not None


def _admit_step_by_step(this: Admission, now: dt.datetime) -> bool:
    account, (account_key, devices) = this.account, this.tries
    with transaction.atomic():
        is_open = User.objects.filter(pk=account.pk, is_active=True, activated_at__isnull=False)
        if not is_open.filter(password=account.password).update(last_login=now):
            return False
        failed = FailedSignIn.objects.filter(national_id=account.national_id, counts=True).exclude(pk=this.this_try)
        failed.filter(Q(stopped_at_code=False) | Q(browser__in=this.browser_keys)).update(counts=False)
        FailedSignIn.objects.filter(pk=this.this_try).delete()
        SignInFailures.objects.filter(account=account_key, device__in=devices).delete()
        if this.is_recorded:
            facts = {"kind": EventKind.SIGNED_IN, "at": now, "actor": this.actor, "browser": this.browser}
            AccountEvent.objects.create(account=account, **facts)
        return True


def _stored(values: Sequence[Any]) -> list[Any]:
    adapt = connection.ops.adapt_datetimefield_value
    return [adapt(value) if isinstance(value, dt.datetime) else value for value in values]
