"""Statements by hand of one-time codes: what Django would ask in several, or could not say in one.

They run alike on SQLite and PostgreSQL. Values are parameters; names come from the models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from accounts.models import OneTimeCode, User
from common import limits
from common.prepared import Prepared, Table, as_written
from sms.models import Message, MessageState

# A message in one of these states never reached a phone.
NEVER_SENT = (MessageState.EXPIRED, MessageState.FAILED, MessageState.CANCELLED)
_NEVER_SENT = ", ".join(f"'{state.value}'" for state in NEVER_SENT)
DAY = timedelta(days=1)

# The columns of a code's message that pages and rules read; its text, which holds the code, is none of them.
_OF_MESSAGE = ("id", "state", "kind", "operator", "created_at", "sent_at", "final_at", "next_attempt_at")
_CODES, _MESSAGES, _USERS = Table(OneTimeCode), Table(Message, only=_OF_MESSAGE), Table(User)
_OF_ASKER = Prepared(
    lambda values: (
        OneTimeCode.objects.filter(mobile=values[0])
        .filter(purpose=values[1])
        .filter(created_at__gt=values[2])
        .filter(asker__in=values[3:])
        .select_related("message")
        .defer(*(f"message__{field.name}" for field in Message._meta.concrete_fields if field.name not in _OF_MESSAGE))
    )
)


@dataclass(frozen=True, slots=True)
class OfNumber:
    """What the next code of a number hangs on. `rows`: of the last day, those that got a code, those that wait for one,
    and the session's own, the oldest first, each with the state of its message; `is_proven`: a code of this number was
    used once, or an account has it."""

    rows: list[OneTimeCode]
    is_proven: bool


def of_asker(*, mobile: str, purpose: str, askers: Sequence[str], since: datetime) -> list[OneTimeCode]:
    """The rows of a session (`askers`: its hashes) that are younger than `since`, each with its message."""
    return _OF_ASKER.all([mobile, purpose, since, *askers])


def of_number(*, mobile: str, askers: Sequence[str], now: datetime) -> OfNumber:
    """The rows of `mobile`, of all sessions. The caller has locked the number's name."""
    found = _all(
        f"SELECT proven.it, {_CODES.columns_of('code')}, {_MESSAGES.columns_of('message')} FROM ("  # noqa: S608
        f"SELECT EXISTS (SELECT 1 FROM {_CODES.name} WHERE mobile = %s AND used_at IS NOT NULL) OR "
        f"EXISTS (SELECT 1 FROM {_USERS.name} WHERE mobile = %s) AS it) AS proven "
        f"LEFT JOIN {_CODES.name} AS code ON code.mobile = %s AND code.created_at > %s "
        f"AND (code.code_hash <> '' OR code.next_attempt_at IS NOT NULL OR code.asker IN ({_places(askers)})) "
        f"LEFT JOIN {_MESSAGES.name} AS message ON message.id = code.message_id "
        "ORDER BY code.created_at, code.id",
        [mobile, mobile, mobile, now - DAY, *askers],
    )
    return OfNumber([_with_message(row) for _proven, *row in found if row[0] is not None], bool(found[0][0]))


def insert(code: OneTimeCode) -> None:
    """Write a new row."""
    _CODES.insert(code)


def count_try(*, mobile: str, purpose: str, askers: Sequence[str], since: datetime, now: datetime) -> list[OneTimeCode]:
    """Count a try on each of a session's rows that is alive and has tries left; returns them, with this try counted and
    without their messages. One statement: of parallel tries none is beyond `limits.CODE_TRIES`, whoever comes first.

    Alive is what `accounts.codes.validity.is_live` says.
    """
    mine = (
        f"SELECT code.id FROM {_CODES.name} AS code "  # noqa: S608 - names of the models
        f'WHERE code.mobile = %s AND code.purpose = %s AND code."asker" IN ({_places(askers)}) '
        "AND code.created_at > %s AND code.tries < %s AND (code.used_at IS NULL OR code.used_at >= %s) "
        f"AND NOT EXISTS (SELECT 1 FROM {_MESSAGES.name} AS message "
        f"WHERE message.id = code.message_id AND message.state IN ({_NEVER_SENT})) "
        "AND CASE WHEN code.next_attempt_at IS NOT NULL THEN code.created_at > %s ELSE COALESCE("
        f"(SELECT message.sent_at FROM {_MESSAGES.name} AS message WHERE message.id = code.message_id), "
        f"code.created_at) > %s END ORDER BY code.id {_for_update('code')}"
    )
    found = _all(
        f"WITH mine AS ({mine}) UPDATE {_CODES.name} SET tries = tries + 1 "  # noqa: S608
        f"WHERE id IN (SELECT id FROM mine) RETURNING {_CODES.columns}",
        [
            *(mobile, purpose, *askers, since, limits.CODE_TRIES, now - limits.CODE_RETRY_GRACE),
            *(now - limits.CODE_PLACE_LIFE, now - limits.CODE_LIFE),
        ],
    )
    return [_CODES.row(row) for row in found]


def use(code: OneTimeCode, *, used_for: str, now: datetime) -> list[OneTimeCode]:
    """Use up `code` and the other unused rows of its session, if it is unused itself; returns them all. None: it was
    used, and nothing is written. In the caller's transaction; of two at once one finds it used."""
    askers = code.askers or [code.asker]
    mine = (
        f"SELECT code.id FROM {_CODES.name} AS code WHERE code.mobile = %s AND code.purpose = %s "  # noqa: S608
        f'AND code."asker" IN ({_places(askers)}) AND code.used_at IS NULL ORDER BY code.id {_for_update("code")}'
    )
    found = _all(
        f"WITH mine AS ({mine}) UPDATE {_CODES.name} "  # noqa: S608
        "SET used_at = %s, used_for = %s, next_attempt_at = NULL WHERE id IN (SELECT id FROM mine) "
        f"AND EXISTS (SELECT 1 FROM mine WHERE id = %s) RETURNING {_CODES.columns}",
        [code.mobile, code.purpose, *askers, now, used_for, code.pk],
    )
    return [_CODES.row(row) for row in found]


def _with_message(row: Sequence[Any]) -> OneTimeCode:
    code, message = _CODES.row(row[: _CODES.width]), row[_CODES.width :]
    found = None if message[0] is None else _MESSAGES.row(message)
    OneTimeCode._meta.get_field("message").set_cached_value(code, found)
    return code


def _all(statement: str, values: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [as_written(value) for value in values])
        return cursor.fetchall()


def _places(values: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def _for_update(alias: str) -> str:
    """Locks the rows that are found, the oldest first: two requests of one session cannot deadlock. SQLite has one
    writer."""
    return f"FOR UPDATE OF {alias}" if connection.features.has_select_for_update else ""
