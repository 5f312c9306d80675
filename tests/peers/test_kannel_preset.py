"""The preset `kannel` against Debian's Kannel: what a phone reads, what a full queue is, what becomes of a receipt."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.utils import timezone

from sms import seen, texts
from sms.gateways.base import Accepted, Delivery, OutOfOrder, PushedReceipt, Sms, TryAgain
from sms.gateways.http import HttpGateway
from sms.gateways.kannel import KannelGateway
from sms.models import Message, MessageState
from sms.sending import drain
from tests.support.kannel import PASSWORD, USER, Kannel, kannel, wait_for_sms
from tests.support.sms_fixtures import queue
from tests.support.sms_gateways import StubGateway

pytestmark = pytest.mark.peers
PHONE = "09121234567"
FULL_AT = "sms-outgoing-queue-limit = 2"
SENTENCE = "می‌خواهیم بدانیم که «۱۲۳» و 456 و نیم‌فاصله درست می‌رسند: " + "ش" * 71


def an_sms(**values: object) -> Sms:
    given = {"key": uuid.uuid4(), "to": "+989121234567", "text": SENTENCE, "kind": "result"}
    return Sms(valid_until=timezone.now() + timedelta(minutes=10), **given | values)  # type: ignore[arg-type]


def preset(box: Kannel, **options: str) -> KannelGateway:
    given = {"URL": box.url, "USER": USER, "PASSWORD": PASSWORD, "SENDER": "30001000"}
    return KannelGateway(name="kannel", options=given | options)


def test_a_phone_reads_the_sentence_word_for_word_and_latin_in_one_part(tmp_path):
    with kannel(tmp_path) as box:
        assert preset(box).send(an_sms()) == Accepted()
        assert preset(box).send(an_sms(text="code 482913")) == Accepted()
        assert wait_for_sms(box, PHONE, 2) == [SENTENCE, "code 482913"]


def test_a_url_without_the_coding_sends_question_marks_and_is_accepted(tmp_path):
    """Why there is a preset, and a test message that somebody has to read."""
    with kannel(tmp_path) as box:
        url = f"{box.url}/cgi-bin/sendsms?username={USER}&password={PASSWORD}&from=3000&to={{to}}&text={{text}}"
        assert HttpGateway(name="box", options={"URL": url}).send(an_sms(text="سلام")) == Accepted()
        assert wait_for_sms(box, PHONE, 1) == ["????"]


def test_a_full_queue_is_a_certain_no_and_a_wrong_password_is_our_account(tmp_path):
    with kannel(tmp_path, FULL_AT, phones=False) as box:
        gateway = preset(box)
        outcomes = [gateway.send(an_sms(text="سلام")) for _ in range(5)]
        assert preset(box, PASSWORD="wrong").send(an_sms()) == OutOfOrder("http 403 user or password")
        box.connect_phones()
        arrived = wait_for_sms(box, PHONE, outcomes.count(Accepted()))
    assert outcomes[0] == Accepted()
    assert outcomes[-1] == TryAgain.busy("http 503 queue full")
    assert set(outcomes) == {Accepted(), TryAgain.busy("http 503 queue full")}
    assert len(arrived) == outcomes.count(Accepted())


@pytest.mark.django_db(transaction=True)
def test_a_new_kannel_gets_traffic_when_the_number_on_the_phone_was_typed(settings, tmp_path):
    settings.DEMO, settings.SMS_GATEWAYS = False, ["box"]
    seen.forget()
    with kannel(tmp_path) as box:
        settings.SMS_ENVIRONMENT = box.settings("box")
        message = queue(text=SENTENCE)
        drain.drain()
        assert box.sms(PHONE) == []
        call_command("sms_send_test", "--gateway", "box", "--to", PHONE, stdout=StringIO())
        [read] = wait_for_sms(box, PHONE, 1)
        number = texts.number_in_test(read)
        call_command("sms_send_test", "--gateway", "box", "--confirm", number, stdout=StringIO())
        drain.drain()
        assert wait_for_sms(box, PHONE, 2)[1] == SENTENCE
    message.refresh_from_db()
    assert message.state == MessageState.ACCEPTED


@pytest.mark.django_db(transaction=True)
def test_what_a_full_kannel_refuses_goes_by_the_next_gateway(use_gateways, tmp_path):
    """All of it became "unknown" before, and nobody sent it again."""
    second = StubGateway("second")
    with kannel(tmp_path, FULL_AT, phones=False) as box:
        use_gateways(preset(box), second)
        for _ in range(20):
            queue(text="سلام")
        drain.drain()
    states = set(Message.objects.values_list("state", flat=True))
    assert states == {MessageState.ACCEPTED}
    assert len(second.sent) == Message.objects.filter(gateway="second").count() > 10


class Receiver(BaseHTTPRequestHandler):
    """Our receipt URL."""

    got: list[str] = []
    came = threading.Event()

    def do_GET(self) -> None:
        self.got.append(urlsplit(self.path).query)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
        self.came.set()

    def log_message(self, *args: object) -> None:
        """Nothing on the console."""


@pytest.fixture
def receiver() -> Iterator[str]:
    Receiver.got, Receiver.came = [], threading.Event()
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/sms/receipts/kannel/TOKEN/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_its_receipt_says_which_message_was_delivered(receiver, tmp_path):
    with kannel(tmp_path) as box:
        gateway, sms = preset(box, RECEIPT_URL=receiver), an_sms()
        assert gateway.send(sms) == Accepted()
        assert Receiver.came.wait(15)
    pushed = PushedReceipt(method="GET", query=Receiver.got[0], content_type="", body=b"")
    [receipt] = gateway.read_receipts(pushed)
    assert (receipt.key, receipt.delivery) == (sms.key, Delivery.DELIVERED)
