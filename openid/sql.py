"""Statements by hand: counting and "only the first one" in one statement each, on SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from openid.models import AuthenticationFailure, Connection, Grant, Token, TokenKind, UsedAssertion


@dataclass(frozen=True, slots=True)
class NewToken:
    """A row of a token that is kept."""

    kind: TokenKind
    token_hash: str
    scope: str
    expires_at: datetime


def count_failures(who: list[str], minute: int) -> list[int]:
    """Count one more failure of each; returns the counts of this minute, in the same order."""
    table = _name(AuthenticationFailure)
    rows = ", ".join("(%s, %s, 1)" for _one in who)
    values = [value for one in who for value in (one, minute)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (who, minute, count) VALUES {rows} "  # noqa: S608 - the model's table
            f"ON CONFLICT (who, minute) DO UPDATE SET count = {table}.count + 1 RETURNING who, count",
            values,
        )
        counted = dict(cursor.fetchall())
    return [int(counted[one]) for one in who]


def use_connection(account_id: int, service_id: int, now: datetime) -> list[str] | None:
    """Note that a citizen's connection with a service is used now; returns its scopes, None if none is open."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {_name(Connection)} SET last_used_at = %s "  # noqa: S608 - the model's table
            "WHERE account_id = %s AND service_id = %s AND ended_at IS NULL RETURNING scopes",
            [_moment(now), account_id, service_id],
        )
        found = cursor.fetchone()
    return list(json.loads(found[0])) if found else None


def use_code(grant: Grant, *, ends: datetime, made: Sequence[NewToken], now: datetime) -> bool:
    """Use the code of `grant`, which lasts until `ends`, and keep the tokens `made` for it; False, and nothing is
    kept, if the code was used or the grant ended meanwhile. One statement on PostgreSQL, one transaction on SQLite."""
    if connection.vendor != "postgresql":
        with transaction.atomic():
            fresh = Grant.objects.filter(pk=grant.pk, code_used_at=None, ended_at=None)
            return bool(fresh.update(code_used_at=now, expires_at=ends)) and _keep(grant.pk, made, now)
    used = (
        f"UPDATE {_name(Grant)} SET code_used_at = %s, expires_at = %s "  # noqa: S608
        "WHERE id = %s AND code_used_at IS NULL AND ended_at IS NULL RETURNING id AS grant_id"
    )
    return _used_and_kept(f"used AS ({used})", [now, ends, grant.pk], made, now)


def use_refresh_token(token: Token, *, ends: datetime, made: Sequence[NewToken], now: datetime) -> bool:
    """Use the refresh `token`, whose grant lasts until `ends`, and keep its successors; else as `use_code`."""
    if connection.vendor != "postgresql":
        with transaction.atomic():
            if not Token.objects.filter(pk=token.pk, used_at=None, revoked_at=None).update(used_at=now):
                return False
            Grant.objects.filter(pk=token.grant_id).update(expires_at=ends)
            return _keep(token.grant_id, made, now)
    used = (
        f"UPDATE {_name(Token)} SET used_at = %s "  # noqa: S608
        "WHERE id = %s AND used_at IS NULL AND revoked_at IS NULL RETURNING grant_id"
    )
    longer = f"UPDATE {_name(Grant)} SET expires_at = %s WHERE id IN (SELECT grant_id FROM used)"  # noqa: S608
    return _used_and_kept(f"used AS ({used}), longer AS ({longer})", [now, token.pk, ends], made, now)


def _used_and_kept(used: str, values: list[Any], made: Sequence[NewToken], now: datetime) -> bool:
    """`used`: the beginning of a WITH, whose `used` has the `grant_id` if what has to be used was not used before."""
    rows = ", ".join("(%s, %s, %s, %s::timestamptz, %s::timestamptz)" for _one in made)
    for one in made:
        values += [one.kind.value, one.token_hash, one.scope, now, one.expires_at]
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH {used}, made (kind, token_hash, scope, created_at, expires_at) AS (VALUES {rows}) "  # noqa: S608
            f"INSERT INTO {_name(Token)} (grant_id, kind, token_hash, scope, created_at, expires_at) "
            "SELECT used.grant_id, made.* FROM used, made",
            values,
        )
        return bool(cursor.rowcount)


def _keep(grant_id: int, made: Sequence[NewToken], now: datetime) -> bool:
    Token.objects.bulk_create(
        Token(
            grant_id=grant_id,
            kind=one.kind,
            token_hash=one.token_hash,
            scope=one.scope,
            created_at=now,
            expires_at=one.expires_at,
        )
        for one in made
    )
    return True


def make_connection(account_id: int, service_id: int, scopes: list[str], now: datetime) -> bool:
    """A citizen's first connection with a service; False if there is one already, open or ended."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_name(Connection)} (account_id, service_id, scopes, since, last_used_at) "  # noqa: S608
            "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (account_id, service_id) DO NOTHING",
            [account_id, service_id, json.dumps(scopes), _moment(now), _moment(now)],
        )
        return bool(cursor.rowcount == 1)


def use_assertion(service_id: int, jti_hash: str, expires_at: datetime) -> bool:
    """Note that the service used this assertion; False if it did before, or another process does at this moment."""
    table = _name(UsedAssertion)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (service_id, jti_hash, expires_at) VALUES (%s, %s, %s) "  # noqa: S608
            "ON CONFLICT (service_id, jti_hash) DO NOTHING",
            [service_id, jti_hash, _moment(expires_at)],
        )
        return bool(cursor.rowcount == 1)


def _name(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _moment(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)
