"""From the queue to the mailbox, in real SMTP conversations: once for each letter, and in its time."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from datetime import timedelta
from email import message_from_bytes
from email.utils import parsedate_to_datetime

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common import leases, limits
from common.models import Alarm
from mail import delivery, tasks
from mail.models import Letter, LetterState
from mail.server import Server
from tests.support.mail_fixtures import (
    ADDRESS,
    HTML,
    OTHER,
    SUBJECT,
    TEXT,
    free_port,
    fresh,
    make_due,
    queue,
    say_nothing,
    state_of,
)
from tests.support.sms_fixtures import until

pytestmark = pytest.mark.django_db(transaction=True)


def database_url() -> str:
    """The database of the tests, for another process."""
    where = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{where['NAME']}"
    return f"postgres://{where['USER']}:{where['PASSWORD']}@{where['HOST']}:{where['PORT']}/{where['NAME']}"


# ── what arrives


def test_a_letter_arrives_as_text_and_html_that_a_mail_program_reads(office):
    letter = queue()
    assert delivery.drain() == 1
    assert delivery.drain() == 0
    [message] = office.arrived
    assert str(message["Subject"]) == SUBJECT
    assert message["To"].addresses[0].addr_spec == ADDRESS
    [sender] = message["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("سامانه ثبت نام", "portal@tamin.example")
    assert office.senders == ["portal@tamin.example"]
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert (text.get_content_type(), text.get_content_charset(), text.get_content()) == ("text/plain", "utf-8", TEXT)
    assert (html.get_content_type(), html.get_content_charset(), html.get_content().strip()) == (
        "text/html", "utf-8", HTML,
    )  # fmt: skip
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == letter.message_id
    assert abs(parsedate_to_datetime(message["Date"]) - letter.created_at) < timedelta(seconds=1)


def test_every_line_is_short_ascii_that_any_server_takes(office):
    raw: list[bytes] = []

    async def keep(server, envelope):
        raw.append(envelope.content)
        return "250 OK"

    office.after_data = keep
    queue(text="س" * 5_000, subject="گذرواژه " * 20)
    delivery.drain()
    assert raw[0].isascii()
    assert max(map(len, raw[0].split(b"\r\n"))) < 998


def test_the_row_says_that_and_when_it_was_sent(office):
    letter = queue()
    delivery.drain()
    fresh(letter)
    assert (letter.state, letter.attempts, letter.next_attempt_at, letter.lease) == (LetterState.SENT, 1, None, None)
    assert letter.created_at <= letter.sent_at <= letter.final_at


def test_many_letters_go_through_one_connection_in_order(office):
    addresses = [f"person{number}@example.org" for number in range(10)]
    for address in addresses:
        queue(address)
    # PostgreSQL puts a row that is written again behind the others.
    Letter.objects.filter(to=addresses[0]).update(attempts=0)
    delivery.drain()
    assert (office.to, office.conversations) == (addresses, 1)


def test_a_look_with_nothing_to_do_costs_one_statement_and_no_connection(office):
    with CaptureQueriesContext(connection) as captured:
        tasks.drain()
    assert (len(captured), office.conversations) == (1, 0)


def test_the_letter_is_on_record_as_being_sent_and_in_no_transaction(office, monkeypatch):
    begun: list[tuple[str, bool]] = []
    deliver = Server.deliver

    def look_first(self, letter):
        begun.append((Letter.objects.get(pk=letter.pk).state, connection.in_atomic_block))
        return deliver(self, letter)

    monkeypatch.setattr(Server, "deliver", look_first)
    queue()
    delivery.drain()
    assert (begun, office.to) == ([(LetterState.SENDING, False)], [ADDRESS])


def test_draining_inside_a_transaction_is_refused():
    with pytest.raises(RuntimeError), transaction.atomic():
        delivery.drain()


# ── its time


def test_a_link_is_not_sent_after_its_life(office):
    letter = queue(expires_at=timezone.now() + timedelta(hours=1))
    late = queue(OTHER, expires_at=timezone.now() - timedelta(seconds=1))
    delivery.drain()
    assert (fresh(letter).state, fresh(late).state) == (LetterState.SENT, LetterState.EXPIRED)
    assert (office.to, late.sent_at) == ([ADDRESS], None)


def test_a_letter_that_waits_expires_when_its_time_is_over_and_no_later(settings):
    settings.MAIL_URL = f"smtp://127.0.0.1:{free_port()}"
    letter = queue(expires_at=timezone.now() + timedelta(seconds=5))
    delivery.drain()
    assert fresh(letter).next_attempt_at == letter.expires_at
    Letter.objects.update(expires_at=timezone.now())
    make_due(letter)
    delivery.drain()
    assert fresh(letter).state == LetterState.EXPIRED


def test_a_batch_that_takes_too_long_gives_the_rest_back_untried(office, monkeypatch):
    monkeypatch.setattr(limits, "MAIL_BATCH_TIME", timedelta(0))
    letter = queue()
    assert delivery.drain(seconds=0.2) >= 1  # again and again, until its own time is over
    assert (fresh(letter).state, letter.attempts, letter.lease, office.arrived) == (LetterState.QUEUED, 0, None, [])
    monkeypatch.undo()
    delivery.drain()
    assert fresh(letter).state == LetterState.SENT


# ── several workers, and dead ones


def test_a_process_that_is_killed_in_mid_send_leaves_its_letter_to_the_next_with_the_same_message_id(office, settings):
    taken: list[bytes] = []

    async def take_and_say_nothing(server, envelope):
        taken.append(envelope.content)
        return await say_nothing(server, envelope)

    office.after_data = take_and_say_nothing
    letter = queue()
    code = "import django; django.setup(); from mail import delivery; delivery.drain()"
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database_url(),
        "MAIL_URL": settings.MAIL_URL,
        "MAIL_FROM": settings.MAIL_FROM,
    }
    worker = subprocess.Popen([sys.executable, "-c", code], env=env)
    try:
        until(lambda: taken, seconds=30)
    finally:
        worker.kill()
        worker.wait(10)
    assert state_of(letter) == (LetterState.SENDING, "")
    office.after_data = None
    assert delivery.drain() == 0  # as long as the lease may still be somebody's
    make_due(letter)
    delivery.drain()
    assert state_of(letter) == (LetterState.SENT, "")
    [again] = office.arrived
    assert message_from_bytes(taken[0])["Message-ID"] == again["Message-ID"] == letter.message_id


def test_a_worker_paused_past_its_lease_changes_nothing_and_sends_nothing_more(office):
    letter = queue()
    [old] = leases.claim(Letter, limit=1, lease_for=limits.MAIL_LEASE)
    make_due(letter)
    [new] = leases.claim(Letter, limit=1, lease_for=limits.MAIL_LEASE)
    assert delivery._Batch([old]).send()
    assert (office.arrived, fresh(letter).lease) == ([], new.lease)
    delivery._Batch([new]).send()
    assert (office.to, fresh(letter).state) == ([ADDRESS], LetterState.SENT)


def test_two_drains_at_once_send_each_letter_once(office):
    letters = [queue(f"person{number}@example.org") for number in range(30)]
    start = threading.Barrier(3)

    def work():
        try:
            start.wait(10)
            delivery.drain()
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert sorted(office.to) == sorted(letter.to for letter in letters)
    assert {fresh(letter).state for letter in letters} == {LetterState.SENT}


def test_a_second_task_of_one_worker_does_not_wait_for_a_server_that_hangs(impatient, office):
    """The receipts' worker has two threads: one of them is always theirs."""
    asked = threading.Event()

    async def hang(server, envelope):
        asked.set()
        return await say_nothing(server, envelope)

    office.after_data = hang

    def work():
        try:
            tasks.drain()
        finally:
            connections.close_all()

    queue()
    first = threading.Thread(target=work)
    first.start()
    assert asked.wait(10)
    queue(OTHER)
    tasks.drain()
    assert set(Letter.objects.filter(to=OTHER).values_list("attempts", flat=True)) == {0}
    first.join(30)
    assert not first.is_alive()


# ── logs, scrub, purge


def test_nothing_personal_is_logged_or_kept_as_an_error(office, caplog, settings):
    caplog.set_level(logging.DEBUG)
    office.refused[OTHER] = f"550 5.1.1 <{OTHER}>: nobody of that name"
    office.refused["late@example.org"] = "450 4.2.1 <late@example.org>: later"
    for address in (ADDRESS, OTHER, "late@example.org"):
        queue(address)
    delivery.drain()
    settings.MAIL_URL = f"smtp://portal:password7@127.0.0.1:{free_port()}"
    queue("down@example.org")
    delivery.drain()
    ours = "".join(record.getMessage() for record in caplog.records if record.name != "mail.log")
    kept = " ".join(
        [*Letter.objects.values_list("last_error", flat=True), *Alarm.objects.values_list("detail", flat=True)]
    )
    for word in ("example.org", "گذرواژه", "password7", "nobody"):
        assert word not in kept
        assert word not in ours


def test_a_final_letter_is_blanked_after_an_hour_and_its_row_goes_after_a_month(office):
    now = timezone.now()
    sent, waiting = queue(), queue(OTHER)
    office.refused[OTHER] = "450 later"
    delivery.drain()
    assert delivery.scrub(before=now - limits.MAIL_BODY_KEPT) == 0
    Letter.objects.filter(pk=sent.pk).update(final_at=now - limits.MAIL_BODY_KEPT - timedelta(seconds=1))
    before = now - limits.MAIL_BODY_KEPT
    assert delivery.scrub(before=before, dry_run=True) == 1
    assert fresh(sent).subject == SUBJECT
    assert (delivery.scrub(before=before), delivery.scrub(before=before)) == (1, 0)
    assert (fresh(sent).subject, sent.text, sent.html, sent.to) == ("", "", "", ADDRESS)
    assert (fresh(waiting).subject, waiting.text, waiting.html) == (SUBJECT, TEXT, HTML)

    Letter.objects.filter(pk=sent.pk).update(created_at=now - limits.MAIL_KEPT - timedelta(seconds=1))
    assert delivery.purge(before=now - limits.MAIL_KEPT, dry_run=True) == 1
    assert delivery.purge(before=now - limits.MAIL_KEPT) == 1
    assert list(Letter.objects.all()) == [waiting]
