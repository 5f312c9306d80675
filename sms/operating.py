"""What operators do by hand: send a result again, try a gateway, switch one. Commands and the admin call these."""

from __future__ import annotations

import uuid

from django.utils import timezone

from sms import alarms, configuration, outbox, parts, receipts, routing, switches, texts
from sms.gateways import base
from sms.models import AlarmCode, Attempt, AttemptOutcome, GatewaySwitch, Message, MessageKind, MessageState
from tamin_portal import breaker
from tamin_portal.errors import PortalError

# What may be sent again: nobody will ever say that these arrived.
_ENDED_BADLY = (
    MessageState.ACCEPTED,
    MessageState.UNDELIVERED,
    MessageState.UNKNOWN,
    MessageState.FAILED,
    MessageState.EXPIRED,
)
_ENDS = {
    base.Accepted: (AttemptOutcome.ACCEPTED, MessageState.ACCEPTED),
    base.TryAgain: (AttemptOutcome.TRY_AGAIN, MessageState.FAILED),
    base.Refused: (AttemptOutcome.REFUSED, MessageState.FAILED),
    base.OutOfOrder: (AttemptOutcome.OUT_OF_ORDER, MessageState.FAILED),
    base.Unknown: (AttemptOutcome.UNKNOWN, MessageState.UNKNOWN),
}


def resend(*, message: int) -> Message:
    """Queue the text of a result or notice anew, as a message of its own; twice by mistake is once.

    Raises PortalError: not_found, code (its owner asks for another), still_waiting, arrived, no_text
    (blanked: whoever caused the message must cause it again).
    """
    old = Message.objects.filter(pk=message).first()
    if old is None:
        raise PortalError("not_found")
    if old.kind == MessageKind.CODE:
        raise PortalError("code")
    if old.next_attempt_at is not None:
        raise PortalError("still_waiting")
    if old.state not in _ENDED_BADLY:
        raise PortalError("arrived")
    if not old.text:
        raise PortalError("no_text")
    return outbox.enqueue(to=old.to, kind=old.kind, text=old.text, operator=old.operator, dedupe_key=f"resend:{old.pk}")


def send_test(*, to: str, gateway: str = "", operator: str = "") -> tuple[Message, base.Outcome]:
    """Send a test text to `to` (E.164) now, by `gateway` or the first of the route, and say what it answered.

    The breaker and the switches are not asked, so that a gateway can be tried before it is switched
    on; the breaker hears the answer. Raises PortalError: no_gateway.
    """
    chosen = routing.by_name(gateway) if gateway else next(iter(routing.route(operator, MessageKind.NOTICE)), None)
    if chosen is None:
        raise PortalError("no_gateway")
    text = texts.test()
    message = Message.objects.create(
        dedupe_key=f"test:{uuid.uuid4()}",
        kind=MessageKind.NOTICE,
        priority=outbox.PRIORITY[MessageKind.NOTICE],
        to=to,
        operator=operator,
        text=text,
        parts=parts.count(text),
        state=MessageState.UNKNOWN,  # until the answer is written; it is never due, so no worker touches it
        gateway=chosen.name,
        sent_at=timezone.now(),
        final_at=timezone.now(),
    )
    attempt = Attempt.objects.create(message=message, gateway=chosen.name)
    outcome = chosen.send(base.Sms(message.key, to, text, message.kind, operator))
    routing.heard(chosen.name, operator, outcome, message.kind)
    _record(message, attempt, outcome, chosen)
    return message, outcome


def _record(message: Message, attempt: Attempt, outcome: base.Outcome, gateway: base.Gateway) -> None:
    now = timezone.now()
    attempt.outcome, message.state = _ENDS[type(outcome)]
    attempt.detail, attempt.finished_at = outcome.detail[:120], now
    attempt.save()
    message.sent_at = now if message.state != MessageState.FAILED else None
    receipt_is_due = gateway.abilities(message.kind).receipts is not base.ReceiptsBy.NONE
    if isinstance(outcome, base.Accepted):
        message.provider_id = " ".join(outcome.provider_ids)
        receipts.expect([(message.pk, gateway.name, outcome.provider_ids)])
    message.final_at = None if message.state == MessageState.ACCEPTED and receipt_is_due else now
    message.save()


def switch(*, gateway: str, operator: str = "", is_on: bool) -> GatewaySwitch:
    """Off or on, within a second and for all workers. On also closes its breakers: the fault is mended.

    Raises PortalError: no_gateway.
    """
    _known(gateway)
    if is_on:
        close_breakers(gateway=gateway, operator=operator)
    return switches.switch(gateway, operator, is_on=is_on)


def weigh(*, gateway: str, operator: str = "", weight: int | None) -> GatewaySwitch:
    """Another share among gateways of the same rank; None: as in the settings. Raises PortalError: no_gateway."""
    _known(gateway)
    return switches.switch(gateway, operator, weight=weight)


def close_breakers(*, gateway: str, operator: str = "") -> None:
    """Let messages go by `gateway` again at once, to one operator or to all; what is still wrong will tell itself."""
    alarms.clear(AlarmCode.OUT_OF_ORDER, gateway)
    for kind in MessageKind.values:
        breaker.close(routing.line_of_kind(gateway, kind))
        alarms.clear(AlarmCode.OUT_OF_ORDER, routing.subject_of_kind(gateway, kind))
    if operator:
        for name in routing.lines(gateway, operator):
            breaker.close(name)
    else:
        breaker.close_all(f"sms:{gateway}:")


def _known(gateway: str) -> None:
    if gateway not in configuration.names():
        raise PortalError("no_gateway")
