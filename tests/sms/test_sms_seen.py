"""A new gateway gets no traffic until somebody has read a test SMS of it, or has put on record that nobody needs to."""

from __future__ import annotations

import importlib
from io import StringIO
from unittest.mock import Mock

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from common import alarms
from sms import checks, parts, routing, seen, setups, tasks, texts
from sms.gateways.base import FOR_EVER, Abilities, Accepted, Gateway
from sms.gateways.kannel import KannelGateway
from sms.models import GatewaySeen, Message, MessageKind, MessageState, SeenHow
from sms.sending import drain
from tests.support.sms_fixtures import die_in_mid_send, make_due, queue
from tests.support.sms_gateways import StubGateway

pytestmark = pytest.mark.django_db(transaction=True)


class Box(KannelGateway):
    """Accepts everything, on the network."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, options={"URL": "http://127.0.0.1:1", "USER": "u", "PASSWORD": "p"})
        self.sent: list[str] = []

    def send(self, sms):
        self.sent.append(sms.text)
        return Accepted()


@pytest.fixture
def box(settings, monkeypatch) -> Box:
    """The only gateway, by the network, in real service."""
    return one_of(settings, monkeypatch, Box("kannel"))


def one_of(settings, monkeypatch, *gateways: Gateway):
    for gateway in gateways:
        monkeypatch.setitem(routing._built, gateway.name, gateway)
    settings.DEMO, settings.SMS_GATEWAYS = False, [gateway.name for gateway in gateways]
    seen.forget()
    return gateways[0]


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def states() -> set[str]:
    return set(Message.objects.exclude(dedupe_key__startswith="test:09").values_list("state", flat=True))


def test_nothing_goes_by_a_new_gateway_nothing_is_lost_and_everybody_is_told(box, client):
    message = queue()
    drain.drain()
    message.refresh_from_db()
    assert (message.state, message.tries.count(), box.sent) == (MessageState.QUEUED, 0, [])
    tasks.watch()
    [alarm] = alarms.standing("sms")
    command = "manage.py sms_send_test --gateway kannel"
    assert (alarm.code, alarm.subject, command in alarm.detail) == ("unseen", "kannel", True)
    [warning] = checks.gateways_are_seen(databases=["default"])
    assert (warning.id, command in str(warning.hint)) == ("sms.W004", True)
    assert checks.gateways_are_seen() == []
    assert command in run("sms_gateway")
    assert b"sms (no gateway has been seen)" in client.get("/readyz").content


def test_a_test_sms_that_was_read_gives_it_traffic_and_what_waited_goes(box, client):
    message = queue()
    drain.drain()
    told = run("sms_send_test", "--to", "09121234567", "--gateway", "kannel")
    [text] = box.sent
    number = texts.number_in_test(text)
    assert "--confirm NUMBER" in told
    assert texts.without_number(text) in told
    assert text not in told
    with pytest.raises(CommandError, match="does not end in that number"):
        run("sms_send_test", "--gateway", "kannel", "--confirm", "0000")
    told = run("sms_send_test", "--gateway", "kannel", "--confirm", number, "--by", "Ali")
    assert "confirmed by Ali" in told
    row = GatewaySeen.objects.get()
    assert (row.gateway, row.kind, row.how, row.by) == ("kannel", "kannel", "confirmed", "Ali")
    drain.drain()
    message.refresh_from_db()
    assert message.state == MessageState.ACCEPTED
    assert "seen: confirmed by Ali" in run("sms_gateway")
    assert list(alarms.standing("sms")) == []
    assert b"sms" not in client.get("/readyz").content


def test_who_sits_at_a_terminal_is_asked(box, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: "")
    with pytest.raises(CommandError, match="gets no traffic"):
        run("sms_send_test", "09121234567", "--gateway", "kannel")
    monkeypatch.setattr("builtins.input", lambda _: box.sent[-1][-4:])  # in Persian digits, as the phone shows them
    assert "gets traffic" in run("sms_send_test", "09121234567", "--gateway", "kannel")


def test_it_may_be_assumed_and_that_is_on_record(box, caplog):
    assert "assumed to be right by Ali" in run("sms_send_test", "--gateway", "kannel", "--assume-seen", "--by", "Ali")
    assert (GatewaySeen.objects.get().how, box.sent) == ("assumed", [])
    assert "kannel counts as seen: assumed by Ali" in caplog.text
    queue()
    drain.drain()
    assert states() == {MessageState.ACCEPTED}
    with pytest.raises(CommandError, match="--gateway is one of kannel"):
        run("sms_send_test", "--assume-seen")


def test_a_gateway_that_is_set_up_anew_can_be_made_new_again(box):
    run("sms_send_test", "--gateway", "kannel", "--assume-seen")
    assert "gets no traffic until" in run("sms_send_test", "--gateway", "kannel", "--not-seen")
    assert seen.unseen() == ["kannel"]


def test_the_next_gateway_takes_over_until_the_new_one_is_seen(settings, monkeypatch):
    new, old = Box("kannel"), StubGateway("old")
    one_of(settings, monkeypatch, new, old)
    queue(MessageKind.CODE)
    drain.drain()
    assert (new.sent, len(old.sent)) == ([], 1)


def test_another_kind_under_an_old_name_is_a_new_gateway(box, settings):
    run("sms_send_test", "--gateway", "kannel", "--assume-seen")
    assert seen.unseen() == []
    settings.SMS_ENVIRONMENT = {"SMS_KANNEL_KIND": "http"}
    assert seen.unseen() == ["kannel"]


KANNEL = {"SMS_KANNEL_URL": "http://127.0.0.1:1/", "SMS_KANNEL_USER": "u", "SMS_KANNEL_PASSWORD": "p"}


@pytest.mark.parametrize(
    ("changed", "is_new"),
    [
        ({"SMS_KANNEL_URL": "http://192.0.2.1:13013/"}, True),
        ({"SMS_KANNEL_URL": "http://127.0.0.1:1/other"}, True),
        ({"SMS_KANNEL_SENDER": "3000"}, True),
        ({"SMS_KANNEL_SMSC": "two"}, True),
        ({"SMS_KANNEL_URL": "http://127.0.0.1:1"}, False),
        ({"SMS_KANNEL_PASSWORD": "another", "SMS_KANNEL_RATE": "5"}, False),
    ],
)
def test_the_same_name_at_another_address_or_with_another_sender_is_a_new_gateway(box, settings, changed, is_new):
    settings.SMS_ENVIRONMENT = KANNEL
    seen.record("kannel", SeenHow.CONFIRMED, by="Ali")
    settings.SMS_ENVIRONMENT = KANNEL | changed
    assert seen.may_carry("kannel") is not is_new


def test_the_coding_in_a_plain_url_decides_and_its_password_does_not(settings):
    words = []
    for query in ("pass=a&coding=2", "pass=b&coding=2", "pass=a&coding=0"):
        settings.SMS_ENVIRONMENT = {"SMS_BOX_KIND": "http", "SMS_BOX_URL": f"https://b/?to={{to}}&t={{text}}&{query}"}
        words.append(setups.setup("box"))
    assert words[0] == words[1] != words[2]


def test_a_test_sms_confirms_nothing_after_the_gateway_was_set_up_otherwise(box, settings):
    run("sms_send_test", "--to", "09121234567", "--gateway", "kannel")
    number = texts.number_in_test(box.sent[-1])
    settings.SMS_ENVIRONMENT = {"SMS_KANNEL_TYPE": "http", "SMS_KANNEL_URL": "http://127.0.0.1:1/?{to}{text}"}
    with pytest.raises(CommandError, match="was set up otherwise since that test SMS"):
        run("sms_send_test", "--gateway", "kannel", "--confirm", number)
    assert seen.unseen() == ["kannel"]


class WithKey(Box):
    def abilities(self, kind):
        return Abilities(client_key=FOR_EVER)


def test_a_message_in_doubt_does_not_go_by_a_gateway_that_nobody_has_seen(settings, monkeypatch):
    """It was taken back (`--not-seen`): what was in doubt waits as if it were off, and goes when it was seen."""
    box = one_of(settings, monkeypatch, WithKey("kannel"))
    message = queue()
    die_in_mid_send(message, "kannel")
    drain.drain()
    assert box.sent == []
    run("sms_send_test", "--gateway", "kannel", "--assume-seen")
    make_due(message)
    drain.drain()
    assert len(box.sent) == 1
    message.refresh_from_db()
    assert message.state == MessageState.ACCEPTED


def test_a_demo_and_its_inbox_need_nobody(settings, monkeypatch):
    settings.SMS_GATEWAYS = ["inbox", "kannel"]
    assert seen.unseen() == []
    settings.DEMO = False
    assert seen.unseen() == ["kannel"]


def test_the_test_sms_has_what_goes_wrong():
    text = texts.test()
    assert parts.count(text) == 2
    assert len(text) > 71
    assert "\u200c" in text
    assert {"۱", "1", "«"} <= set(text)
    assert len({texts.number_in_test(texts.test()) for _ in range(20)}) > 1


@pytest.mark.parametrize(
    ("state", "final", "counts"),
    [("delivered", True, True), ("accepted", True, True), ("accepted", False, False), ("failed", True, False)],
)
def test_an_upgrade_stops_no_gateway_that_has_carried_messages(state, final, counts):
    message = queue(dedupe_key="result:1")
    final_at = timezone.now() if final else None
    Message.objects.filter(pk=message.pk).update(state=state, gateway="old", final_at=final_at, next_attempt_at=None)
    importlib.import_module("sms.migrations.0009_gateways_that_were_seen").count_as_seen(apps, None)
    assert list(GatewaySeen.objects.values_list("gateway", "how")) == ([("old", "delivered")] if counts else [])


@pytest.mark.parametrize("state", ["delivered", "accepted"])
def test_a_test_sms_before_the_upgrade_has_shown_nothing(state):
    message = queue(dedupe_key="test:0a")
    Message.objects.filter(pk=message.pk).update(
        state=state, gateway="old", final_at=timezone.now(), next_attempt_at=None
    )
    importlib.import_module("sms.migrations.0009_gateways_that_were_seen").count_as_seen(apps, None)
    assert not GatewaySeen.objects.exists()


def test_after_the_upgrade_another_kind_is_noticed_as_well(box, settings):
    GatewaySeen.objects.create(gateway="kannel", how="delivered")
    tasks.watch()
    row = GatewaySeen.objects.get()
    assert (row.kind, row.setup) == ("kannel", setups.setup("kannel"))
    settings.SMS_ENVIRONMENT = {"SMS_KANNEL_KIND": "http"}
    seen.forget()
    assert seen.unseen() == ["kannel"]


def test_a_row_of_another_kind_gets_no_present_setup(box):
    GatewaySeen.objects.create(gateway="kannel", how="confirmed", kind="http")
    tasks.watch()
    assert (GatewaySeen.objects.get().setup, seen.unseen()) == ("", ["kannel"])


def test_a_read_that_fails_makes_no_gateway_new(box, client, monkeypatch):
    GatewaySeen.objects.create(gateway="kannel", how="assumed", kind="kannel")
    seen.forget()
    with monkeypatch.context() as away:
        away.setattr(GatewaySeen.objects, "values_list", Mock(side_effect=OperationalError("away")))
        response = client.get("/readyz")
        assert (response.status_code, response.content) == (503, b"database")
        with pytest.raises(OperationalError):
            tasks.watch()
    assert seen.may_carry("kannel")
    tasks.watch()
    assert list(alarms.standing("sms")) == []


def test_the_alarm_ends_with_the_gateway_and_with_a_row_that_came_otherwise(box, settings):
    tasks.watch()
    assert [alarm.subject for alarm in alarms.standing("sms")] == ["kannel"]
    GatewaySeen.objects.create(gateway="kannel", how="assumed", kind="kannel")
    seen.forget()
    tasks.watch()
    assert alarms.standing("sms") == []
    GatewaySeen.objects.all().delete()
    seen.forget()
    tasks.watch()
    settings.SMS_GATEWAYS = ["inbox"]
    tasks.watch()
    assert alarms.standing("sms") == []


def test_what_waits_for_a_gateway_to_be_seen_is_due_again_soon_enough(box):
    """Nobody has to touch the queue: the record lets it go."""
    message = queue()
    for _ in range(3):
        drain.drain()
        make_due(message)
    run("sms_send_test", "--gateway", "kannel", "--assume-seen")
    drain.drain()
    assert states() == {MessageState.ACCEPTED}
