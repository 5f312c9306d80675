"""HTTP boxes by product: each documented answer is an outcome of its own, and a text goes as the product wants it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from sms import configuration
from sms.gateways.base import Accepted, Delivery, Gateway, Malformed, OutOfOrder, PushedReceipt, Sms, TryAgain, Unknown
from sms.gateways.gammu import GammuGateway
from sms.gateways.http import HttpGateway
from sms.gateways.jasmin import JasminGateway
from sms.gateways.kannel import KannelGateway
from sms.gateways.kavenegar import KavenegarGateway
from sms.gateways.playsms import PlaySmsGateway
from sms.gateways.smseagle import SmsEagleGateway
from sms.models import Message, MessageKind, MessageState
from sms.sending import drain
from tests.support.sms_fixtures import queue
from tests.support.sms_gateways import StubGateway

PERSIAN = "کد شما: ۴۸۲۹ می‌رسد"


class Peer(BaseHTTPRequestHandler):
    """Answers what `says` has, and remembers what it was asked."""

    says: tuple[int, str, dict[str, str]] = (200, "", {})
    asked: list[dict[str, str]] = []
    paths: list[str] = []

    def do_GET(self) -> None:
        self._answer(urlsplit(self.path).query)

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, fields: str) -> None:
        self.paths.append(urlsplit(self.path).path)
        form = {name: values[0] for name, values in parse_qs(fields).items()}
        self.asked.append(json.loads(fields) if fields.startswith("{") else form)
        status, body, headers = self.says
        self.send_response_only(status)  # a Date is said by `headers` alone
        for name, value in {"Content-Length": str(len(body.encode())), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args: object) -> None:
        """Nothing on the console."""


@pytest.fixture
def url() -> Iterator[str]:
    Peer.says, Peer.asked, Peer.paths = (200, "", {}), [], []
    server = HTTPServer(("127.0.0.1", 0), Peer)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def an_sms(**values: object) -> Sms:
    until = timezone.now() + timedelta(minutes=10, seconds=30)
    given = {"key": uuid.uuid4(), "to": "+989121234567", "text": PERSIAN, "kind": "result", "valid_until": until}
    return Sms(**given | values)  # type: ignore[arg-type]


LOGIN = {"USER": "portal", "PASSWORD": "pw"}


def kannel(url: str, **options: str) -> KannelGateway:
    return KannelGateway(name="kannel", options={"URL": url, **LOGIN, **options})


def jasmin(url: str, **options: str) -> JasminGateway:
    return JasminGateway(name="jasmin", options={"URL": url, **LOGIN, **options})


def smseagle(url: str, **options: str) -> SmsEagleGateway:
    return SmsEagleGateway(name="eagle", options={"URL": url, "TOKEN": "tk", **options})


def playsms(url: str, **options: str) -> PlaySmsGateway:
    return PlaySmsGateway(name="play", options={"URL": url, "USER": "portal", "TOKEN": "tk", **options})


def gammu(url: str, **options: str) -> GammuGateway:
    return GammuGateway(name="modem", options={"URL": url, **LOGIN, **options})


def kavenegar(url: str) -> KavenegarGateway:
    return KavenegarGateway(name="kave", options={"URL": url, "KEY": "k", "SENDER": "1"})


def plain(url: str, **options: str) -> HttpGateway:
    return HttpGateway(name="box", options={"URL": url + "/?to={to}&text={text}", **options})


ID = "16fd2706-8baf-433b-82eb-8c7fada847da"
PLAY_OK = '{"data":[{"status":"OK","error":"0","smslog_id":"30","queue":"afb5","to":"1"}],"error_string":null}'


def play_error(code: int) -> str:
    return f'{{"status":"ERR","error":"{code}","error_string":"what"}}'


MAY_NOT = 'Error "Authorization failed for user [p]'  # jasmin/protocols/http/validation.py
PATTERNS = {"ACCEPTED": "^200 OK; ?ID=", "REFUSED": "invalid number", "BUSY": "^503|slow down", "DOUBT": "^202 maybe"}


@pytest.mark.parametrize(
    ("build", "status", "body", "outcome"),
    [
        (kannel, 202, "0: Accepted for delivery", Accepted()),
        (kannel, 202, "3: Queued for later delivery", Accepted()),
        (kannel, 202, "Sent. Message splits: 2", Accepted()),
        (kannel, 503, "Temporal failure, try again later.", TryAgain.busy("http 503 queue full")),
        (kannel, 503, "<html>nginx</html>", Unknown("http 503")),  # not Kannel's words
        (kannel, 502, "", Unknown("http 502")),
        (kannel, 500, "Sending failed.", Unknown("http 500")),
        (kannel, 403, "Authorization failed for sendsms", OutOfOrder("http 403 user or password")),
        (kannel, 403, "Not routable. Do not try again.", TryAgain.this_message("http 403 not routable")),
        (kannel, 400, "Sender missing and no global set, rejected", OutOfOrder("http 400 no sender")),
        (kannel, 400, "UDH field misformed, rejected", TryAgain.this_message("http 400")),
        (kannel, 404, "Unknown request.", OutOfOrder("http 404")),
        (kannel, 200, "", Unknown("http 200, without the words of an acceptance")),
        (kannel, 202, "Error 7", Unknown("http 202, without the words of an acceptance")),
        (jasmin, 200, f'Success "{ID}"', Accepted((ID,))),
        (jasmin, 200, 'Error "what"', Unknown("http 200, without the words of an acceptance")),
        (jasmin, 403, 'Error "User throughput exceeded"', TryAgain.busy("http 403 rate")),
        (jasmin, 403, 'Error "Authentication failure for username:p"', OutOfOrder("http 403 user or password")),
        (jasmin, 403, 'Error "Cannot charge submit_sm, check RouterPB"', OutOfOrder("http 403 credit")),
        (jasmin, 400, f"{MAY_NOT} (Cannot send MT messages).", OutOfOrder("http 400 not authorized")),
        (jasmin, 400, f"{MAY_NOT} (Setting hex content not authorized).", OutOfOrder("http 400 not authorized")),
        (jasmin, 400, f"{MAY_NOT} (Long content not authorized).", OutOfOrder("http 400 no long texts", "result")),
        (jasmin, 400, 'Error "Value filter failed for user [p] (x)."', TryAgain.this_message("http 400")),
        (jasmin, 412, 'Error "No route found"', TryAgain.this_message("http 412 no route")),
        (jasmin, 412, 'Error "Failover route has no bound connectors"', TryAgain("http 412 no connection to an SMSC")),
        (jasmin, 500, 'Error "Cannot send submit_sm, check log"', TryAgain("http 500 not queued")),
        (jasmin, 500, 'Error "Unknown error: x"', Unknown("http 500")),
        (smseagle, 200, "OK; ID=297", Accepted()),
        (smseagle, 200, '{"result": "OK; ID=[297]"}', Accepted()),
        (smseagle, 200, "Invalid access token", OutOfOrder("http 200 token")),
        (smseagle, 200, "Wrong parameters", TryAgain.this_message("http 200 parameters")),
        (smseagle, 200, "Modem is tired", Unknown("http 200, without the words of an acceptance")),
        (playsms, 200, PLAY_OK, Accepted()),
        (playsms, 200, play_error(100), OutOfOrder("http 200 user or token")),
        (playsms, 200, "ERR 104", OutOfOrder("http 200 user or token")),
        (playsms, 200, play_error(103), OutOfOrder("http 200 credit")),
        (playsms, 200, play_error(200), TryAgain("http 200 not sent")),
        (playsms, 200, play_error(102), TryAgain.this_message("http 200 a field is empty")),
        (playsms, 200, play_error(999), Unknown("http 200, without the words of an acceptance")),
        (gammu, 200, '{"status": 200, "message": "[255]"}', Accepted()),
        (gammu, 401, "Unauthorized Access", OutOfOrder("http 401")),
        (gammu, 404, '{"message": "Parameters are required."}', TryAgain.this_message("http 404 a field is empty")),
        (gammu, 404, "not found", OutOfOrder("http 404")),
        (gammu, 302, "", Unknown("http 302")),  # after a POST
        (kannel, 302, "", OutOfOrder("http 302")),
        (kannel, 303, "", Unknown("http 303")),  # what was done answers so
        (gammu, 500, '{"message": "Internal Server Error"}', Unknown("http 500")),
        (kavenegar, 429, "<html>slow down</html>", TryAgain.busy("http 429")),
        (jasmin, 400, 'Error "Argument [to] has an invalid value"', TryAgain.this_message("http 400")),
    ],
)  # fmt: skip
def test_what_a_product_answers_is_what_its_table_says(url, build, status, body, outcome):
    Peer.says = (status, body, {})
    assert build(url).send(an_sms()) == outcome


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, "OK; ID=297", Accepted()),
        (200, "Error: invalid number", TryAgain.this_message("http 200 refused")),
        (200, "please slow down", TryAgain.busy("http 200 busy")),
        (503, "", TryAgain.busy("http 503 busy")),
        (202, "maybe, OK; ID=1", Unknown("http 202 doubt")),
        (200, "something else", Unknown("http 200, without the words of an acceptance")),
        (200, "ok; id=5", Accepted()),
        (500, "OK; ID=297", Unknown("http 500")),
        (401, "", OutOfOrder("http 401")),
    ],
)
def test_what_a_plain_box_answers_is_what_its_patterns_say(url, status, body, outcome):
    Peer.says = (status, body, {})
    assert plain(url, **PATTERNS).send(an_sms()) == outcome


PAGE = "<!DOCTYPE html><html><title>Sign in</title>Enter your token, slow down</html>"


@pytest.mark.parametrize(
    ("accepted", "status", "body", "outcome"),
    [
        ("OK", 200, PAGE, Unknown("http 200, without the words of an acceptance")),
        ("OK", 200, "<html><script>document.cookie</script></html>", type),
        ("^200", 200, PAGE, type),
        ("OK", 502, "DNS lookup failed for token", Unknown("http 502")),
        ("OK", 502, PAGE, Unknown("http 502")),
        ("OK", 404, "no token", OutOfOrder("http 404")),
        ("^302 moved", 302, "moved", Accepted()),  # it names the status
        ("^5.. queued", 500, "queued", Accepted()),
        ("<html>Enter", 200, "<html>Enter", Accepted()),  # it expects a page
        ("OK", 201, "OK", Accepted()),
    ],
)
def test_a_loose_pattern_takes_no_page_and_no_error_for_an_acceptance(url, accepted, status, body, outcome):
    Peer.says = (status, body, {})
    said = plain(url, ACCEPTED=accepted).send(an_sms())
    assert said == outcome or (outcome is type and isinstance(said, Unknown))


def test_a_page_with_the_words_of_a_no_is_none(url):
    Peer.says = (502, PAGE, {})
    assert plain(url, REFUSED="token", BUSY="slow down").send(an_sms()) == Unknown("http 502")
    assert plain(url, BUSY="^502 ").send(an_sms()) == TryAgain.busy("http 502 busy")


def test_a_plain_box_that_answers_a_form_by_a_redirect_may_have_sent(url):
    Peer.says = (302, "", {})
    assert plain(url, METHOD="POST").send(an_sms()) == Unknown("http 302")
    assert plain(url).send(an_sms()) == OutOfOrder("http 302")


@pytest.mark.parametrize("build", [kannel, jasmin, smseagle, playsms, gammu, plain, kavenegar])
def test_the_pause_that_a_box_asks_for_is_passed_on(url, build):
    Peer.says = (429, "", {"Retry-After": "7"})
    assert build(url).send(an_sms()) == TryAgain.busy("http 429", after=timedelta(seconds=7))


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:09 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 9),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:09 GMT"}, 0),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, 99_999),
        ({"Retry-After": "Wed, 41 Oct 2015 07:28:09 GMT"}, None),
        ({"Retry-After": "soon"}, None),
    ],
)
def test_a_pause_may_be_a_date_by_the_clock_of_the_box(url, said, seconds):
    Peer.says = (429, "", said)
    after = None if seconds is None else timedelta(seconds=seconds)
    assert plain(url).send(an_sms()) == TryAgain.busy("http 429", after=after)


def test_kannel_is_told_the_coding_the_life_and_where_receipts_go(url):
    sms = an_sms()
    kannel(url, RECEIPT_URL="https://p/sms/receipts/kannel/TOKEN/", SENDER="98300", SMSC="mci").send(sms)
    kannel(url).send(an_sms(text="latin only"))
    assert Peer.paths == ["/cgi-bin/sendsms"] * 2
    assert Peer.asked[0] == {
        "username": "portal", "password": "pw", "to": "+989121234567", "from": "98300", "smsc": "mci", "text": PERSIAN,
        "coding": "2", "charset": "UTF-8", "validity": "10", "dlr-mask": "19",
        "dlr-url": f"https://p/sms/receipts/kannel/TOKEN/?id={sms.key.hex}&status=%d",
    }  # fmt: skip
    assert (Peer.asked[1]["coding"], "dlr-url" in Peer.asked[1]) == ("0", False)


def test_jasmin_is_told_utf16_in_hexadecimal_and_the_life(url):
    sms = an_sms()
    jasmin(url + "/", RECEIPT_URL="https://p/sms/receipts/jasmin/TOKEN/").send(sms)
    jasmin(url).send(an_sms(text="latin only"))
    assert Peer.paths == ["/send"] * 2
    assert bytes.fromhex(Peer.asked[0]["hex-content"]).decode("utf-16-be") == PERSIAN
    assert Peer.asked[0] | {"hex-content": ""} == {
        "username": "portal", "password": "pw", "to": "+989121234567", "coding": "8", "hex-content": "",
        "dlr": "yes", "dlr-level": "3", "dlr-method": "GET",
        "dlr-url": "https://p/sms/receipts/jasmin/TOKEN/",
    }  # fmt: skip
    assert Peer.asked[1]["content"] == "latin only"


@pytest.mark.parametrize(("minutes", "step"), [(3, "5m"), (10, "10m"), (29, "10m"), (90, "1h"), (99_999, "2d")])
def test_smseagle_is_told_the_longest_life_that_is_not_too_long(url, minutes, step):
    smseagle(url).send(an_sms(valid_until=timezone.now() + timedelta(minutes=minutes, seconds=30)))
    assert Peer.asked == [
        {"access_token": "tk", "to": "+989121234567", "message": PERSIAN, "unicode": "1", "validity": step}
    ]


def test_playsms_and_gammu_are_told_that_it_is_unicode(url):
    playsms(url, SENDER="98300").send(an_sms())
    gammu(url).send(an_sms())
    assert Peer.paths == ["/index.php", "/sms"]
    assert Peer.asked[0] == {
        "app": "ws", "op": "pv", "u": "portal", "h": "tk", "to": "+989121234567", "msg": PERSIAN, "nofooter": "1",
        "unicode": "1", "from": "98300",
    }  # fmt: skip
    assert Peer.asked[1] == {"number": "+989121234567", "text": PERSIAN, "unicode": "true"}


def test_a_plain_url_may_have_the_text_in_hexadecimal_and_the_minutes_of_its_use(url):
    options = {"URL": url + "/?to={to_local}&hex={text_hex}&v={validity}"}
    HttpGateway(name="box", options=options).send(an_sms())
    assert Peer.asked == [{"to": "09121234567", "hex": PERSIAN.encode("utf-16-be").hex(), "v": "10"}]


@pytest.mark.django_db(transaction=True)
def test_a_full_queue_costs_no_message_and_the_second_gateway_takes_it(use_gateways, url):
    """A result that Kannel had refused became "unknown", and nobody sent it again."""
    Peer.says = (503, "Temporal failure, try again later.", {})
    use_gateways(kannel(url), StubGateway("second"))
    queue(MessageKind.CODE)
    queue()
    drain.drain()
    assert set(Message.objects.values_list("gateway", "state")) == {("second", MessageState.ACCEPTED)}


def pushed(query: str) -> PushedReceipt:
    return PushedReceipt(method="GET", query=query, content_type="", body=b"")


def test_receipts_of_kannel_name_our_key():
    key = uuid.uuid4()
    ends = {"1": Delivery.DELIVERED, "2": Delivery.UNDELIVERED, "16": Delivery.UNDELIVERED, "34": Delivery.UNDELIVERED}
    for status, delivery in ends.items():
        [receipt] = kannel("http://127.0.0.1:1").read_receipts(pushed(f"id={key.hex}&status={status}"))
        assert (receipt.key, receipt.delivery) == (key, delivery)
    with pytest.raises(Malformed, match="unknown status"):
        kannel("http://127.0.0.1:1").read_receipts(pushed(f"id={key.hex}&status=99"))


def test_receipts_of_jasmin_name_its_id():
    told = {"DELIVRD": Delivery.DELIVERED, "UNDELIV": Delivery.UNDELIVERED, "ESME_ROK": Delivery.ON_ITS_WAY,
            "ESME_RINVDSTADR": Delivery.UNDELIVERED}  # fmt: skip
    for status, delivery in told.items():
        [receipt] = jasmin("http://127.0.0.1:1").read_receipts(pushed(f"id={ID}&message_status={status}&level=2"))
        assert (receipt.provider_id, receipt.delivery) == (ID, delivery)
    for query in ("message_status=DELIVRD", f"id={ID}&message_status=WHAT", "id=&message_status=DELIVRD"):
        with pytest.raises(Malformed):
            jasmin("http://127.0.0.1:1").read_receipts(pushed(query))


@pytest.mark.django_db
def test_jasmin_reads_the_acknowledgement_it_waits_for(client, settings):
    token = "t" * 30
    settings.SMS_GATEWAYS = ["jas", "kannel"]
    settings.SMS_ENVIRONMENT = {
        "SMS_JAS_TYPE": "jasmin", "SMS_JAS_RECEIPT_TOKENS": token, "SMS_KANNEL_RECEIPT_TOKENS": token,
    }  # fmt: skip
    assert client.get(f"/sms/receipts/jas/{token}/?id={ID}&message_status=DELIVRD").content == b"ACK/Jasmin"
    assert client.get(f"/sms/receipts/kannel/{token}/?id={ID}&status=1").content == b"ok"


# ── settings


def found(settings, **environment: str) -> list[str]:
    settings.SMS_GATEWAYS = ["box"]
    settings.SMS_ENVIRONMENT = {f"SMS_BOX_{name}": value for name, value in environment.items()}
    return [fault.check_id for fault in (*configuration.faults(), *configuration.doubts())]


URL = "https://box.example/?to={to}&text={text}"


def test_a_plain_box_that_is_judged_by_its_status_alone_is_warned_of(settings):
    assert found(settings, KIND="http", URL=URL) == ["sms.W002"]
    assert found(settings, TYPE="http", URL=URL, ACCEPTED="^20. OK") == []
    assert found(settings, KIND="http", URL=URL, EXPECT="OK") == []
    assert found(settings, KIND="http", URL=URL, ACCEPTED="(") == ["sms.E004"]
    for loose in ("^20[02]", ".", "OK|^200", "ok", "html", "^20[02] "):
        assert found(settings, KIND="http", URL=URL, ACCEPTED=loose) == ["sms.W002"], loose
    for sound in ("^200 OK", r"\bOK\b", "^20[02] .*queued"):
        assert found(settings, KIND="http", URL=URL, ACCEPTED=sound) == [], sound


def test_the_kind_may_be_called_the_type_but_not_both(settings):
    given = {"URL": "https://box.example", "USER": "u", "PASSWORD": "p"}
    assert found(settings, TYPE="kannel", **given) == []
    assert isinstance(configuration.build("box"), KannelGateway)
    assert found(settings, TYPE="kannel", KIND="jasmin", **given) == ["sms.E019"]
    assert found(settings, TYPE="kannel", **given | {"URL": "https://box.example/?x=1"}) == ["sms.E004"]


def test_a_word_that_is_neither_on_nor_off_is_refused(settings):
    given = {"TYPE": "jasmin", "URL": "https://box.example", "USER": "u", "PASSWORD": "p"}
    assert found(settings, **given, VALIDITY="On") == []
    for word in ("yes", "true", "1"):
        assert found(settings, **given, VALIDITY=word) == ["sms.E004"]
    smpp = {"TYPE": "smpp", "HOST": "h", "SYSTEM_ID": "u", "PASSWORD": "p", "SENDER": "1"}
    assert found(settings, **smpp, TLS="yes") == found(settings, **smpp, QUERY="no") == ["sms.E004"]


@pytest.mark.parametrize("build", [kannel, jasmin])
def test_no_preset_shows_its_password(build):
    gateway: Gateway = build("http://127.0.0.1:1")
    assert "pw" not in repr(gateway)
