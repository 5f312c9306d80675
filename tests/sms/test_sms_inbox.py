"""The demo's phone: the command, the page, and what administrators see in the admin."""

from __future__ import annotations

import io
import json
from datetime import datetime

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.utils import timezone

from sms.gateways.base import Sms
from sms.gateways.inbox import InboxGateway
from sms.models import InboxMessage, Message, MessageKind, MessageState
from sms.sending import drain
from tests.support.sms_fixtures import CODE_TEXT, NUMBER, queue

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = "+989351112233"


def inbox_command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("sms_inbox", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("number", ["09121234567", "+989121234567", "۰۹۱۲ ۱۲۳ ۴۵۶۷", "00989121234567", "9121234567"])
def test_the_command_finds_a_number_however_it_is_written(number):
    queue(MessageKind.CODE)
    drain.drain()
    [sms] = json.loads(inbox_command("--to", number, "--json"))
    created_at = datetime.fromisoformat(sms.pop("created_at"))
    assert sms == {"to": NUMBER, "kind": "code", "text": CODE_TEXT, "state": "accepted"}
    assert (timezone.now() - created_at).total_seconds() < 60


def test_the_command_lists_newest_first_and_only_that_number():
    for to, text in ((NUMBER, "یک"), (OTHER, "دو"), (NUMBER, "سه")):
        queue(to=to, text=text)
        drain.drain()
    assert [sms["text"] for sms in json.loads(inbox_command("--to", NUMBER, "--json"))] == ["سه", "یک"]


def test_the_command_shows_whole_texts_after_the_messages_body_was_blanked():
    message = queue(MessageKind.CODE)
    drain.drain()
    drain.scrub(before=timezone.now())
    message.refresh_from_db()
    assert message.text == ""
    [sms] = json.loads(inbox_command("--to", NUMBER, "--json"))
    assert (sms["text"], sms["state"]) == (CODE_TEXT, "accepted")


def test_the_command_is_readable_without_json():
    queue(MessageKind.CODE)
    drain.drain()
    assert CODE_TEXT in inbox_command("--to", NUMBER)
    assert inbox_command("--to", OTHER) == "No SMS to 09351112233.\n"
    assert json.loads(inbox_command("--to", OTHER, "--json")) == []


def test_the_command_names_a_number_it_cannot_read():
    with pytest.raises(CommandError, match="09121234567"):
        inbox_command("--to", "02188888888")


def test_the_inbox_takes_a_key_once():
    sms = Sms(key=queue().key, to=NUMBER, text="یک", kind="result")
    assert InboxGateway().send(sms) == InboxGateway().send(sms)
    assert InboxMessage.objects.count() == 1


# ── the page


def test_the_page_shows_a_numbers_sms_newest_first_with_the_code_by_itself(client):
    for kind in (MessageKind.RESULT, MessageKind.CODE):
        queue(kind)
        drain.drain()
    queue(to=OTHER, text="برای دیگری")
    drain.drain()
    response = client.get("/portal/inbox/", {"to": "۰۹۱۲۱۲۳۴۵۶۷"})
    page = response.content.decode()
    assert page.index("@portal.example #482913") < page.index(">نتیجه<")
    assert 'dir="ltr">482913</bdi>' in page
    assert "برای دیگری" not in page
    assert "no-store" in response["Cache-Control"]


def test_the_page_without_a_number_shows_the_newest_sms_of_each(client):
    for to, text in ((NUMBER, "یک"), (OTHER, "دو"), (NUMBER, "سه")):
        queue(to=to, text=text)
        drain.drain()
    page = client.get("/portal/inbox/").content.decode()
    assert page.index(">سه<") < page.index(">دو<")
    assert ">یک<" not in page
    assert 'href="?to=09351112233"' in page


def test_the_page_has_a_labelled_field_and_says_what_is_wrong_with_a_number(client):
    page = client.get("/portal/inbox/", {"to": "02188888888"}).content.decode()
    assert 'for="id_to">تلفن همراه</label>' in page
    assert 'aria-invalid="true"' in page
    assert 'value="02188888888"' in page


def test_the_page_shows_markup_in_an_sms_as_text(client):
    queue(text="<script>alert(1)</script>")
    drain.drain()
    assert "<script>alert" not in client.get("/portal/inbox/", {"to": NUMBER}).content.decode()


def test_outside_demo_mode_there_is_no_inbox_page(client, settings):
    settings.DEMO = False
    assert client.get("/portal/inbox/").status_code == 404


# ── the admin


@pytest.fixture
def administrator(client):
    user = get_user_model().objects.create_superuser("operator")
    client.force_login(user, backend="accounts.backends.StaffBackend")
    return client


def test_administrators_see_where_a_message_is_but_neither_its_number_nor_a_code(administrator):
    message = queue(MessageKind.CODE)
    for url in ("/admin/sms/message/", f"/admin/sms/message/{message.pk}/change/"):
        page = administrator.get(url).content.decode()
        assert "۰۹۱۲•••۴۵۶۷" in page
        assert "9121234567" not in page
        assert "482913" not in page


def test_administrators_see_a_result_while_it_waits_and_not_once_it_is_final(administrator):
    message = queue(text="متن نتیجه")
    url = f"/admin/sms/message/{message.pk}/change/"
    assert "متن نتیجه" in administrator.get(url).content.decode()
    drain.drain()
    assert "متن نتیجه" not in administrator.get(url).content.decode()


@pytest.mark.parametrize(
    "lookup",
    ["text__contains", "text__startswith", "to__endswith", "to", "id", "attempt__detail", "key", "state__regex"],
)
def test_the_address_bar_answers_no_questions_about_codes_and_numbers(administrator, lookup):
    queue(MessageKind.CODE)
    assert administrator.get("/admin/sms/message/", {lookup: "1"}).status_code == 400


def test_the_lists_own_filters_work(administrator):
    queue(MessageKind.CODE)
    shown = administrator.get("/admin/sms/message/").context["cl"]
    offered = [choice["query_string"] for spec in shown.filter_specs for choice in spec.choices(shown)]
    assert {"?state__exact=queued", "?kind__exact=code"} <= set(offered)
    assert {administrator.get(f"/admin/sms/message/{query}").status_code for query in offered} == {200}
    assert administrator.get("/admin/sms/message/?state__exact=queued").context["cl"].result_count == 1
    assert administrator.get("/admin/sms/message/?state__exact=failed").context["cl"].result_count == 0


@pytest.mark.parametrize("lookup", ["state__exact", "kind__exact", "gateway", "operator__exact", "operator"])
def test_a_damaged_filter_is_no_server_error(administrator, lookup):
    assert administrator.get("/admin/sms/message/", {lookup: "\x00"}).status_code < 500


def test_nobody_changes_a_message_in_the_admin(administrator):
    message = queue()
    assert administrator.get("/admin/sms/message/add/").status_code == 403
    assert administrator.post(f"/admin/sms/message/{message.pk}/change/", {"state": "failed"}).status_code == 403
    assert administrator.post(f"/admin/sms/message/{message.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Message.objects.get().state == MessageState.QUEUED
    assert not admin.site._registry.keys() & {InboxMessage}
