"""What waits because a gateway was out goes at once when it works again, not after the pauses that had grown meanwhile.

A gateway is back when one of its breakers closes, or when it takes a message after `limits.SMS_OUTAGE` in which this
process heard nothing but failures (with little traffic a breaker never opens).
"""

from __future__ import annotations

import threading
import time

from django.db.models import Q, QuerySet

from common import leases, limits
from common.process_state import register_reset
from sms import configuration
from sms.models import Message, MessageState

_lock = threading.Lock()
_failing_since: dict[tuple[str, str], float] = {}


def failed(gateway: str, operator: str) -> None:
    """A call of `gateway` for `operator` came to nothing."""
    with _lock:
        _failing_since.setdefault((gateway, operator), time.monotonic())


def works(gateway: str, operator: str, *, closed: bool) -> None:
    """`gateway` has taken a message to `operator`. `closed`: its breaker was open until this call."""
    with _lock:
        since = _failing_since.pop((gateway, operator), None)
    if closed or (since is not None and time.monotonic() - since >= limits.SMS_OUTAGE.total_seconds()):
        let_go(gateway, operator)


def try_one(gateway: str, operator: str = "", *, kind: str = "") -> int:
    """Make one of the messages due that wait for `gateway`: its breaker allows a trial, and everything that could make
    it waits for longer. Returns how many, 0 or 1."""
    first = _put_off(gateway, operator, kind).order_by("priority", "id").values("pk")[:1]
    return leases.bring_forward(Message.objects.filter(pk__in=first))


def let_go(gateway: str, operator: str = "", *, kind: str = "") -> int:
    """Make due what was put off and may go by `gateway`, whichever gateways were tried before: the last one that failed
    is not always the one that is back. For one operator or, if that is empty, for all whose route has it; of one `kind`
    or of all. Returns how many. What is in doubt keeps its pause: it is asked about."""
    return leases.bring_forward(_put_off(gateway, operator, kind), later_than=limits.SMS_LET_GO_LATER_THAN)


def _put_off(gateway: str, operator: str, kind: str) -> QuerySet[Message]:
    rows = Message.objects.filter(state=MessageState.QUEUED, attempts__gt=0)
    rows = rows.filter(operator=operator) if operator else rows.filter(_by_route(gateway))
    return rows.filter(kind=kind) if kind else rows


def _by_route(gateway: str) -> Q:
    """Messages to operators whose route has `gateway`."""
    named = {name: _has(name, gateway) for name in configuration.operators()}
    if _has(configuration.ANY, gateway):
        return ~Q(operator__in=[name for name, has in named.items() if not has])
    return Q(operator__in=[name for name, has in named.items() if has])


def _has(operator: str, gateway: str) -> bool:
    return any(gateway == name for tier in configuration.route(operator) for name, _weight in tier)


@register_reset
def forget() -> None:
    """Forget what failed."""
    with _lock:
        _failing_since.clear()
