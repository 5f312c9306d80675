"""What administrators do by hand: send a result again, send a test SMS, switch a gateway, close its breakers.

The management commands and the admin call these.
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from common import alarms, breaker, limits
from common.errors import PortalError
from common.hints import hint
from common.models import AlarmCode
from common.operators import OPERATORS
from sms import configuration, outages, outbox, parts, receipts, routing, seen, switches, texts
from sms.gateways import base
from sms.models import Attempt, AttemptOutcome, GatewaySwitch, Message, MessageKind, MessageState, Share, share_of

# States of messages that may be sent again, because no receipt will say that they arrived.
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
    """Queue the text of a result or notice again, as a message of its own. Doing it twice for one message queues one.

    Raises PortalError: not_found, code (its owner can ask for another), still_waiting (also: its receipt is not overdue
    yet), arrived, no_text (blanked: whatever caused the message must happen again).
    """
    old = Message.objects.filter(pk=message).first()
    if old is None:
        raise PortalError("not_found")
    if old.kind == MessageKind.CODE:
        raise PortalError("code")
    if old.next_attempt_at is not None or _is_awaited(old):
        raise PortalError("still_waiting")
    if old.state not in _ENDED_BADLY:
        raise PortalError("arrived")
    if not old.text:
        raise PortalError("no_text")
    return outbox.enqueue(
        to=old.to,
        kind=old.kind,
        text=old.text,
        operator=old.operator,
        dedupe_key=f"resend:{old.pk}",
        share=share_of(old.kind, old.share),
    )


def _is_awaited(message: Message) -> bool:
    """Whether the message was accepted so recently that its receipt may still come."""
    accepted = message.state == MessageState.ACCEPTED and message.final_at is None
    return accepted and (message.sent_at or timezone.now()) > timezone.now() - limits.RECEIPT_DUE_WITHIN


def send_test(*, to: str, gateway: str = "", operator: str = "", code: bool = False) -> tuple[Message, base.Outcome]:
    """Send a test text to `to` (E.164) now, through `gateway` or the first gateway of the route, and return the answer.

    `code`: send it as codes are sent, perhaps by another line or a template of the gateway; the code opens nothing.
    Breaker and switches of a given `gateway` are ignored, so that it can be tried before it is switched on. The breaker
    is told of a success and of a refusal of our account; other failures of a test do not close the gateway to citizens.
    Raises PortalError: no_operator, no_gateway.
    """
    _known_operator(operator)
    kind = MessageKind.CODE if code else MessageKind.NOTICE
    chosen = routing.by_name(gateway) if gateway else next(iter(routing.route(operator, kind)), None)
    if chosen is None:
        raise PortalError("no_gateway")
    message = _test_message(kind, to=to, operator=operator, gateway=chosen.name)
    attempt = Attempt.objects.create(message=message, gateway=chosen.name)
    outcome = chosen.send(_sms(message))
    if isinstance(outcome, base.Accepted | base.OutOfOrder):
        routing.heard(chosen.name, operator, outcome, message.kind)
    _record(message, attempt, outcome, chosen)
    return message, outcome


def _test_message(kind: MessageKind, *, to: str, operator: str, gateway: str) -> Message:
    text = texts.test_code(host=settings.PUBLIC_HOST) if kind == MessageKind.CODE else texts.test()
    now = timezone.now()
    return Message.objects.create(
        dedupe_key=seen.test_key(gateway),
        kind=kind,
        share=Share.RESULTS,
        priority=outbox.PRIORITY[kind],
        to=to,
        operator=operator,
        text=text,
        parts=parts.count(text),
        attempts=1,
        state=MessageState.UNKNOWN,  # until the answer is written; it is never due, so no worker touches it
        gateway=gateway,
        sent_at=now,
        final_at=now,
    )


def _sms(message: Message) -> base.Sms:
    code, label = "", ""
    if message.kind == MessageKind.CODE:
        code, label = texts.code_in(message.text), texts.label_in(message.text)
    return base.Sms(message.key, message.to, message.text, message.kind, message.operator, code, label)


def _record(message: Message, attempt: Attempt, outcome: base.Outcome, gateway: base.Gateway) -> None:
    """Write the answer, unless a delivery report was quicker: what the report said stays."""
    now = timezone.now()
    its_outcome, state = _ENDS[type(outcome)]
    receipt_is_due = gateway.abilities(message.kind).receipts is not base.ReceiptsBy.NONE
    ids = outcome.provider_ids if isinstance(outcome, base.Accepted) else ()
    with transaction.atomic():
        unfinished = Attempt.objects.filter(pk=attempt.pk, outcome=AttemptOutcome.UNFINISHED)
        unfinished.update(outcome=its_outcome, detail=outcome.detail[:120], finished_at=now)
        Message.objects.filter(pk=message.pk, provider_id="").update(provider_id=" ".join(ids))
        receipts.expect([(message.pk, gateway.name, ids)])
        Message.objects.filter(pk=message.pk, state=MessageState.UNKNOWN).update(
            state=state,
            sent_at=now if state != MessageState.FAILED else None,
            final_at=None if state == MessageState.ACCEPTED and receipt_is_due else now,
        )
    message.refresh_from_db()


def switch(*, gateway: str, operator: str = "", is_on: bool) -> GatewaySwitch:
    """Switch a gateway off or on; all workers follow within a second. Switching on also closes its breakers.

    Raises PortalError: no_gateway, no_operator.
    """
    _known(gateway)
    _known_operator(operator)
    if is_on:
        close_breakers(gateway=gateway, operator=operator)
    return switches.switch(gateway, operator, is_on=is_on)


def weigh(*, gateway: str, operator: str = "", weight: int | None) -> GatewaySwitch:
    """Set the weight among gateways of the same tier; None: as in the settings. Raises PortalError: no_gateway,
    no_operator."""
    _known(gateway)
    _known_operator(operator)
    return switches.switch(gateway, operator, weight=weight)


def close_breakers(*, gateway: str, operator: str = "") -> None:
    """Close the breakers of `gateway`, for one operator or for all, so that messages go through it again at once."""
    alarms.clear(AlarmCode.OUT_OF_ORDER, gateway)
    for kind in MessageKind.values:
        breaker.close(routing.breaker_of_kind(gateway, kind))
        alarms.clear(AlarmCode.OUT_OF_ORDER, routing.subject_of_kind(gateway, kind))
    if operator:
        for name in routing.breakers(gateway, operator):
            breaker.close(name)
    else:
        breaker.close_all(f"sms:{gateway}:")
    outages.let_go(gateway, operator)
    hint("sms.drain")


def _known(gateway: str) -> None:
    if gateway not in configuration.names():
        raise PortalError("no_gateway")


def _known_operator(operator: str) -> None:
    if operator and operator not in OPERATORS:
        raise PortalError("no_operator")
