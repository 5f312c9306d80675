"""Messages whose receipt is overdue are asked about, where an SMPP gateway knows `query_sm`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from common import limits
from sms import routing
from sms.gateways.base import Delivery, Receipt
from sms.models import Message, MessageState
from sms.reports import polling
from sms.sending import drain
from tests.support.raw_smsc import RESPONSE, Pdu, pdu
from tests.support.smpp_binds import bound
from tests.support.sms_fixtures import queue

pytestmark = pytest.mark.usefixtures("smpp_patience")
QUERY = 0x03


def says(state: int) -> Callable[[Pdu], bytes]:
    return lambda request: pdu(RESPONSE | QUERY, request.sequence, b"7\0\0" + bytes([state, 0]))


@pytest.mark.parametrize(
    ("state", "report"),
    [
        (0, Receipt(Delivery.ON_ITS_WAY, "7", detail="SCHEDULED")),
        (2, Receipt(Delivery.DELIVERED, "7", detail="DELIVRD")),
        (5, Receipt(Delivery.UNDELIVERED, "7", detail="UNDELIV")),
        (9, Receipt(Delivery.UNDELIVERED, "7", detail="SKIPPED")),
        (10, None),
    ],
)
def test_the_answer_to_a_question_is_a_report(smsc, state, report):
    smsc.answers[QUERY] = says(state)
    with bound(smsc.port) as gateway:
        gateway._connected()
        assert gateway.poll(["7"]) == ([report] if report else [])
        [request] = smsc.of(QUERY)
        assert request.body == b"7\0\0\0011000\0"


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: pdu(RESPONSE, request.sequence, status=3),
        lambda request: pdu(RESPONSE | QUERY, request.sequence, status=3),
        lambda request: pdu(RESPONSE | QUERY, request.sequence, b""),
    ],
    ids=["nack", "unknown command", "empty"],
)
def test_a_gateway_that_knows_no_questions_is_left_alone(smsc, answer):
    smsc.answers[QUERY] = answer
    with bound(smsc.port) as gateway:
        gateway._connected()
        assert gateway.poll(["7", "8"]) == []
        assert gateway.poll(["7", "8"]) == []
        assert len(smsc.of(QUERY)) == (4 if answer(Pdu(1, 3, 0, 1, b""))[8:12] == bytes(4) else 1)


@pytest.mark.parametrize("options", [{"QUERY": "off"}, {"RECEIPT_IDS": "hex"}])
def test_nobody_is_asked_where_that_is_off_or_the_ids_are_not_the_gateways(smsc, options):
    with bound(smsc.port, **options) as gateway:
        gateway._connected()
        assert gateway.poll(["7"]) == []
    with bound(smsc.port) as gateway:
        assert gateway.poll(["7"]) == []  # and nothing is bound for it
    assert smsc.of(QUERY) == []


@pytest.mark.django_db(transaction=True)
def test_an_overdue_receipt_is_asked_for_and_no_other(smsc, settings):
    smsc.answers[QUERY] = says(2)
    settings.SMS_GATEWAYS = ["op"]
    settings.SMS_ENVIRONMENT = {
        "SMS_OP_KIND": "smpp", "SMS_OP_HOST": "127.0.0.1", "SMS_OP_PORT": str(smsc.port),
        "SMS_OP_SYSTEM_ID": "u", "SMS_OP_PASSWORD": "pw", "SMS_OP_SENDER": "1000",
    }  # fmt: skip
    message = queue()
    drain.drain()
    assert polling.poll() == 0
    ago = timezone.now() - limits.RECEIPT_DUE_WITHIN - timedelta(seconds=1)
    Message.objects.update(sent_at=ago)
    assert polling.poll() == 1
    message.refresh_from_db()
    assert message.state == MessageState.DELIVERED
    routing._built.pop("op").close()
