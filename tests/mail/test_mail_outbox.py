"""Putting an e-mail into somebody's transaction."""

from __future__ import annotations

import contextlib

import pytest
from celery import Celery
from django.conf import settings as django_settings
from django.db import transaction

from common.errors import PortalError
from mail.models import Letter, LetterState
from tests.support.accounts import together
from tests.support.mail_fixtures import ADDRESS, HTML, SUBJECT, TEXT, queue

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "to",
    [
        "",
        "maryam",
        "maryam@",
        "@example.org",
        "maryam@localhost.",
        "maryam@example.org\n",
        "maryam@example.org\r\nBcc: other@example.org",
        "maryam@example.org, other@example.org",
        "Maryam <maryam@example.org>",
        "maryam@example.org\0",
        "مریم@example.org",  # no server of today takes it without asking
        "m" * 250 + "@example.org",
        "maryam@example.org،",  # as Punycode it is a stranger's domain
        "maryam@example.org.",
        "<maryam@example.org>",
        "mailto:maryam@example.org",
        "ı@example.org",
        "maryam@gmaıl.com",
    ],
)
def test_what_is_no_address_is_refused_where_it_is_queued(to):
    with pytest.raises(PortalError) as refusal:
        queue(to)
    assert refusal.value.code == "bad_address"
    assert not Letter.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": ""},
        {"subject": "سلام\nBcc: other@example.org"},
        {"subject": "سلام\rBcc: other@example.org"},
        {"subject": "سلام\u2028Bcc: other@example.org"},
        {"subject": "سلام\x85Bcc: other@example.org"},
        {"subject": "سلام\0"},
        {"subject": "س" * 201},
        {"text": " \n "},
        {"text": "سلام\0"},
        {"text": "سلام \ud83d"},  # half an emoji
        {"text": "س" * 100_001},
        {"html": ""},
        {"html": "<p>\0</p>"},
    ],
    ids=repr,
)
def test_what_cannot_be_a_letter_is_refused_where_it_is_queued(changes):
    with pytest.raises(PortalError) as refusal:
        queue(**changes)
    assert refusal.value.code == "bad_text"
    assert not Letter.objects.exists()


def test_a_refusal_does_not_repeat_what_was_typed():
    with pytest.raises(PortalError) as refusal:
        queue("secret.person@example.org\n")
    assert "secret" not in repr(refusal.value) + repr(refusal.value.values)


def test_a_half_space_in_the_subject_is_no_line_end():
    assert queue(subject="گذرواژه\u200cی شما").subject == "گذرواژه\u200cی شما"


def test_a_letter_knows_its_message_id_from_the_beginning(settings):
    settings.MAIL_FROM = "سامانه <portal@tamin.example>"
    first, second = queue(), queue()
    assert first.message_id.endswith("@tamin.example>")
    assert first.message_id != second.message_id
    stored = Letter.objects.get(pk=first.pk)
    assert (stored.message_id, stored.state, stored.to) == (first.message_id, LetterState.QUEUED, ADDRESS)
    assert (stored.subject, stored.text, stored.html) == (SUBJECT, TEXT, HTML)


def test_the_same_key_three_times_is_one_letter_and_the_first_text_stays():
    first = queue(dedupe_key="password:7", text="نخست")
    again = [queue(dedupe_key="password:7", text="دیگر") for _ in range(2)]
    assert {letter.pk for letter in again} == {first.pk}
    assert Letter.objects.get().text == "نخست"


def test_a_repeated_key_leaves_the_callers_transaction_usable():
    with transaction.atomic():
        queue(dedupe_key="a")
        queue(dedupe_key="a")
        queue(dedupe_key="b")
    assert Letter.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_moment_is_one_letter_and_one_hint(published):
    found = together(lambda _: queue(dedupe_key="password:7").pk, threads=6)
    assert found == [Letter.objects.get().pk] * 6
    assert published == ["mail.drain"]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_leaves_no_letter_and_no_hint(published):
    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        queue()
        _ = 1 / 0
    assert (Letter.objects.count(), published) == (0, [])
    with transaction.atomic():
        queue()
        assert published == []  # not before the commit: the worker would see nothing
    assert (Letter.objects.count(), published) == (1, ["mail.drain"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("real_hints")
def test_a_hint_waits_where_no_code_stands_behind_it(monkeypatch):
    app = Celery("hinted", set_as_current=False)
    names = ("TASK_DEFAULT_QUEUE", "TASK_ROUTES", "TASK_IGNORE_RESULT")
    routes = {name.lower(): getattr(django_settings, f"CELERY_{name}") for name in names}
    app.config_from_object({**routes, "broker_url": "memory://"})
    monkeypatch.setattr("tamin_portal.celery.app", app)
    queue()
    with app.connection_for_read() as broker:
        hint = broker.SimpleQueue("receipts").get_nowait()
    assert hint.headers["task"] == "mail.drain"


def test_an_address_is_queued_as_mail_servers_take_it():
    assert queue("maryam@example.org\u200f").to == ADDRESS
    assert queue("maryam@faß.example").to == "maryam@xn--fa-hia.example"  # by IDNA 2003 it would be fass.example
    assert queue("Maryam@ایران.ایران").to == "Maryam@xn--mgba3a4f16a.xn--mgba3a4f16a"
