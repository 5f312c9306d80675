"""Magfa (many at once, asked by key) and SMS.ir (templates, no key) by the contract, with their documented answers,
over a real socket and through the real drain."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from common import alarms
from sms import texts
from sms.gateways.base import (
    Accepted,
    Delivery,
    Found,
    NoAnswer,
    NotFound,
    OutOfOrder,
    Refused,
    Sms,
    TryAgain,
    Unknown,
)
from sms.gateways.magfa import MagfaGateway
from sms.gateways.smsir import SmsIrGateway
from sms.models import Message, MessageKind, MessageState
from sms.reports import polling
from sms.sending import drain
from tests.support.sms_fixtures import CODE_TEXT, make_due, queue
from tests.support.sms_gateways import StubGateway

pytestmark = pytest.mark.django_db(transaction=True)


def magfa(url: str) -> MagfaGateway:
    given = {"URL": url, "USER": "user", "DOMAIN": "domain", "PASSWORD": "pw", "SENDER": "3000"}
    return MagfaGateway(name="magfa", options=given)


def smsir(url: str, **options: str) -> SmsIrGateway:
    given = {"URL": url, "KEY": "secret", "LINE": "3000", "TEMPLATE": "5", "TEMPLATE_LABEL": "FOR"}
    return SmsIrGateway(name="smsir", options=given | options)


class Service(BaseHTTPRequestHandler):
    """Speaks as both; `loses` answers of sends are not given, `refuses` is what it says instead of taking anything."""

    protocol_version = "HTTP/1.1"
    requests: list[Any] = []
    mids: dict[str, int] = {}
    loses = refuses = code_of_last = 0
    refuses_all_with = ""  # a number: a request that has it is refused as a whole
    http = 200
    headers_too: dict[str, str] = {}

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append(asked)
        assert self.headers["Authorization"] == "Basic dXNlci9kb21haW46cHc=" or self.headers["X-API-KEY"] == "secret"
        if self.refuses and not (self.refuses == 113 and self.path.endswith("/send/bulk")):
            return self._say({"status": self.refuses, "messages": None})
        if self.refuses_all_with in asked.get("recipients", ()):
            return self._say({"status": 1})
        if self.path.endswith("/v2/send"):
            said: object = {"status": 0, "messages": [self._take(str(uid), n) for n, uid in enumerate(asked["uids"])]}
        else:
            id_ = 1000 + len(self.requests)
            data = {"messageId": id_} if self.path.endswith("verify") else {"packId": "p", "messageIds": [id_]}
            said = {"status": 1, "data": data | {"cost": 1.0}}
        if Service.loses:
            Service.loses -= 1
            self.close_connection = True
            return None
        return self._say(said)

    def _take(self, uid: str, n: int) -> dict[str, int]:
        if n % 10 == 9:
            return {"status": self.code_of_last or 27, "id": 0}
        return {"status": 0, "id": self.mids.setdefault(uid, 1000 + len(self.mids))}

    def do_GET(self) -> None:
        what, which = self.path.split("/")[-2:]
        if what == "mid":
            self._say({"status": 0, "mid": self.mids.get(which, -1)})
        elif what == "statuses":
            self._say({"status": 0, "dlrs": [{"mid": int(mid), "status": 1} for mid in which.split(",")]})
        else:
            self._say({"status": 1, "data": {"messageId": int(which), "deliveryState": 1}})

    def _say(self, said: object) -> None:
        body = json.dumps(said).encode()
        self.send_response(self.http)
        for name, value in {"Content-Length": str(len(body)), **self.headers_too}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nothing on the console."""


@pytest.fixture
def url() -> Iterator[str]:
    Service.requests, Service.mids, Service.loses, Service.refuses = [], {}, 0, 0
    Service.http, Service.headers_too, Service.refuses_all_with = 200, {}, ""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def states() -> list[str]:
    return sorted(Message.objects.values_list("state", flat=True))


def test_magfa_takes_many_in_one_request_and_answers_for_each(use_gateways, url):
    use_gateways(magfa(url))
    for _ in range(40):
        queue()
    drain.drain()
    assert len(Service.requests) == 1
    assert states() == [MessageState.ACCEPTED] * 36 + [MessageState.FAILED] * 4


def test_a_number_for_which_magfa_refuses_a_whole_request_fails_no_other_message(use_gateways, url):
    use_gateways(magfa(url))
    Service.refuses_all_with = "989120000000"
    for _ in range(5):
        queue()
    queue(to="+989120000000")
    drain.drain()
    assert states() == [MessageState.ACCEPTED] * 5 + [MessageState.FAILED]
    assert [len(asked["uids"]) for asked in Service.requests] == [6, 1, 1, 1, 1, 1, 1]


def test_what_was_refused_with_others_goes_alone_by_a_later_call_if_that_takes_too_long(url, monkeypatch):
    gateway, batch = magfa(url), [an_sms() for _ in range(3)]
    Service.refuses = 33
    monkeypatch.setattr("sms.gateways.magfa._ALONE_WITHIN", -1.0)
    assert gateway.send_many(batch) == [TryAgain.this_message("refused with others")] * 3
    monkeypatch.undo()
    Service.refuses = 0
    assert gateway.send_many([*batch[:2], an_sms(), an_sms()]) == [Accepted((str(1000 + n),)) for n in (2, 3, 0, 1)]
    assert [len(asked["uids"]) for asked in Service.requests] == [3, 2, 1, 1]


def test_an_answer_of_magfa_that_got_lost_is_asked_for_by_our_key(use_gateways, url):
    use_gateways(magfa(url))
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
    use_gateways(smsir(url))
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


@pytest.mark.parametrize("service", [magfa, smsir])
def test_what_became_of_their_messages_is_asked_by_id(use_gateways, url, service):
    use_gateways(service(url))
    for kind in MessageKind.values:
        queue(kind)
    drain.drain()
    polling.poll()
    assert states() == [MessageState.DELIVERED] * 4


@pytest.mark.parametrize(("service", "code"), [(magfa, 14), (smsir, 102)])
def test_without_credit_nothing_is_lost_and_the_next_gateway_takes_it(use_gateways, url, service, code):
    Service.refuses = code
    use_gateways(service(url), StubGateway("other"))
    queue(MessageKind.CODE)
    queue()
    drain.drain()
    assert set(Message.objects.values_list("gateway", flat=True)) == {"other"}
    assert [alarm.detail for alarm in alarms.standing("sms")] == [str(code)]


def test_sms_ir_without_its_template_still_sends_results(use_gateways, url):
    Service.refuses = 113
    use_gateways(smsir(url), StubGateway("other"))
    queue(MessageKind.CODE)
    queue()
    drain.drain()
    gateways = Message.objects.values_list("kind", "gateway")
    assert set(gateways) == {(MessageKind.CODE, "other"), (MessageKind.RESULT, "smsir")}


def an_sms(kind: str = "result") -> Sms:
    return Sms(uuid.uuid4(), "+989121234567", CODE_TEXT, kind, code="482913", label="کد شناسه ثبت نام")


@pytest.mark.parametrize(
    ("build", "codes", "outcome"),
    [
        (magfa, "1 27 33", Refused),
        (magfa, "2 14 16 17 18 19 20 22 29", OutOfOrder),
        (magfa, "15 23", TryAgain.busy),
        (magfa, "28", TryAgain.this_message),
        (magfa, "3 24 99", Unknown),
        (smsir, "104 115", Refused),
        (smsir, "10 11 12 13 14 101 102 116", OutOfOrder),
        (smsir, "20", TryAgain.busy),
        (smsir, "114 117", TryAgain.this_message),
        (smsir, "99", Unknown),
    ],
)
def test_their_codes_are_their_tables(url, build, codes, outcome):
    gateway = build(url, **({"TEMPLATE": ""} if build is smsir else {}))
    for code in codes.split():
        Service.refuses = int(code)
        assert gateway.send(an_sms()) == outcome(code)


@pytest.mark.parametrize("build", [magfa, smsir])
def test_a_429_of_either_is_a_pause_and_a_page_is_doubt(url, build):
    Service.http, Service.headers_too, Service.refuses = 429, {"Retry-After": "9"}, 23 if build is magfa else 20
    assert build(url).send(an_sms()).after == timedelta(seconds=9)  # type: ignore[union-attr]
    Service.http, Service.refuses = 500, "<html>"  # type: ignore[assignment]
    assert build(url).send(an_sms()) == Unknown("http 500")


def test_magfa_is_given_lists_of_one_length_and_our_keys(url):
    sms = an_sms()
    assert magfa(url).send_many([sms, an_sms()]) == [Accepted(("1000",)), Accepted(("1001",))]
    [asked] = Service.requests
    assert {name: len(values) for name, values in asked.items()} == dict.fromkeys(asked, 2)
    assert (asked["uids"][0], asked["recipients"][0], asked["senders"][0]) == (
        sms.key.int >> 65,
        "989121234567",
        "3000",
    )
    assert magfa(url).look_up(key=sms.key) == Found(("1000",))
    assert magfa(url).look_up(key=uuid.uuid4()) == NotFound()
    assert magfa("http://127.0.0.1:1").look_up(key=sms.key) == NoAnswer("refused")


def test_sms_ir_sends_results_by_its_line_and_can_be_asked_by_id(url):
    assert smsir(url).send(an_sms()) == Accepted(("1001",))
    assert Service.requests == [{"lineNumber": 3000, "messageText": CODE_TEXT, "mobiles": ["9121234567"]}]
    assert smsir(url).look_up(key=uuid.uuid4(), provider_id="1001") == Found(("1001",), Delivery.DELIVERED)


@pytest.mark.parametrize("build", [magfa, smsir])
@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"status": "0"}', b'{"status": true}', b"[" * 90_000])
def test_what_is_not_their_answer_is_doubt(url, build, body, monkeypatch):
    monkeypatch.setattr(Service, "_say", lambda self, said: _raw(self, body))
    assert type(build(url).send(an_sms())) is Unknown
    assert build(url).poll(["1000"]) == []
    assert type(build(url).look_up(key=uuid.uuid4(), provider_id="1000")) is NoAnswer


def _raw(handler: Service, body: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def test_what_a_code_is_for_is_read_from_its_text():
    assert texts.label_in(CODE_TEXT) == "کد شناسه ثبت نام"
    written = texts.code(code="048291", purpose_label="بازیابی", host="p.ir")
    assert texts.label_in(written) == "کد شناسه بازیابی"
    assert texts.label_in("no code") == ""
