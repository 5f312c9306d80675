"""Receipts as SMPP gateways really write them: states, encodings, and ids written otherwise than in the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from common import limits
from common.models import Alarm
from sms import receipts
from sms.gateways.base import Accepted, Delivery, PushedReceipt, ReceiptsBy
from sms.gateways.base import Receipt as Report
from sms.gateways.smpp import SmppGateway
from sms.models import Message, MessageState, Part, Receipt, ReceiptHabits
from sms.reports import applying, by_part, ids, pushed
from sms.sending import drain
from tests.support.accounts import administrator
from tests.support.smpp_binds import LONG, bound
from tests.support.sms_fixtures import queue
from tests.support.sms_gateways import StubGateway

database = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gateway() -> Iterator[SmppGateway]:
    with bound(1) as one:
        yield one


def kept(body: bytes | str, query: str = "") -> PushedReceipt:
    raw = body.encode() if isinstance(body, str) else body
    return PushedReceipt(method="SMPP", query=query, content_type="", body=raw)


@pytest.mark.parametrize(
    ("said", "delivery"),
    [
        ("DELIVRD", Delivery.DELIVERED),
        ("DELIVERED", Delivery.DELIVERED),
        ("delivrd", Delivery.DELIVERED),
        ("UNDELIVERABLE", Delivery.UNDELIVERED),
        ("UNDELIV", Delivery.UNDELIVERED),
        ("REJECTED", Delivery.UNDELIVERED),
        ("REJECTD", Delivery.UNDELIVERED),
        ("EXPIRED", Delivery.UNDELIVERED),
        ("DELETED", Delivery.UNDELIVERED),
        ("SKIPPED", Delivery.UNDELIVERED),
        ("ACCEPTED", Delivery.ON_ITS_WAY),
        ("ENROUTE", Delivery.ON_ITS_WAY),
        ("SCHEDULED", Delivery.ON_ITS_WAY),
        ("UNKNOWN", Delivery.ON_ITS_WAY),
    ],
)
def test_states_are_read_in_every_spelling(gateway, said, delivery):
    assert gateway.read_receipts(kept(f"id:77 stat:{said} err:000"))[0].delivery is delivery


@pytest.mark.parametrize(
    "said", ["DELIVERY_FAILED", "DELIVERY_PENDING", "DELIVER_ERR", "DELIVERED_TO_SMSC", "DELIVFAIL"]
)
def test_a_word_that_only_begins_like_delivered_is_not_known(gateway, said):
    with pytest.raises(ValueError, match="unknown status"):
        gateway.read_receipts(kept(f"id:77 stat:{said} err:001"))
    assert gateway.read_receipts(kept(f"id:77 stat:{said}", "state=5"))[0].delivery is Delivery.UNDELIVERED


def test_an_end_that_is_none_yet_is_not_known(gateway):
    for said in ("UNDELIV_RETRYING", "FAILED_WILL_RETRY", "EXPIRING"):
        with pytest.raises(ValueError, match="unknown status"):
            gateway.read_receipts(kept(f"id:77 stat:{said}"))


@pytest.mark.parametrize(
    ("number", "delivery"), [(0, Delivery.ON_ITS_WAY), (2, Delivery.DELIVERED), (9, Delivery.UNDELIVERED)]
)
def test_states_beside_the_text_have_numbers_from_nought_to_nine(gateway, number, delivery):
    assert gateway.read_receipts(kept("", f"id=77&state={number}"))[0].delivery is delivery


@pytest.mark.parametrize(
    "body",
    [
        "id: 77 sub: 001 dlvrd: 001 stat: DELIVRD err: 000 text: id:9 stat:UNDELIV",
        "ID:77 SUB:001 STAT:DELIVRD Text:x",
        "id:77 sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 stat:DELIVRD err: text:",
        "id:77 stat:DELIVRD".encode("utf-16-be"),
        "id:77 stat:DELIVRD text:کد".encode("utf-16-be"),
        "id:77 stat:DELIVRD".encode("utf-16-le"),
    ],
    ids=range(6),
)
def test_texts_of_receipts_are_read_with_blanks_and_in_ucs_2(gateway, body):
    [receipt] = gateway.read_receipts(kept(body))
    assert (receipt.provider_id, receipt.delivery, receipt.detail) == ("77", Delivery.DELIVERED, "DELIVRD")


def test_an_empty_id_is_not_the_name_of_the_next_field(gateway):
    [receipt] = gateway.read_receipts(kept("id: sub:001 stat:DELIVRD", "id=77"))
    assert receipt.provider_id == "77"
    with pytest.raises(ValueError, match="no message id"):
        gateway.read_receipts(kept("id: sub:001 stat:DELIVRD"))


# ── Ids


class Box(StubGateway):
    """Answers with ids that it is given, and reads receipts as an SMPP gateway does."""

    def read_receipts(self, receipt: PushedReceipt) -> list[Report]:
        with bound(1) as reader:
            return reader.read_receipts(receipt)


def sent(use_gateways: Callable[..., None], *provider_ids: str) -> list[Message]:
    use_gateways(Box("op", *[Accepted(provider_ids=(each,)) for each in provider_ids], receipts=ReceiptsBy.PUSH))
    found = []
    for _each in provider_ids:
        found.append(queue())
        drain.drain()
    return found


def told(body: str, query: str = "") -> None:
    receipts.keep("op", kept(body, query))
    pushed.drain()


def state(message: Message) -> str:
    message.refresh_from_db()
    return message.state


def as_hex_answer(number: int) -> tuple[str, str]:
    return f"{number:X}", str(number)


def as_hex_receipt(number: int) -> tuple[str, str]:
    return str(number), f"{number:x}"


def as_padded(number: int) -> tuple[str, str]:
    return str(number), f"{number:010}"


def as_stripped(number: int) -> tuple[str, str]:
    return f"{number:010}", str(number)


def as_other_case(number: int) -> tuple[str, str]:
    return f"MSG-{number}", f"msg-{number}"


def as_same(number: int) -> tuple[str, str]:
    return str(number), str(number)


@database
@pytest.mark.parametrize(
    ("write", "form"),
    [
        (as_hex_answer, "text.hex_answer"),
        (as_hex_receipt, "text.hex_receipt"),
        (as_padded, "text.written"),
        (as_stripped, "text.written"),
        (as_other_case, "text.written"),
        (as_same, "text.same"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_the_way_to_write_ids_is_learned_from_receipts(use_gateways, write, form):
    pairs = [write(987_650 + 7 * n) for n in range(12)]
    messages = sent(use_gateways, *(answer for answer, _ in pairs))
    for _, receipt in pairs:
        told(f"id:{receipt} stat:DELIVRD")
    assert {state(message) for message in messages} == {MessageState.DELIVERED}
    assert ReceiptHabits.objects.get(gateway="op").form == form


@database
def test_a_receipt_that_may_mean_two_messages_waits_until_the_way_is_known(use_gateways):
    meant, other, *more = sent(use_gateways, "16", "10", *(str(1000 + n) for n in range(10)))
    told("id:10 stat:UNDELIV")  # "10" as it stands, or 16 in hexadecimal
    assert (state(meant), state(other)) == (MessageState.ACCEPTED, MessageState.ACCEPTED)
    for n in range(10):
        told(f"id:{1000 + n:x} stat:DELIVRD")
    assert {state(message) for message in more} == {MessageState.DELIVERED}
    assert ReceiptHabits.objects.get(gateway="op").form == "text.hex_receipt"
    make_receipts_due()
    pushed.drain()
    assert (state(meant), state(other)) == (MessageState.UNDELIVERED, MessageState.ACCEPTED)


def make_receipts_due() -> None:
    Receipt.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=timezone.now() - timedelta(seconds=1))


@database
def test_what_a_phone_may_have_written_teaches_nothing(use_gateways):
    sent(use_gateways, *(str(1000 + n) for n in range(12)))
    for n in range(12):
        told(f"id:{1000 + n:x} stat:DELIVRD", "from=989121234567")
    assert not ReceiptHabits.objects.filter(gateway="op").exists()


@database
def test_what_a_phone_may_have_written_raises_no_alarm_and_unlearns_nothing(use_gateways):
    sent(use_gateways, "77")
    ReceiptHabits.objects.create(gateway="op", form="text.same", recent="1" * 100)
    for n in range(60):
        receipts.keep("op", kept(f"id:{n + 5000} stat:DELIVRD", "from=989121234567"))
    for _try in range(6):
        make_receipts_due()
        pushed.drain()
    habits = ReceiptHabits.objects.get(gateway="op")
    assert (habits.unmatched, habits.form) == (0, "text.same")
    assert not Alarm.objects.exists()


@database
def test_another_gateways_message_is_never_meant(use_gateways):
    [message] = sent(use_gateways, "77")
    Message.objects.filter(pk=message.pk).update(gateway="other")
    told("id:4D stat:DELIVRD")
    assert state(message) == MessageState.ACCEPTED


@database
def test_enroute_after_delivrd_changes_nothing(use_gateways):
    [message] = sent(use_gateways, "77")
    told("id:77 stat:DELIVRD")
    told("id:77 stat:ENROUTE")
    told("id:77 stat:UNDELIV")
    assert state(message) == MessageState.DELIVERED


@database
def test_receipts_that_match_nothing_raise_an_alarm_after_a_minute_and_the_way_is_learned_anew(use_gateways):
    sent(use_gateways, "77")
    ReceiptHabits.objects.create(gateway="op", form="text.same", recent="1" * 40)
    for n in range(60):
        receipts.keep("op", kept(f"id:{n + 5000} stat:DELIVRD"))
    for _try in range(5):
        make_receipts_due()
        pushed.drain()
    habits = ReceiptHabits.objects.get(gateway="op")
    assert (habits.recent.count("1"), habits.unmatched, habits.form) == (40, 60, "")
    assert Alarm.objects.get().detail == "60 of the last 100 match no message"


@database
def test_administrators_see_what_was_learned(use_gateways, client):
    use_gateways(Box("op", receipts=ReceiptsBy.PUSH))
    ReceiptHabits.objects.create(gateway="op", form="text.hex_answer", recent="1101", per_message=True)
    client.force_login(administrator())
    page = client.get("/admin/sms/message/health/").content.decode()
    assert "در پاسخ ارسال شانزده" in page
    assert "یک گزارش برای همه بخش" in page
    output = StringIO()
    call_command("sms_gateway", stdout=output)
    assert "receipts of op: 1 of the last 4 match no message, way of ids: text.hex_answer" in output.getvalue()


def test_every_way_is_undone_by_its_candidates():
    for number in (0, 7, 77, 4711, 987_654_321):
        for write, form in ((as_hex_answer, "hex_answer"), (as_hex_receipt, "hex_receipt"), (as_same, "same")):
            answer, receipt = write(number)
            assert answer in ids.candidates((("text", receipt),), f"text.{form}")
    assert ids.candidates((("text", "x"),), "beside.same") == set()


# ── Receipts by part, and by message


def long_messages(use_gateways: Callable[..., None], count: int) -> list[Message]:
    use_gateways(
        Box("op", *[Accepted(provider_ids=(f"m{n}a", f"m{n}b")) for n in range(count)], receipts=ReceiptsBy.PUSH)
    )
    found = []
    for _n in range(count):
        found.append(queue(text=LONG))
        drain.drain()
    return found


def later(than: timedelta) -> None:
    """All of it was sent, and told, so long ago and a minute."""
    then = timezone.now() - than - timedelta(minutes=1)
    Message.objects.filter(sent_at__gt=then).update(sent_at=then)
    Part.objects.filter(told_at__gt=then).update(told_at=then)


def tell(gateway_id: str, delivery: Delivery = Delivery.DELIVERED) -> None:
    assert applying.apply("op", Report(delivery, provider_id=gateway_id))


@database
def test_a_gateway_that_sends_one_receipt_a_message_is_known_by_that(use_gateways):
    messages = long_messages(use_gateways, 6)
    for n in range(5):
        tell(f"m{n}b")
    later(limits.RECEIPT_DUE_WITHIN)
    by_part.learn()
    assert {state(message) for message in messages} == {MessageState.ACCEPTED}
    later(limits.RECEIPT_PARTS_APART)
    by_part.learn()
    assert [state(message) for message in messages] == [MessageState.DELIVERED] * 5 + [MessageState.ACCEPTED]
    tell("m5b")
    by_part.learn()
    assert state(messages[5]) == MessageState.ACCEPTED  # it was told just now: another part may follow
    later(limits.RECEIPT_DUE_WITHIN)
    by_part.learn()
    assert state(messages[5]) == MessageState.DELIVERED


@database
def test_receipts_of_second_parts_that_lag_teach_nothing_false(use_gateways):
    """A gateway that reports by part, and full phones that take the second parts later."""
    messages = long_messages(use_gateways, 6)
    for n in range(5):
        tell(f"m{n}a")
    later(limits.RECEIPT_DUE_WITHIN)
    by_part.learn()
    for n in range(5):
        tell(f"m{n}b", Delivery.UNDELIVERED)
    assert {state(message) for message in messages[:5]} == {MessageState.UNDELIVERED}


@database
def test_a_message_of_which_a_part_was_not_delivered_is_not(use_gateways):
    [message] = long_messages(use_gateways, 1)
    ReceiptHabits.objects.create(gateway="op", per_message=True)
    tell("m0a")
    by_part.learn()
    tell("m0b", Delivery.UNDELIVERED)
    assert state(message) == MessageState.UNDELIVERED


@database
def test_one_message_with_two_receipts_ends_what_was_learned_at_once(use_gateways):
    messages = long_messages(use_gateways, 2)
    ReceiptHabits.objects.create(gateway="op", per_message=True)
    tell("m1a")
    tell("m0a")
    assert by_part.one_for_all("op")
    tell("m0b")
    assert not by_part.one_for_all("op")
    later(limits.RECEIPT_DUE_WITHIN)
    by_part.learn()
    assert [state(message) for message in messages] == [MessageState.DELIVERED, MessageState.ACCEPTED]


@database
def test_a_message_with_two_receipts_outweighs_old_ones_with_one(use_gateways):
    long_messages(use_gateways, 6)
    for n in range(5):
        tell(f"m{n}a")
    later(limits.RECEIPT_PARTS_APART)
    tell("m5a")
    tell("m5b")
    by_part.learn()
    assert not by_part.one_for_all("op")


@database
def test_a_gateway_that_sends_a_receipt_a_part_is_waited_for(use_gateways):
    messages = long_messages(use_gateways, 6)
    for n in range(6):
        applying.apply("op", Report(Delivery.DELIVERED, provider_id=f"m{n}a"))
    applying.apply("op", Report(Delivery.DELIVERED, provider_id="m0b"))
    later(limits.RECEIPT_PARTS_APART)
    by_part.learn()
    assert [state(message) for message in messages] == [MessageState.DELIVERED] + [MessageState.ACCEPTED] * 5
    assert Part.objects.filter(state=MessageState.DELIVERED).count() == 7
