"""The contract fits the services that come later: Magfa (many at once, asked by key) and SMS.ir (templates, no key).

Each in small, with its documented answers, over a real socket and through the real drain.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sms import delivery, texts
from sms.gateways import client
from sms.gateways.base import (
    Abilities,
    Accepted,
    Found,
    Gateway,
    LookUp,
    NoAnswer,
    NotFound,
    Outcome,
    OutOfOrder,
    ReceiptsBy,
    Refused,
    Sms,
    TryAgain,
    Unknown,
)
from sms.models import Message, MessageKind, MessageState
from tests import sms_fixtures
from tests.sms_fixtures import CODE_TEXT, make_due, queue

pytestmark = pytest.mark.django_db(transaction=True)
use_gateways = sms_fixtures.use_gateways


class Magfa(Gateway):
    """POST send {recipients, messages, uids}, at most 100; GET mid/{uid}."""

    REQUIRED = ("URL",)
    batch = 100
    connections = 2
    codes = {1: Refused, 14: OutOfOrder, 15: TryAgain, 27: Refused}

    def __init__(self, url: str) -> None:
        super().__init__(name="magfa", options={"URL": url})
        self.client = client.Client(url)

    def abilities(self, kind: str) -> Abilities:
        return Abilities(look_up_by_key=timedelta(hours=24), receipts=ReceiptsBy.POLL)

    def send(self, sms: Sms) -> Outcome:
        return self.send_many([sms])[0]

    def send_many(self, batch: Sequence[Sms]) -> list[Outcome]:
        fields = {"recipients": [s.to for s in batch], "messages": [s.text for s in batch]}
        body = json.dumps(fields | {"uids": [sms.key.int >> 65 for sms in batch]}).encode()
        try:
            said = json.loads(self.client.request("POST", "/send", body=body).body)
        except client.NotSent as fault:
            return [TryAgain(str(fault))] * len(batch)
        except (client.NoAnswer, ValueError) as fault:
            return [Unknown(str(fault))] * len(batch)
        return [
            Accepted((str(row["id"]),)) if row["status"] == 0 else self.codes.get(row["status"], Unknown)()
            for row in said["messages"]
        ]

    def look_up(self, *, key: uuid.UUID, provider_id: str = "") -> LookUp:
        try:
            said = json.loads(self.client.request("GET", f"/mid/{key.int >> 65}").body)
        except (client.NotSent, client.NoAnswer, ValueError):
            return NoAnswer()
        return Found((str(said["mid"]),)) if said["mid"] > 0 else NotFound()


class SmsIr(Gateway):
    """POST /send/verify with parameters of at most 25 characters."""

    REQUIRED = ("URL",)

    def __init__(self, url: str) -> None:
        super().__init__(name="smsir", options={"URL": url})
        self.client = client.Client(url)

    def abilities(self, kind: str) -> Abilities:
        return Abilities(look_up_by_id=timedelta(hours=48), receipts=ReceiptsBy.POLL)

    def send(self, sms: Sms) -> Outcome:
        parameters = [{"name": "CODE", "value": sms.code}, {"name": "FOR", "value": sms.label[:25]}]
        try:
            answer = self.client.request("POST", "/verify", body=json.dumps(parameters).encode())
            return Accepted((str(json.loads(answer.body)["data"]["messageId"]),))
        except client.NotSent as fault:
            return TryAgain(str(fault))
        except (client.NoAnswer, ValueError, LookupError, TypeError) as fault:
            return Unknown(type(fault).__name__)


class Service(BaseHTTPRequestHandler):
    """Speaks as both; `loses` answers of sends are not given."""

    protocol_version = "HTTP/1.1"
    requests: list[object] = []
    mids: dict[str, int] = {}
    loses = 0

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append(asked)
        if self.path == "/verify":
            said: object = {"status": 1, "data": {"messageId": 7, "cost": 1.0}}
        else:
            said = {"status": 0, "messages": [self._take(str(uid), n) for n, uid in enumerate(asked["uids"])]}
        if Service.loses:
            Service.loses -= 1
            self.close_connection = True
            return
        self._say(said)

    def _take(self, uid: str, n: int) -> dict[str, int]:
        if n % 10 == 9:
            return {"status": 27, "id": 0}
        return {"status": 0, "id": self.mids.setdefault(uid, 1000 + len(self.mids))}

    def do_GET(self) -> None:
        self._say({"status": 0, "mid": self.mids.get(self.path.rpartition("/")[2], -1)})

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
    Service.requests, Service.mids, Service.loses = [], {}, 0
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
    delivery.drain()
    assert len(Service.requests) == 1
    assert states() == [MessageState.ACCEPTED] * 36 + [MessageState.FAILED] * 4


def test_an_answer_of_magfa_that_got_lost_is_asked_for_by_our_key(use_gateways, url):
    use_gateways(Magfa(url))
    Service.loses = 1
    messages = [queue(MessageKind.CODE) for _ in range(3)]
    delivery.drain()
    assert states() == [MessageState.UNKNOWN] * 3
    for message in messages:
        make_due(message)
    delivery.drain()
    assert states() == [MessageState.ACCEPTED] * 3
    assert len(Service.requests) == 1
    assert sorted(Message.objects.values_list("provider_id", flat=True)) == ["1000", "1001", "1002"]


def test_sms_ir_fills_a_template_and_what_it_did_not_answer_stays_unknown(use_gateways, url):
    use_gateways(SmsIr(url))
    queue(MessageKind.CODE)
    delivery.drain()
    Service.loses = 1
    queue(MessageKind.CODE)
    delivery.drain()
    assert Service.requests[0] == [{"name": "CODE", "value": "482913"}, {"name": "FOR", "value": "کد شناسه ثبت نام"}]
    assert states() == [MessageState.ACCEPTED, MessageState.UNKNOWN]
    assert len(Service.requests) == 2


def test_what_a_code_is_for_is_read_from_its_text():
    assert texts.label_in(CODE_TEXT) == "کد شناسه ثبت نام"
    written = texts.code(code="048291", purpose_label="بازیابی", host="p.ir")
    assert texts.label_in(written) == "کد شناسه بازیابی"
    assert texts.label_in("no code") == ""
