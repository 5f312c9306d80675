"""SMS in the admin: who sees what, the list, and what an administrator may do there."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from common import alarms, breaker
from common.models import Alarm, AlarmCode
from common.persian import to_persian_digits
from sms import manual_actions, routing
from sms.models import GatewaySwitch, Message, MessageKind, MessageState
from sms.models import Receipt as ReceiptRow
from tests.support.accounts import administrator, clerk
from tests.support.pages import assert_fits_the_policy
from tests.support.sms_fixtures import CODE_TEXT, delivered, queue
from tests.support.sms_gateways import StubGateway

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_administrator_switches_a_gateway_in_the_admin(use_gateways, client):
    use_gateways(StubGateway("one"), StubGateway("two"))
    client.force_login(administrator())
    page = client.get("/admin/sms/gatewayswitch/add/").content.decode()
    assert_fits_the_policy(page)
    assert '<option value="two">' in page
    client.post("/admin/sms/gatewayswitch/add/", {"gateway": "one", "operator": "", "weight": ""})
    assert [gateway.name for gateway in routing.route("mci", "code")] == ["two"]
    switch = GatewaySwitch.objects.get()
    breaker.trip("sms:one:*", "418")
    client.post(f"/admin/sms/gatewayswitch/{switch.pk}/change/", {"gateway": "one", "operator": "", "is_on": "on"})
    assert [gateway.name for gateway in routing.route("mci", "code")] == ["one", "two"]
    wrong = client.post("/admin/sms/gatewayswitch/add/", {"gateway": "nobody", "operator": ""})
    assert wrong.status_code == 200
    assert GatewaySwitch.objects.count() == 1


def test_the_list_has_age_and_masked_numbers_and_a_final_one_no_body(client):
    queue(text="نتیجه یکم")
    final = delivered(5)
    Message.objects.filter(pk=final.pk).update(text="نتیجه دوم")
    queue(MessageKind.CODE)
    client.force_login(administrator())
    page = client.get("/admin/sms/message/").content.decode()
    assert "\u2066۰۹۱۲•••" in page  # isolated: the dots would turn the number round
    assert "۰۹۱۲•••۴۵۶۷" in page
    assert "9121234567" not in page
    for message in Message.objects.all():
        detail = client.get(f"/admin/sms/message/{message.pk}/change/").content.decode()
        assert "نتیجه دوم" not in detail
        assert CODE_TEXT.splitlines()[0] not in detail


def column(page: str, name: str) -> list[str]:
    """What the changelist shows in a column, row by row, without tags."""
    cells = re.findall(rf'<t[dh][^>]*class="field-{name}[^"]*"[^>]*>(.*?)</t[dh]>', page, re.DOTALL)
    return [re.sub("<[^>]+>", "", cell).strip() for cell in cells]


def test_each_column_of_the_list_says_what_it_is_for(client):
    message = queue(MessageKind.CODE, operator="mci", to="+989121234567")
    created = timezone.now() - timedelta(seconds=125)
    Message.objects.filter(pk=message.pk).update(
        state="accepted", gateway="kave", parts=2, attempts=3, next_attempt_at=None, created_at=created,
        sent_at=created, final_at=created + timedelta(seconds=65),
    )  # fmt: skip
    client.force_login(administrator())
    page = client.get("/admin/sms/message/").content.decode()
    assert_fits_the_policy(page)
    names = ("masked_number", "operator_name", "kind", "gateway", "pieces", "age")
    shown = {name: column(page, name) for name in names}
    assert shown == {
        "masked_number": ["\u2066۰۹۱۲•••۴۵۶۷\u2069"], "operator_name": ["همراه اول"], "kind": ["کد"],
        "gateway": ["kave"], "pieces": ["۲"], "age": ["۱:۰۵"],
    }  # fmt: skip
    assert column(page, "state") == [str(MessageState.ACCEPTED.label)]
    assert column(page, "rounds") == ["۳"]
    assert CODE_TEXT.split()[4] not in page


def test_the_list_shows_the_number_that_sms_resend_wants(client):
    message = queue()
    client.force_login(administrator())
    page = client.get("/admin/sms/message/").content.decode()
    [shown] = column(page, "number")
    assert int(shown) == message.pk  # Persian digits, which the command takes
    assert "شناسه پیامک" in page
    assert "شناسه پیامک" in client.get(f"/admin/sms/message/{message.pk}/change/").content.decode()


def test_a_test_sms_has_as_many_attempts_in_the_list_as_it_has(use_gateways, client):
    use_gateways(StubGateway("one"))
    manual_actions.send_test(to="+989121234567")
    client.force_login(administrator())
    assert column(client.get("/admin/sms/message/").content.decode(), "rounds") == ["۱"]
    assert Message.objects.get().tries.count() == 1


def resend(client: Any, *messages: Message) -> list[str]:
    order = {"action": "send_again", "_selected_action": [message.pk for message in messages]}
    return [str(each) for each in get_messages(client.post("/admin/sms/message/", order).wsgi_request)]


def test_an_administrator_sends_a_result_again_and_is_told_why_others_are_not(client):
    failed, code, blank, waits = queue(), queue(MessageKind.CODE), queue(), queue()
    final = {"state": "failed", "next_attempt_at": None, "final_at": timezone.now()}
    Message.objects.exclude(pk=waits.pk).update(**final)
    Message.objects.filter(pk=blank.pk).update(text="")
    client.force_login(administrator())
    told = resend(client, failed, code, blank, waits)
    again = Message.objects.latest("pk")
    assert (again.text, again.state, Message.objects.count()) == (failed.text, "queued", 5)
    assert len(told) == 4
    for message, words in ((failed, str(again.pk)), (code, "کد"), (blank, "متن"), (waits, "در راه")):
        assert any(to_persian_digits(message.pk) in each and to_persian_digits(words) in each for each in told)


def test_a_clerk_sends_nothing_again(client):
    message = queue()
    Message.objects.update(state="failed", next_attempt_at=None)
    client.force_login(clerk())
    resend(client, message)
    assert Message.objects.count() == 1


def test_the_switch_offers_the_known_operators_and_no_other(use_gateways, client):
    use_gateways(StubGateway("one"))
    client.force_login(administrator())
    page = client.get("/admin/sms/gatewayswitch/add/").content.decode()
    assert '<option value="mci">همراه اول</option>' in page
    for weight in ("1000001", "2147483648", "18446744073709551616", "1" * 900):
        much = client.post("/admin/sms/gatewayswitch/add/", {"gateway": "one", "operator": "", "weight": weight})
        assert much.context["adminform"].form.errors.keys() == {"weight"}
    wrong = client.post("/admin/sms/gatewayswitch/add/", {"gateway": "one", "operator": "mcii", "weight": ""})
    assert 'id="id_operator_error"' in wrong.content.decode()
    assert not GatewaySwitch.objects.exists()
    client.post("/admin/sms/gatewayswitch/add/", {"gateway": "one", "operator": "mci", "weight": ""})
    assert GatewaySwitch.objects.get().operator == "mci"


def test_an_old_switch_of_what_is_not_known_any_more_never_turns_into_one_for_all(use_gateways, client):
    use_gateways(StubGateway("one"))
    switch = GatewaySwitch.objects.create(gateway="gone", operator="mcii", is_on=False)
    client.force_login(administrator())
    page = client.get(f"/admin/sms/gatewayswitch/{switch.pk}/change/").content.decode()
    assert '<option value="gone" selected>' in page
    assert '<option value="mcii" selected>' in page


def test_operators_stand_everywhere_by_their_names(use_gateways, client):
    use_gateways(StubGateway("one"))
    queue(operator="mci")
    queue(operator="irancell", to="+989351234567")
    Message.objects.update(gateway="one", sent_at=timezone.now(), state=MessageState.ACCEPTED)
    GatewaySwitch.objects.create(gateway="one", operator="mci", is_on=False)
    client.force_login(administrator())
    switches = client.get("/admin/sms/gatewayswitch/").content.decode()
    assert '<td class="field-operator_name">همراه اول</td>' in switches
    health = client.get("/admin/sms/message/health/").content.decode()
    assert "<bdi>همراه اول</bdi>" in health
    assert "<bdi>ایرانسل</bdi>" in health
    listed = client.get("/admin/sms/message/")
    assert '<a href="?operator=mci">همراه اول</a>' in listed.content.decode()
    chosen = client.get("/admin/sms/message/?operator=mci").context["cl"]
    assert [message.operator for message in chosen.result_list] == ["mci"]
    assert not client.get("/admin/sms/message/?operator=nobody%00").context["cl"].result_list


def test_an_administrator_ends_an_alarm_and_a_clerk_cannot(client):
    alarms.sound(AlarmCode.GIVEN_UP, detail="message 1")
    order = {"action": "dealt_with", "_selected_action": [Alarm.objects.get().pk]}
    client.force_login(clerk())
    client.post("/admin/portal/alarm/", order)
    assert len(alarms.standing("sms")) == 1
    client.force_login(administrator())
    client.post("/admin/portal/alarm/", order)
    assert alarms.standing("sms") == []


def test_receipts_and_alarms_are_shown_without_long_numbers(client):
    row = ReceiptRow.objects.create(gateway="one", query="to=09121234567", body=b'{"mobile": "09121234567"}')
    alarm = Alarm.objects.create(code=AlarmCode.RECEIPTS, subject="one", detail="ValueError")
    client.force_login(administrator())
    assert "ValueError" in client.get("/admin/portal/alarm/").content.decode()
    assert client.get(f"/admin/portal/alarm/{alarm.pk}/change/").status_code == 200
    assert client.get("/admin/sms/receipt/").status_code == 200
    page = client.get(f"/admin/sms/receipt/{row.pk}/change/").content.decode()
    assert "9121234567" not in page
    assert "[number]" in page
    for name in ("روش درخواست", "نوع محتوا"):
        assert f"{name}:" in page
