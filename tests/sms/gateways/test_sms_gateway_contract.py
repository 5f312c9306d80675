"""The contract fits the services that come later: Magfa (many at once, asked by key) and SMS.ir (templates, no key).

Each in small, with its documented answers, over a real socket and through the real drain.
"""

from __future__ import annotations

import json
import threading
import uuid
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from common import alarms, http_client
from sms import texts
from sms.gateways.base import (
    Abilities,
    Accepted,
    Delivery,
    Found,
    Gateway,
    LookUp,
    NoAnswer,
    NotFound,
    Outcome,
    OutOfOrder,
    Receipt,
    ReceiptsBy,
    Refused,
    Sms,
    TryAgain,
    Unknown,
)
from sms.models import Message, MessageKind, MessageState
from sms.reports import polling
from sms.sending import drain
from tests.support.sms_fixtures import CODE_TEXT, make_due, queue
from tests.support.sms_gateways import StubGateway

pytestmark = pytest.mark.django_db(transaction=True)


class Magfa(Gateway):
    """POST send {senders, recipients, messages, uids}, at most 100; GET mid/{uid}, statuses/{mid}; Basic auth."""

    REQUIRED = ("URL", "USER", "PASSWORD", "SENDER")
    batch = 100
    connections = 2
    on_network = True
    codes = {
        1: Refused,
        2: OutOfOrder,
        14: OutOfOrder,
        15: TryAgain,
        23: TryAgain.busy,
        27: Refused,
        28: TryAgain.this_message,
    }
    delivery = {1: Delivery.DELIVERED, 2: Delivery.UNDELIVERED, 8: Delivery.ON_ITS_WAY}

    def __init__(self, url: str) -> None:
        options = {"URL": url, "USER": "user/domain", "PASSWORD": "pw", "SENDER": "3000"}
        super().__init__(name="magfa", options=options)
        self.client, self.sender = http_client.Client(url), options["SENDER"]
        self.headers = {"Authorization": "Basic " + b64encode(b"user/domain:pw").decode()}

    def abilities(self, kind: str) -> Abilities:
        return Abilities(look_up_by_key=timedelta(hours=24), receipts=ReceiptsBy.POLL)

    def send(self, sms: Sms) -> Outcome:
        return self.send_many([sms])[0]

    def send_many(self, batch: Sequence[Sms]) -> list[Outcome]:
        fields = {"recipients": [s.to for s in batch], "messages": [s.text for s in batch]}
        body = {"uids": [sms.key.int >> 65 for sms in batch], "senders": [self.sender] * len(batch), **fields}
        try:
            answer = self.client.request("POST", "/send", body=json.dumps(body).encode(), headers=self.headers)
            said = json.loads(answer.body)
        except http_client.NotSent as fault:
            return [TryAgain(str(fault))] * len(batch)
        except (http_client.NoAnswer, ValueError) as fault:
            return [Unknown(str(fault))] * len(batch)
        if said["status"]:  # of the request as a whole
            return [self.codes.get(said["status"], Unknown)(str(said["status"]))] * len(batch)
        return [
            Accepted((str(row["id"]),)) if row["status"] == 0 else self.codes.get(row["status"], Unknown)()
            for row in said["messages"]
        ]

    def look_up(self, *, key: uuid.UUID, provider_id: str = "") -> LookUp:
        try:
            said = json.loads(self.client.request("GET", f"/mid/{key.int >> 65}", headers=self.headers).body)
        except (http_client.NotSent, http_client.NoAnswer, ValueError):
            return NoAnswer()
        return Found((str(said["mid"]),)) if said["mid"] > 0 else NotFound()

    def poll(self, provider_ids: Sequence[str]) -> list[Receipt]:
        said = json.loads(self.client.request("GET", f"/statuses/{','.join(provider_ids)}", headers=self.headers).body)
        return [Receipt(self.delivery[row["status"]], provider_id=str(row["mid"])) for row in said["dlrs"]]


class SmsIr(Gateway):
    """POST /send/verify with parameters of at most 25 characters, /send/bulk; GET /send/{id}; a key in a header."""

    REQUIRED = ("URL", "KEY")
    connections = 2
    on_network = True
    codes = {10: OutOfOrder, 20: TryAgain.busy, 102: OutOfOrder, 104: Refused, 113: TryAgain.this_message}

    def __init__(self, url: str) -> None:
        super().__init__(name="smsir", options={"URL": url, "KEY": "secret"})
        self.client, self.headers = http_client.Client(url), {"X-API-KEY": "secret"}

    def abilities(self, kind: str) -> Abilities:
        return Abilities(look_up_by_id=timedelta(hours=48), receipts=ReceiptsBy.POLL)

    def send(self, sms: Sms) -> Outcome:
        parameters = [{"name": "CODE", "value": sms.code}, {"name": "FOR", "value": sms.label[:25]}]
        verify = {"mobile": sms.to, "templateId": 5, "parameters": parameters}
        bulk = {"mobiles": [sms.to], "messageText": sms.text}
        path, body = ("/send/verify", verify) if sms.kind == MessageKind.CODE else ("/send/bulk", bulk)
        try:
            answer = self.client.request("POST", path, body=json.dumps(body).encode(), headers=self.headers)
            said = json.loads(answer.body)
            if said["status"] != 1:
                return self._not_taken(said["status"], sms.kind)
            return Accepted((str(said["data"]["messageId"]),))
        except http_client.NotSent as fault:
            return TryAgain(str(fault))
        except (http_client.NoAnswer, ValueError, LookupError, TypeError) as fault:
            return Unknown(type(fault).__name__)

    def _not_taken(self, code: int, kind: str) -> Outcome:
        if code in (114, 115):  # no such template: results go on without it
            return OutOfOrder(str(code), kind=kind)
        return self.codes.get(code, Unknown)(str(code))

    def poll(self, provider_ids: Sequence[str]) -> list[Receipt]:
        asked = {each: self.client.request("GET", f"/send/{each}", headers=self.headers) for each in provider_ids}
        states = {each: json.loads(answer.body)["data"]["deliveryState"] for each, answer in asked.items()}
        return [Receipt(Delivery.DELIVERED, provider_id=each) for each, state in states.items() if state == 1]


class Service(BaseHTTPRequestHandler):
    """Speaks as both; `loses` answers of sends are not given, `refuses` is what it says instead of taking anything."""

    protocol_version = "HTTP/1.1"
    requests: list[Any] = []
    mids: dict[str, int] = {}
    loses = refuses = 0

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append(asked)
        assert self.headers["Authorization"] == "Basic dXNlci9kb21haW46cHc=" or self.headers["X-API-KEY"] == "secret"
        if self.refuses and not (self.refuses == 114 and self.path == "/send/bulk"):
            return self._say({"status": self.refuses, "messages": None})
        if self.path == "/send":
            said: object = {"status": 0, "messages": [self._take(str(uid), n) for n, uid in enumerate(asked["uids"])]}
        else:
            said = {"status": 1, "data": {"messageId": 1000 + len(self.requests), "cost": 1.0}}
        if Service.loses:
            Service.loses -= 1
            self.close_connection = True
            return None
        return self._say(said)

    def _take(self, uid: str, n: int) -> dict[str, int]:
        if n % 10 == 9:
            return {"status": 27, "id": 0}
        return {"status": 0, "id": self.mids.setdefault(uid, 1000 + len(self.mids))}

    def do_GET(self) -> None:
        _, what, which = self.path.split("/")
        if what == "mid":
            self._say({"status": 0, "mid": self.mids.get(which, -1)})
        elif what == "statuses":
            self._say({"status": 0, "dlrs": [{"mid": int(mid), "status": 1} for mid in which.split(",")]})
        else:
            self._say({"status": 1, "data": {"messageId": int(which), "deliveryState": 1}})

    def _say(self, said: object) -> None:
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nothing on the console."""


@pytest.fixture
def url() -> Iterator[str]:
    Service.requests, Service.mids, Service.loses, Service.refuses = [], {}, 0, 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def states() -> list[str]:
    return sorted(Message.objects.values_list("state", flat=True))


def test_magfa_takes_many_in_one_request_and_answers_for_each(use_gateways, url):
    use_gateways(Magfa(url))
    for _ in range(40):
        queue()
    drain.drain()
    assert len(Service.requests) == 1
    assert states() == [MessageState.ACCEPTED] * 36 + [MessageState.FAILED] * 4


def test_an_answer_of_magfa_that_got_lost_is_asked_for_by_our_key(use_gateways, url):
    use_gateways(Magfa(url))
    Service.loses = 1
    messages = [queue(MessageKind.CODE) for _ in range(3)]
    drain.drain()
    assert states() == [MessageState.UNKNOWN] * 3
    for message in messages:
        make_due(message)
    drain.drain()
    assert states() == [MessageState.ACCEPTED] * 3
    assert len(Service.requests) == 1
    assert sorted(Message.objects.values_list("provider_id", flat=True)) == ["1000", "1001", "1002"]


def test_sms_ir_fills_a_template_and_what_it_did_not_answer_stays_unknown(use_gateways, url):
    use_gateways(SmsIr(url))
    queue(MessageKind.CODE)
    drain.drain()
    Service.loses = 1
    queue(MessageKind.CODE)
    drain.drain()
    assert Service.requests[0]["parameters"] == [
        {"name": "CODE", "value": "482913"},
        {"name": "FOR", "value": "کد شناسه ثبت نام"},
    ]
    assert states() == [MessageState.ACCEPTED, MessageState.UNKNOWN]
    assert len(Service.requests) == 2


@pytest.mark.parametrize("service", [Magfa, SmsIr])
def test_what_became_of_their_messages_is_asked_by_id(use_gateways, url, service):
    use_gateways(service(url))
    for kind in MessageKind.values:
        queue(kind)
    drain.drain()
    polling.poll()
    assert states() == [MessageState.DELIVERED] * 4


@pytest.mark.parametrize(("service", "code"), [(Magfa, 14), (SmsIr, 102)])
def test_without_credit_nothing_is_lost_and_the_next_gateway_takes_it(use_gateways, url, service, code):
    Service.refuses = code
    use_gateways(service(url), StubGateway("other"))
    queue(MessageKind.CODE)
    queue()
    drain.drain()
    assert set(Message.objects.values_list("gateway", flat=True)) == {"other"}
    assert [alarm.detail for alarm in alarms.standing("sms")] == [str(code)]


def test_sms_ir_without_its_template_still_sends_results(use_gateways, url):
    Service.refuses = 114
    use_gateways(SmsIr(url), StubGateway("other"))
    queue(MessageKind.CODE)
    queue()
    drain.drain()
    gateways = Message.objects.values_list("kind", "gateway")
    assert set(gateways) == {(MessageKind.CODE, "other"), (MessageKind.RESULT, "smsir")}


def test_what_a_code_is_for_is_read_from_its_text():
    assert texts.label_in(CODE_TEXT) == "کد شناسه ثبت نام"
    written = texts.code(code="048291", purpose_label="بازیابی", host="p.ir")
    assert texts.label_in(written) == "کد شناسه بازیابی"
    assert texts.label_in("no code") == ""
