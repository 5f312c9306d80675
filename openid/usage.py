"""How often each service does what, by day. A count must never delay a citizen, nor make a sign-in fail."""

from __future__ import annotations

import datetime as dt
import logging
import operator
import secrets
from collections import defaultdict

from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common import limits, purging
from common.gathering import Gathered, one_by_one
from openid.models import ConnectedService, Usage

logger = logging.getLogger(__name__)

_WORDS = {
    "sign_in": _("sign-ins"),
    "token": _("tokens"),
    "refresh": _("renewals"),
    "userinfo": _("claims read"),
    "introspection": _("tokens checked"),
    "logout": _("sign-outs told"),
}
WHAT = tuple(_WORDS)
GATHERED = ("sign_in", "token", "refresh", "userinfo", "introspection")  # many in a second
Key = tuple[int, dt.date, str]  # a service, a day, what
# The errors that the protocol knows; whatever else a library says is counted as "other", so that nobody mints rows.
_NAMES = """
    access_denied account_selection_required consent_required insufficient_scope interaction_required invalid_client
    invalid_grant invalid_request invalid_request_object invalid_request_uri invalid_scope invalid_token login_required
    logout_failed redirect_uri request_not_supported request_uri_not_supported server_error suspended
    temporarily_unavailable unauthorized_client unmet_authentication_requirements unsupported_grant_type
    unsupported_response_type unsupported_token_type
"""
ERRORS = frozenset(_NAMES.split())


def count(service: ConnectedService, what: str) -> None:
    """Count one `what` of `service`: one of `WHAT`, or "error:" and the protocol's code.

    It is written after the caller's transaction: inside it, its row would stay locked until the end, and every request
    of the service would wait for it. So what was rolled back is not counted. Ordinary uses are written some seconds
    later, those of a process together (`common.gathering`); the others at once, and a database that cannot take one now
    is noted in the log, and nothing else.
    """
    key = (service.pk, timezone.localdate(), _known(what))
    transaction.on_commit(lambda: _count(key))


def _known(what: str) -> str:
    kind, _sep, code = what.partition(":")
    if kind == "error":
        return f"error:{code if code in ERRORS else 'other'}"
    if what not in WHAT:
        raise ValueError(what)
    return what


def _count(key: Key) -> None:
    if key[2] in GATHERED and settings.OPENID_USAGE_WRITTEN_WITHIN:
        return _gathered.add(key, 1, within=settings.OPENID_USAGE_WRITTEN_WITHIN)
    try:
        _write(key, 1)
    except Error as error:  # with InterfaceError, of a connection that is closed
        logger.warning("a use of service %s was not counted: %s", key[0], type(error).__name__)


def _write(key: Key, times: int) -> None:
    """One of several rows, chosen at random: two writers at the same moment seldom want the same one."""
    table = connection.ops.quote_name(Usage._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (service_id, day, what, shard, count) VALUES (%s, %s, %s, %s, %s) "  # noqa: S608
            f"ON CONFLICT (service_id, day, what, shard) DO UPDATE SET count = {table}.count + excluded.count",
            (*key, secrets.randbelow(limits.OPENID_USAGE_SHARDS), times),
        )


def gathered() -> Gathered[Key, int]:
    """What this process has counted and not written yet."""
    return Gathered("uses of services", operator.add, one_by_one("uses of services", _write))


_gathered = gathered()


def of(service: ConnectedService, *, days: int) -> dict[dt.date, dict[str, int]]:
    """What `service` did in the last `days` days, the newest first; days without use are not there. One query."""
    since = timezone.localdate() - dt.timedelta(days=days - 1)
    rows = Usage.objects.filter(service=service, day__gte=since).values_list("day", "what")
    found: defaultdict[dt.date, dict[str, int]] = defaultdict(dict)
    for day, what, times in rows.annotate(times=Sum("count")).order_by("-day", "what"):
        found[day][what] = times
    return dict(found)


def purge(*, before: dt.datetime, dry_run: bool) -> int:
    """Delete the counts of days before this moment's; returns how many. By service, for that is what the index begins
    with."""
    day, old = timezone.localdate(before), 0
    for service in ConnectedService.objects.order_by("pk").values_list("pk", flat=True):
        old += purging.delete(Usage.objects.filter(service=service, day__lt=day), dry_run=dry_run)
    return old


def in_words(what: str) -> str:
    """What is counted, for administrators; an error by its code."""
    return str(_WORDS[what]) if what in _WORDS else what.partition(":")[2]
