"""What gateways report afterwards: pushed or asked for, in any order, several times, too early, or damaged."""

from __future__ import annotations

import io
import itertools
import json
import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common import alarms, limits
from sms import receipts, tasks
from sms.gateways import base
from sms.gateways.base import Accepted, Delivery, ReceiptsBy, Unknown
from sms.gateways.http import HttpGateway
from sms.gateways.smpp import SmppGateway
from sms.models import Attempt, Message, MessageKind, MessageState, Part, Receipt, ReceiptState
from sms.reports import applying, polling
from sms.sending import drain
from tests.support.sms_fixtures import die_in_mid_send, make_due, queue
from tests.support.sms_gateways import StubGateway

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN, OLD_TOKEN = "n" * 32, "o" * 32
URL = f"/sms/receipts/box/{TOKEN}/"


class Box(StubGateway):
    """Reports by JSON: [[id or key, delivery, seconds ago], …]; by `poll` what `reports` holds."""

    reports: list[base.Receipt] = []
    asked: list[list[str]]

    def read_receipts(self, pushed: base.PushedReceipt) -> list[base.Receipt]:
        return [self.report(*each) for each in json.loads(pushed.body)]

    @staticmethod
    def report(name: str, state: str, ago: float | None = None) -> base.Receipt:
        key = uuid.UUID(name) if len(name) == 36 else None
        at = None if ago is None else timezone.now() - timedelta(seconds=ago)
        return base.Receipt(Delivery(state), provider_id="" if key else name, key=key, at=at)


class PolledBox(Box):
    asked: list[list[str]]

    def poll(self, provider_ids: Any) -> list[base.Receipt]:
        self.asked.append(list(provider_ids))
        return self.reports


@pytest.fixture
def box(use_gateways, settings) -> Box:
    gateway = Box("box", receipts=ReceiptsBy.PUSH)
    use_gateways(gateway)
    settings.SMS_ENVIRONMENT = {"SMS_BOX_RECEIPT_TOKENS": f"{TOKEN},{OLD_TOKEN}"}
    return gateway


@pytest.fixture
def polled(use_gateways) -> PolledBox:
    gateway = PolledBox("polled", receipts=ReceiptsBy.POLL)
    gateway.asked = []
    use_gateways(gateway)
    return gateway


def sent(**changes: Any) -> Message:
    message = queue(**changes)
    drain.drain()
    message.refresh_from_db()
    return message


def push(*reports_: tuple[Any, ...], url: str = URL) -> Any:
    return Client().post(url, json.dumps(reports_), content_type="application/json")


def state_of(message: Message) -> str:
    message.refresh_from_db()
    return message.state


# ── at the door


def test_a_receipt_makes_the_message_delivered(box, published):
    message = sent()
    response = push((message.provider_id, "delivered"))
    assert (response.status_code, response.content) == (200, b"ok")
    assert published[-1] == "sms.read_receipts"
    assert state_of(message) == MessageState.ACCEPTED  # nothing is decided in the request
    tasks.read_receipts()
    assert state_of(message) == MessageState.DELIVERED
    assert message.final_at is not None
    assert Receipt.objects.get().state == ReceiptState.DONE


def test_answering_costs_one_insert_and_no_session(box):
    Client().get("/healthz")
    with CaptureQueriesContext(connection) as captured:
        response = push(("x", "delivered"))
    assert [query["sql"].split()[0] for query in captured if "receipt" in query["sql"]] == ["INSERT"]
    assert len([q for q in captured if not q["sql"].startswith(("BEGIN", "COMMIT", "PRAGMA", "SELECT 1"))]) == 1
    assert not response.cookies


def test_a_receipt_by_get_is_kept_with_its_query(box):
    assert Client().get(URL + "?id=1&state=2").status_code == 200
    row = Receipt.objects.get()
    assert (row.gateway, row.method, row.query, bytes(row.body)) == ("box", "GET", "id=1&state=2", b"")


def test_the_charset_of_a_body_is_kept_with_it(box):
    Client().generic("POST", URL, b"a=\xdf", content_type="application/x-www-form-urlencoded; charset=cp1256")
    row = Receipt.objects.get()
    assert (row.content_type, bytes(row.body)) == ("application/x-www-form-urlencoded; charset=cp1256", b"a=\xdf")


def test_both_tokens_are_valid_while_one_replaces_the_other(box):
    assert push(url=f"/sms/receipts/box/{OLD_TOKEN}/").status_code == 200
    assert push().status_code == 200


def test_a_wrong_token_and_an_unknown_gateway_look_the_same_and_leave_nothing(box, settings):
    settings.SMS_GATEWAYS = ["box", "mute"]
    answers = [
        push(url=f"/sms/receipts/{gateway}/{token}/")
        for gateway, token in (
            ("box", "wrong"), ("box", TOKEN[:-1]), ("nobody", TOKEN), ("mute", TOKEN), ("box", "ناشناس"),
        )
    ]  # fmt: skip
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, b"")}
    assert not Receipt.objects.exists()


def test_the_token_of_a_gateway_that_is_no_longer_configured_opens_nothing(box, settings):
    settings.SMS_GATEWAYS = []
    assert push().status_code == 404


def test_gateways_are_not_slowed_down_by_the_brake_for_people(box, monkeypatch):
    monkeypatch.setattr(limits, "POSTS_PER_ADDRESS", 0)
    assert push().status_code == 200
    assert Client().post("/portal/registration").status_code == 429


def test_other_methods_are_refused(box):
    assert Client().put(URL).status_code == 405


def test_what_is_too_large_is_cut_kept_and_marked(box):
    assert Client().post(URL, b"x" * 300_000, content_type="text/plain").status_code == 200
    row = Receipt.objects.get()
    assert (len(row.body), row.state, row.detail, row.next_attempt_at) == (8192, "malformed", "too large", None)


@pytest.mark.parametrize("query", ["a=" + "%D8%B4" * 9_000, "a=" + "ش" * 5_000, "a=" + "x" * 8_190 + "ش"])
def test_a_query_that_is_too_large_is_cut_by_bytes(box, query):
    assert Client().post(URL + "?" + query, b"body", content_type="text/plain").status_code == 200
    row = Receipt.objects.get()
    assert (row.state, row.detail, row.next_attempt_at, bytes(row.body)) == ("malformed", "too large", None, b"")
    assert limits.RECEIPT_LARGEST - 2 <= len(row.query.encode()) <= limits.RECEIPT_LARGEST


def test_query_and_body_together_are_cut_by_bytes():
    pushed = base.PushedReceipt("POST", "ش" * 4_000, "", b"b" * 192)
    receipts.keep("box", pushed)
    receipts.keep("box", base.PushedReceipt("POST", "ش" * 4_000, "", b"b" * 193))
    receipts.keep("box", base.PushedReceipt("POST", "ش" * 5_000, "", b"b"))
    fits, over, query_alone = Receipt.objects.order_by("pk")
    assert (fits.state, len(fits.body)) == ("new", 192)
    assert (over.state, len(over.body)) == ("malformed", 192)
    assert (query_alone.state, query_alone.query, bytes(query_alone.body)) == ("malformed", "ش" * 4_096, b"")


def test_bytes_that_are_no_text_are_kept_and_refused_by_no_database(box):
    given = {"QUERY_STRING": "id=1%00&s=\xff\xfe\x00\x01", "CONTENT_TYPE": "text/plain; x=\x00\r\nSet-Cookie: a\xff"}
    assert Client().generic("POST", URL, b"\x00\xff{", **given).status_code == 200
    row = Receipt.objects.get()
    assert (row.state, bytes(row.body)) == (ReceiptState.NEW, b"\x00\xff{")
    assert row.query == "id=1%00&s=%FF%FE%00%01"
    assert row.content_type.isprintable()
    receipts.keep("box", base.PushedReceipt("GET\0", "a\0b\ud800", "\0", b"\0"))  # whoever else calls it
    assert Receipt.objects.latest("pk").query == "a%00b?"


def test_the_largest_that_fits_is_read(box):
    body = json.dumps([["x", "delivered"]]).ljust(limits.RECEIPT_LARGEST).encode()
    Client().post(URL, body, content_type="application/json")
    assert Receipt.objects.get().state == ReceiptState.NEW


def test_a_url_that_lost_its_last_slash_on_a_gateways_console_is_the_same(box):
    message = sent()
    cut = URL.removesuffix("/")
    report = json.dumps([[message.provider_id, "delivered"]])
    answer = Client().post(cut, report, content_type="application/json")
    assert (answer.status_code, answer.content) == (200, b"ok")
    tasks.read_receipts()
    assert state_of(message) == MessageState.DELIVERED
    assert Client().get(f"{cut}?id=1").status_code == 200
    wrong = [Client().get(path) for path in (f"/sms/receipts/box/{TOKEN[:-1]}", f"/sms/receipts/nobody/{TOKEN}")]
    assert {(answer.status_code, answer.content) for answer in wrong} == {(404, b"")}


# ── damaged


@pytest.mark.parametrize("body", [b"<html>", b"[[1,2,3,4,5]]", b"", b"\xff\x00", b'[["x","eaten"]]'])
def test_a_malformed_one_is_kept_raw_and_marked_and_an_administrator_hears_of_it(box, body):
    Client().post(URL, body, content_type="text/plain")
    tasks.read_receipts()
    row = Receipt.objects.get()
    assert (row.state, bytes(row.body), row.next_attempt_at) == (ReceiptState.MALFORMED, body, None)
    assert [(alarm.code, alarm.subject) for alarm in alarms.standing("sms")] == [("receipts", "box")]


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        (base.Malformed("unknown status"), "unknown status"),
        (ValueError("invalid literal: '09121234567'"), "ValueError"),  # not ours: it may quote the request
    ],
)
def test_the_reason_of_a_malformed_one_is_said_in_words_of_ours_alone(box, monkeypatch, fault, detail):
    def unreadable(pushed):
        raise fault

    monkeypatch.setattr(box, "read_receipts", unreadable)
    Client().post(URL, b"to=09121234567", content_type="text/plain")
    tasks.read_receipts()
    [alarm] = alarms.standing("sms")
    assert (Receipt.objects.get().detail, alarm.detail) == (detail, detail)
    with pytest.raises(CommandError, match=f"alarm receipts box: {detail}"):
        call_command("sms_backlog", stdout=io.StringIO())


@pytest.mark.parametrize(
    ("pushed", "reason"),
    [
        (base.PushedReceipt("GET", "status=1", "", b""), "no id"),
        (base.PushedReceipt("GET", "id=09121234567&status=1", "", b""), "the id is none of ours"),
        (base.PushedReceipt("GET", f"id={uuid.UUID(int=1)}", "", b""), "no status"),
        (base.PushedReceipt("GET", f"id={uuid.UUID(int=1)}&status=eaten", "", b""), "unknown status"),
        (base.PushedReceipt("GET", "&".join(["a=1"] * 60), "", b""), "too many fields"),
    ],
)
def test_a_box_of_ones_own_is_told_what_its_receipts_lack(pushed, reason):
    url = "http://127.0.0.1:1/?t={text}&to={to}&r={receipt_url}"
    gateway = HttpGateway(name="box", options={"URL": url, "RECEIPT_URL": "https://portal.example/r"})
    with pytest.raises(base.Malformed, match=f"^{reason}$"):
        gateway.read_receipts(pushed)


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"stat:DELIVRD", "no message id"), (b"id:7", "no status"), (b"id:7 stat:EATEN", "unknown status")],
)
def test_an_smsc_is_told_what_its_receipts_lack(body, reason):
    options = {"HOST": "127.0.0.1", "PORT": "2775", "SYSTEM_ID": "x", "PASSWORD": "x", "SENDER": "1"}
    with pytest.raises(base.Malformed, match=f"^{reason}$"):
        SmppGateway(name="smsc", options=options).read_receipts(base.PushedReceipt("", "", "", body))


def test_a_malformed_one_does_not_keep_the_others_from_being_read(box):
    message = sent()
    Client().post(URL, b"<html>", content_type="text/plain")
    push((message.provider_id, "delivered"))
    tasks.read_receipts()
    assert state_of(message) == MessageState.DELIVERED


def test_one_report_that_cannot_be_applied_costs_neither_its_neighbours_nor_the_next_minute(box, monkeypatch):
    first, second, third = sent(), sent(), sent()
    whole = box.read_receipts

    def with_poison(pushed):
        return [base.Receipt(None, provider_id=r.provider_id) if r.at else r for r in whole(pushed)]

    monkeypatch.setattr(box, "read_receipts", with_poison)
    push((first.provider_id, "delivered", 5), (second.provider_id, "delivered"))
    push((third.provider_id, "delivered"))
    tasks.read_receipts()
    assert [state_of(each) for each in (first, second, third)] == ["accepted", "delivered", "delivered"]
    poison, good = Receipt.objects.order_by("pk")
    assert (poison.state, poison.detail, poison.next_attempt_at) == (ReceiptState.MALFORMED, "KeyError", None)
    assert good.state == ReceiptState.DONE
    assert [(alarm.code, alarm.subject) for alarm in alarms.standing("sms")] == [("receipts", "box")]


def test_a_database_that_is_away_makes_no_receipt_malformed(box, monkeypatch):
    message = sent()
    push((message.provider_id, "delivered"))
    real = applying.apply

    def away(*given):
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(applying, "apply", away)
    with pytest.raises(OperationalError):
        tasks.read_receipts()
    row = Receipt.objects.get()
    assert (row.state, row.next_attempt_at is not None) == (ReceiptState.NEW, True)
    assert alarms.standing("sms") == []
    monkeypatch.setattr(applying, "apply", real)
    make_receipts_due()
    tasks.read_receipts()
    assert state_of(message) == MessageState.DELIVERED


def test_receipts_are_written_in_groups_each_whole_or_not_at_all(box, monkeypatch):
    monkeypatch.setattr(limits, "RECEIPT_GROUP", 2)
    messages = [sent() for _ in range(4)]
    for message in messages:
        push((message.provider_id, "delivered"))
    real, calls = applying.apply, itertools.count(1)

    def away_at_the_fourth(*given):
        if next(calls) == 4:
            raise OperationalError("the server closed the connection")
        return real(*given)

    monkeypatch.setattr(applying, "apply", away_at_the_fourth)
    with pytest.raises(OperationalError):
        tasks.read_receipts()
    assert [state_of(each) for each in messages] == ["delivered", "delivered", "accepted", "accepted"]
    make_receipts_due()
    tasks.read_receipts()
    assert {state_of(each) for each in messages} == {MessageState.DELIVERED}


def test_an_error_of_the_database_spoils_one_receipt_of_its_group(box, monkeypatch):
    first, second, third = sent(), sent(), sent()
    for message in (first, second, third):
        push((message.provider_id, "delivered"))
    real = applying.apply

    def with_a_second_row_of_one_key(gateway, report, received_at):
        if report.provider_id == second.provider_id:
            Message.objects.bulk_create([Message(pk=first.pk, to="+989120000000", text="x", dedupe_key="x")])
        return real(gateway, report, received_at)

    monkeypatch.setattr(applying, "apply", with_a_second_row_of_one_key)
    tasks.read_receipts()
    assert [state_of(each) for each in (first, second, third)] == ["delivered", "accepted", "delivered"]
    assert sorted(Receipt.objects.values_list("state", flat=True)) == ["done", "done", "malformed"]


def posted(body: bytes, **environ: Any) -> str:
    """The status of a POST as the server hands it over; Django's own test client knows no chunks."""
    said: list[str] = []
    given = {"wsgi.input": io.BytesIO(body), "CONTENT_TYPE": "application/json", **environ}
    request = RequestFactory().post(URL).environ
    del request["CONTENT_LENGTH"]
    WSGIHandler()(request | given, lambda status, headers: said.append(status)).close()
    return said[0]


def test_a_body_in_chunks_is_kept(box):
    message = sent()
    assert (
        posted(json.dumps([[message.provider_id, "delivered"]]).encode(), HTTP_TRANSFER_ENCODING="chunked") == "200 OK"
    )
    tasks.read_receipts()
    assert state_of(message) == MessageState.DELIVERED
    assert posted(b"x" * 100_000, HTTP_TRANSFER_ENCODING="chunked") == "200 OK"
    assert Receipt.objects.latest("pk").detail == "too large"


def test_a_body_that_is_cut_off_is_kept_and_marked(box):
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise ConnectionResetError

    assert posted(b'[["id-1", "deli', CONTENT_LENGTH="27") == "200 OK"
    assert posted(b"", **{"wsgi.input": Broken(), "HTTP_TRANSFER_ENCODING": "chunked"}) == "200 OK"
    rows = Receipt.objects.order_by("pk").values_list("body", "state", "detail", "next_attempt_at")
    assert [(bytes(body), *rest) for body, *rest in rows] == [
        (b'[["id-1", "deli', ReceiptState.MALFORMED, "cut off", None),
        (b"", ReceiptState.MALFORMED, "cut off", None),
    ]


# ── any order, several times, early


def test_every_order_of_three_repeated_reports_ends_in_the_same_state(box):
    history = ("on_its_way", "on_its_way", "delivered")
    for order in set(itertools.permutations(history)):
        message = sent()
        for each in order * 3:
            push((message.provider_id, each))
        tasks.read_receipts()
        assert state_of(message) == MessageState.DELIVERED, order


@pytest.mark.parametrize(("first", "second"), [("delivered", "undelivered"), ("undelivered", "delivered")])
def test_a_final_state_never_changes(box, first, second):
    message = sent()
    for each in (first, second, "on_its_way"):
        push((message.provider_id, each))
        tasks.read_receipts()
    assert state_of(message) == first


def test_one_that_comes_before_the_answer_to_the_send_is_held_and_then_used(box):
    def report_at_once(sms):
        push(("id-1", "delivered"))
        tasks.read_receipts()
        assert Receipt.objects.get().state == ReceiptState.HELD

    box.on_send = report_at_once
    message = sent()
    assert message.provider_id == "id-1"
    make_receipts_due()
    tasks.read_receipts()
    assert state_of(message) == MessageState.DELIVERED
    row = Receipt.objects.get()
    assert (row.state, row.next_attempt_at) == (ReceiptState.DONE, None)


@pytest.mark.parametrize("parts", [("id-1",), ("id-1", "id-2")], ids=["whole", "in parts"])
def test_a_held_one_is_not_for_a_message_that_was_sent_after_it_came(use_gateways, settings, parts):
    """The gateway has begun again with its counting."""
    use_gateways(Box("box", Accepted(provider_ids=parts), receipts=ReceiptsBy.PUSH))
    settings.SMS_ENVIRONMENT = {"SMS_BOX_RECEIPT_TOKENS": TOKEN}
    push(("id-1", "undelivered"))
    tasks.read_receipts()
    Receipt.objects.update(received_at=timezone.now() - limits.RECEIPT_CLOCKS_DIFFER - timedelta(seconds=1))
    message = sent()
    make_receipts_due()
    tasks.read_receipts()
    assert state_of(message) == MessageState.ACCEPTED
    assert Receipt.objects.get().state == ReceiptState.HELD


def test_one_by_our_key_that_overtakes_the_send_waits_for_it(box):
    message = queue()
    die_in_mid_send(message, "box")
    push((str(message.key), "delivered"))
    tasks.read_receipts()
    assert state_of(message) == MessageState.SENDING
    assert Receipt.objects.get().state == ReceiptState.HELD


def test_an_unmatched_one_is_held_for_an_hour_and_no_longer(box):
    push(("nobodys", "delivered"))
    tasks.read_receipts()
    Receipt.objects.update(received_at=timezone.now() - limits.RECEIPT_HELD)
    make_receipts_due()
    tasks.read_receipts()
    row = Receipt.objects.get()
    assert (row.state, row.next_attempt_at) == (ReceiptState.UNMATCHED, None)


def test_one_request_may_report_known_and_unknown_messages(box):
    message = sent()
    push((message.provider_id, "delivered"), ("nobodys", "delivered"))
    tasks.read_receipts()
    assert state_of(message) == MessageState.DELIVERED
    assert Receipt.objects.get().state == ReceiptState.HELD


def test_another_gateways_id_is_not_ours(box, use_gateways):
    message = sent()
    receipts.keep(
        "other", base.PushedReceipt("POST", "", "", json.dumps([[message.provider_id, "delivered"]]).encode())
    )
    other = Box("other", receipts=ReceiptsBy.PUSH)
    use_gateways(box, other)
    tasks.read_receipts()
    assert state_of(message) == MessageState.ACCEPTED


def test_of_a_gateway_that_counts_from_the_start_again_the_newest_message_is_meant(box):
    old, new = sent(), sent()
    Message.objects.update(provider_id="7")
    push(("7", "delivered"))
    tasks.read_receipts()
    assert (state_of(old), state_of(new)) == (MessageState.ACCEPTED, MessageState.DELIVERED)


@pytest.mark.parametrize("newer_in_parts", [True, False])
def test_an_id_that_is_used_again_means_the_newest_whether_whole_or_part(use_gateways, settings, newer_in_parts):
    whole, parted = Accepted(provider_ids=("7",)), Accepted(provider_ids=("7", "8"))
    answers = (whole, parted) if newer_in_parts else (parted, whole)
    use_gateways(Box("box", *answers, receipts=ReceiptsBy.PUSH))
    settings.SMS_ENVIRONMENT = {"SMS_BOX_RECEIPT_TOKENS": TOKEN}
    old, new = sent(), sent()
    push(("7", "undelivered"))
    tasks.read_receipts()
    assert (state_of(old), state_of(new)) == (MessageState.ACCEPTED, MessageState.UNDELIVERED)


def test_the_newest_is_the_one_accepted_last_not_the_one_asked_for_last(box):
    first, second = sent(), sent()
    Message.objects.update(provider_id="7")
    Message.objects.filter(pk=first.pk).update(sent_at=timezone.now() + timedelta(seconds=1))
    push(("7", "delivered"))
    tasks.read_receipts()
    assert (state_of(first), state_of(second)) == (MessageState.DELIVERED, MessageState.ACCEPTED)


def test_the_same_id_at_two_gateways_is_two_messages(use_gateways):
    one, two = Box("one", receipts=ReceiptsBy.PUSH), Box("two", receipts=ReceiptsBy.PUSH)
    use_gateways(one, two)
    at_one, at_two, in_parts = sent(), sent(), sent()
    Message.objects.update(provider_id="7")
    Message.objects.filter(pk=at_two.pk).update(gateway="two")
    Message.objects.filter(pk=in_parts.pk).update(gateway="two", provider_id="9 7")
    Part.objects.create(message=in_parts, gateway="two", provider_id="7")
    assert applying.apply("one", base.Receipt(Delivery.UNDELIVERED, provider_id="7"))
    assert [state_of(each) for each in (at_one, at_two, in_parts)] == ["undelivered", "accepted", "accepted"]


def test_what_an_earlier_gateway_could_not_deliver_says_nothing_of_the_one_that_took_it(use_gateways):
    use_gateways(Box("one", receipts=ReceiptsBy.PUSH), Box("two", receipts=ReceiptsBy.PUSH))
    message = sent()
    Message.objects.update(gateway="two")
    assert applying.apply("one", base.Receipt(Delivery.UNDELIVERED, key=message.key))
    assert state_of(message) == MessageState.ACCEPTED
    assert applying.apply("one", base.Receipt(Delivery.DELIVERED, key=message.key))
    assert state_of(message) == MessageState.DELIVERED


def test_a_doubt_ended_by_another_gateways_report_keeps_that_gateways_id_with_its_name(use_gateways):
    use_gateways(Box("one", Unknown("time-out"), receipts=ReceiptsBy.PUSH))
    message = sent()
    Attempt.objects.create(message=message, gateway="two", outcome="unknown")
    Message.objects.update(gateway="two")
    assert applying.apply("one", base.Receipt(Delivery.ON_ITS_WAY, provider_id="7", key=message.key))
    message.refresh_from_db()
    assert (message.state, message.gateway, message.provider_id) == (MessageState.ACCEPTED, "one", "7")
    outcomes = dict(message.tries.values_list("gateway", "outcome"))
    assert outcomes == {"one": "accepted", "two": "unknown"}


# ── several parts


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ([("p1", "delivered")], MessageState.ACCEPTED),
        ([("p1", "delivered"), ("p2", "delivered")], MessageState.DELIVERED),
        ([("p2", "delivered"), ("p2", "delivered")], MessageState.ACCEPTED),
        ([("p1", "delivered"), ("p2", "undelivered")], MessageState.UNDELIVERED),
        ([("p2", "undelivered"), ("p1", "delivered")], MessageState.UNDELIVERED),
    ],
)
def test_a_long_message_is_delivered_when_all_its_parts_are(use_gateways, settings, told, state):
    box = Box("box", Accepted(provider_ids=("p1", "p2")), receipts=ReceiptsBy.PUSH)
    use_gateways(box)
    settings.SMS_ENVIRONMENT = {"SMS_BOX_RECEIPT_TOKENS": TOKEN}
    message = sent()
    assert Part.objects.count() == 2
    for each in told:
        push(each)
    tasks.read_receipts()
    assert state_of(message) == state


# ── doubt


@pytest.mark.parametrize("told", ["delivered", "undelivered"])
def test_a_report_ends_the_doubt_about_a_message_that_timed_out(use_gateways, settings, told):
    use_gateways(Box("box", Unknown("time-out"), receipts=ReceiptsBy.PUSH))
    settings.SMS_ENVIRONMENT = {"SMS_BOX_RECEIPT_TOKENS": TOKEN}
    message = sent(kind=MessageKind.CODE)
    assert message.state == MessageState.UNKNOWN
    push((str(message.key), told))
    tasks.read_receipts()
    assert state_of(message) == told
    assert (message.next_attempt_at, message.lease) == (None, None)
    assert message.tries.with_ends().get().result == "accepted"


def test_a_result_in_doubt_that_was_reported_on_its_way_is_not_sent_once_more(use_gateways, settings):
    box = Box("box", Unknown("time-out"), receipts=ReceiptsBy.PUSH)
    use_gateways(box)
    settings.SMS_ENVIRONMENT = {"SMS_BOX_RECEIPT_TOKENS": TOKEN}
    message = sent()
    push((str(message.key), "on_its_way"))
    tasks.read_receipts()
    assert state_of(message) == MessageState.ACCEPTED
    make_due(message)
    drain.drain()
    assert len(box.sent) == 1


def test_an_undelivered_code_is_never_sent_again_by_itself(box):
    message = sent(kind=MessageKind.CODE)
    push((message.provider_id, "undelivered"))
    tasks.read_receipts()
    drain.drain()
    assert state_of(message) == MessageState.UNDELIVERED
    assert len(box.sent) == 1


def test_an_expired_code_stays_expired(box):
    message = queue(MessageKind.CODE, expires_at=timezone.now())
    drain.drain()
    push((str(message.key), "delivered"))
    tasks.read_receipts()
    assert state_of(message) == MessageState.EXPIRED
    assert Receipt.objects.get().state == ReceiptState.DONE


# ── when


def test_the_gateways_own_time_counts_where_it_can_be_true(box):
    messages = [sent() for _ in range(3)]
    Message.objects.update(sent_at=timezone.now() - timedelta(seconds=60))
    push(*((message.provider_id, "delivered", ago) for message, ago in zip(messages, (50, 90, -500), strict=True)))
    tasks.read_receipts()
    took = []
    for message in messages:
        message.refresh_from_db()
        took.append(round((message.final_at - message.sent_at).total_seconds()))
    assert took[0] == 10
    assert took[1] in (60, 61)  # before it was sent: now
    assert took[2] in (60, 61)  # in the future: now


def test_an_accepted_message_nobody_reports_is_left_accepted_after_three_days(box):
    old, young = sent(), sent()
    Message.objects.filter(pk=old.pk).update(sent_at=timezone.now() - limits.RECEIPT_WAIT - timedelta(seconds=1))
    tasks.watch()
    old.refresh_from_db()
    young.refresh_from_db()
    assert (old.state, old.final_at is not None, young.final_at) == (MessageState.ACCEPTED, True, None)


# ── asked for


def test_a_gateway_that_pushes_nothing_is_asked(polled):
    first, second = sent(), sent()
    polled.reports = [Box.report(first.provider_id, "delivered")]
    tasks.poll()
    assert sorted(polled.asked[0]) == sorted([first.provider_id, second.provider_id])
    assert (state_of(first), state_of(second)) == (MessageState.DELIVERED, MessageState.ACCEPTED)
    tasks.poll()
    assert len(polled.asked) == 1  # not at once again


def test_the_older_a_message_the_rarer_it_is_asked_about_and_at_last_no_more(polled):
    message = sent()
    for age, pause in ((0, 10), (60, 30), (86_400, 1800)):
        Message.objects.update(sent_at=timezone.now() - timedelta(seconds=age), poll_at=None)
        polling.poll()
        message.refresh_from_db()
        assert pause - 2 < (message.poll_at - timezone.now()).total_seconds() <= pause
    Message.objects.update(sent_at=timezone.now() - limits.POLL_WITHIN, poll_at=None)
    assert polling.poll() == 0


def test_a_gateway_whose_polling_fails_loses_nothing(polled, monkeypatch):
    message = sent()

    def fails(ids):
        raise ConnectionError("09121234567")

    monkeypatch.setattr(polled, "poll", fails)
    assert polling.poll() == 1
    assert state_of(message) == MessageState.ACCEPTED


def test_it_is_asked_until_nothing_is_due_and_the_longest_due_first(polled, monkeypatch):
    monkeypatch.setattr(limits, "POLL_BATCH", 2)
    messages, now = [sent() for _ in range(5)], timezone.now()
    for message, due in zip(messages, (10, 40, None, 20, 30), strict=True):
        due_at = None if due is None else now - timedelta(seconds=due)
        Message.objects.filter(pk=message.pk).update(poll_at=due_at)
    assert polling.poll() == 5
    order = [messages[place].provider_id for place in (2, 1, 4, 3, 0)]
    assert polled.asked == [order[:2], order[2:4], order[4:]]


def test_a_gateway_that_hangs_keeps_no_other_from_being_asked(use_gateways):
    hanging, well = PolledBox("hanging", receipts=ReceiptsBy.POLL), PolledBox("well", receipts=ReceiptsBy.POLL)
    hanging.asked, well.asked, release = [], [], threading.Event()
    hanging.poll = lambda ids: hanging.asked.append(ids) or release.wait(60) or []  # type: ignore[method-assign]
    use_gateways(hanging, well)
    first, second = sent(), sent()
    Message.objects.filter(pk=second.pk).update(gateway="well", provider_id="w")
    well.reports = [Box.report("w", "delivered")]
    try:
        polling.poll(seconds=2)
        assert state_of(second) == MessageState.DELIVERED
        Message.objects.filter(pk=first.pk).update(poll_at=None)
        polling.poll(seconds=0.2)
        assert len(hanging.asked) == 1  # one call at a time, however long it hangs
    finally:
        release.set()


def test_a_poisoned_answer_to_a_poll_costs_only_itself(polled, caplog):
    first, second = sent(), sent()
    polled.reports = [base.Receipt(None, provider_id=first.provider_id), Box.report(second.provider_id, "delivered")]
    assert polling.poll() == 2
    assert (state_of(first), state_of(second)) == (MessageState.ACCEPTED, MessageState.DELIVERED)
    assert "KeyError" in caplog.text


def test_asking_with_nothing_to_ask_about_costs_a_statement_a_gateway(polled):
    with CaptureQueriesContext(connection) as captured:
        assert polling.poll() == 0
    assert len(captured) == 1
    assert polled.asked == []


def make_receipts_due() -> None:
    Receipt.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=timezone.now())
