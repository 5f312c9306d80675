"""How long a queued code waits for its turn at the lines of its gateways, for the page that tells its owner."""

from __future__ import annotations

import math

from django.db.models import Sum

from sms import configuration, lines, routing
from sms.models import Message, MessageKind


def seconds(message: Message) -> int:
    """About so many seconds until `message`, a code that is still queued, is sent: the parts of the codes before it at
    the rates of its gateways together. 0: one of them takes as many as there are, or nobody knows. Where all are
    limited it costs a statement."""
    if any(lines.rate(name) is None for tier in configuration.route(message.operator) for name, _weight in tier):
        return 0
    gateways = [gateway.name for gateway in routing.route(message.operator, message.kind)]
    limited = [rate for name in gateways if (rate := lines.rate(name)) is not None]
    if not limited:
        return 0
    before = Message.objects.filter(
        kind=MessageKind.CODE, next_attempt_at__isnull=False, created_at__lte=message.created_at
    )
    parts = before.aggregate(parts=Sum("parts"))["parts"] or 0
    return math.ceil(parts / sum(limited) + min(lines.wait(name, is_code=True) for name in gateways))
