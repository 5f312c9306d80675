"""From the queue to the mailbox, in real SMTP conversations: nothing is lost, whatever the server does."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
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

from mail import delivery, tasks
from mail.models import Letter, LetterState
from mail.server import Server
from tamin_portal import alarms, leases, limits
from tamin_portal.models import Alarm, AlarmCode
from tests import mail_fixtures
from tests.mail_fixtures import (
    ADDRESS,
    HTML,
    SUBJECT,
    TEXT,
    OneUser,
    PostOffice,
    free_port,
    hang_up,
    listening,
    make_due,
    queue,
    say_nothing,
)  # fmt: skip
from tests.registry_stubs import certificates
from tests.sms_fixtures import until

pytestmark = pytest.mark.django_db(transaction=True)
office, impatient = mail_fixtures.office, mail_fixtures.impatient
OTHER = "reza@example.org"


def fresh(letter: Letter) -> Letter:
    letter.refresh_from_db()
    return letter


def state_of(letter: Letter) -> tuple[str, str]:
    return fresh(letter).state, letter.last_error


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
    assert str(message["Subject"]).lstrip() == SUBJECT  # a long one begins on the next line, after a blank
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


# ── the server is down, or not well


def test_a_server_that_is_down_delays_and_loses_nothing(settings):
    port, office = free_port(), PostOffice()
    settings.MAIL_URL = f"smtp://127.0.0.1:{port}"
    letters = [queue(f"person{number}@example.org") for number in range(3)]
    delivery.drain()
    for letter in letters:
        assert state_of(letter) == (LetterState.QUEUED, "server: ConnectionRefusedError")
        assert letter.next_attempt_at > timezone.now()
        make_due(letter)
    with listening(office, port):
        delivery.drain()
    assert sorted(office.to) == [letter.to for letter in letters]
    assert {state_of(letter) for letter in letters} == {(LetterState.SENT, "")}


def test_the_pauses_grow_to_a_quarter_of_an_hour(settings):
    settings.MAIL_URL = f"smtp://127.0.0.1:{free_port()}"
    letter, pauses = queue(), []
    for _ in range(7):
        make_due(letter)
        before = timezone.now()
        delivery.drain()
        pauses.append((fresh(letter).next_attempt_at - before).total_seconds())
    for pause, wanted in zip(pauses, (10, 30, 120, 300, 900, 900, 900), strict=True):
        assert wanted <= pause <= wanted * 1.25 + 2


def test_operators_hear_of_a_server_that_is_down_and_that_it_is_back_and_then_nobody_waits_longer(settings, caplog):
    caplog.set_level(logging.INFO)
    port = free_port()
    settings.MAIL_URL = f"smtp://127.0.0.1:{port}"
    first, second = queue(), queue(OTHER)
    delivery.drain()
    [alarm] = alarms.standing("mail")
    assert (alarm.code, alarm.detail) == (AlarmCode.SERVER, "ConnectionRefusedError")
    assert "alarm mail.server -: ConnectionRefusedError" in caplog.text
    make_due(first)
    with listening(PostOffice(), port):
        delivery.drain()
        assert alarms.standing("mail") == []
        assert "alarm mail.server - is over" in caplog.text
        assert {fresh(letter).state for letter in (first, second)} == {LetterState.SENT}  # the second without its pause


def test_a_letter_that_is_put_off_by_its_own_recipient_keeps_its_pause(office):
    office.refused[OTHER] = "450 4.2.1 try later"
    slow = queue(OTHER)
    delivery.drain()
    alarms.sound(AlarmCode.SERVER)
    due = fresh(slow).next_attempt_at
    queue()
    delivery.drain()
    assert alarms.standing("mail") == []
    assert fresh(slow).next_attempt_at == due


@pytest.mark.parametrize("stage", ["recipient", "data"])
def test_a_temporary_refusal_is_tried_again_and_others_are_unharmed(office, stage):
    async def later(server, envelope):
        return "451 4.3.0 try later" if envelope.rcpt_tos == [OTHER] else "250 OK"

    if stage == "recipient":
        office.refused[OTHER] = "451 4.3.0 try later"
    else:
        office.after_data = later
    slow, quick = queue(OTHER), queue()
    delivery.drain()
    assert fresh(quick).state == LetterState.SENT
    state, error = state_of(slow)
    assert (state, error.split(" ", 1)[1]) == (LetterState.QUEUED, "451 4.3.0")
    office.refused.clear()
    office.after_data = None
    make_due(slow)
    delivery.drain()
    assert state_of(slow) == (LetterState.SENT, "")
    assert office.to == [ADDRESS, OTHER]


@pytest.mark.parametrize("answer", ["550 5.1.1 nobody of that name", "553 no", "552 5.2.2 full"])
def test_a_recipient_who_is_refused_for_good_has_failed_and_others_are_unharmed(office, answer):
    office.refused[OTHER] = answer
    bad, good = queue(OTHER), queue()
    delivery.drain()
    assert (fresh(bad).state, fresh(good).state) == (LetterState.FAILED, LetterState.SENT)
    assert (bad.next_attempt_at, bad.sent_at) == (None, None)
    assert bad.last_error == f"SMTPRecipientsRefused {' '.join(answer.split()[: 2 if '.' in answer else 1])}"
    assert not Alarm.objects.exists()


def test_a_text_that_is_refused_for_good_has_failed(office):
    async def spam(server, envelope):
        return "554 5.6.0 not like that"

    office.after_data = spam
    letter = queue()
    delivery.drain()
    assert state_of(letter) == (LetterState.FAILED, "SMTPDataError 554 5.6.0")


@pytest.mark.parametrize("answer", ["554 5.7.1 relay access denied", "530 5.7.0 sign in first", "530 sign in first"])
def test_a_server_that_turns_us_away_is_an_operators_business_and_no_letter_is_lost(office, answer):
    office.refused = dict.fromkeys((ADDRESS, OTHER), answer)
    letters = [queue(), queue(OTHER)]
    delivery.drain()
    assert {fresh(letter).state for letter in letters} == {LetterState.QUEUED}
    assert [alarm.code for alarm in alarms.standing("mail")] == [AlarmCode.SERVER]
    office.refused.clear()
    for letter in letters:
        make_due(letter)
    delivery.drain()
    assert {fresh(letter).state for letter in letters} == {LetterState.SENT}
    assert alarms.standing("mail") == []


def test_a_wrong_password_is_an_alarm_and_the_right_one_sends(settings):
    port, office = free_port(), PostOffice()
    letter = queue()
    with listening(office, port, authenticator=OneUser("right+word"), auth_require_tls=False):
        settings.MAIL_URL = f"smtp://portal:wrong@127.0.0.1:{port}"
        delivery.drain()
        assert state_of(letter) == (LetterState.QUEUED, "server: SMTPAuthenticationError 535 5.7.8")
        [alarm] = alarms.standing("mail")
        assert alarm.detail == "SMTPAuthenticationError 535 5.7.8"
        settings.MAIL_URL = f"smtp://portal:right+word@127.0.0.1:{port}"
        make_due(letter)
        delivery.drain()
    assert (fresh(letter).state, office.to, alarms.standing("mail")) == (LetterState.SENT, [ADDRESS], [])


@pytest.mark.parametrize("scheme", ["smtp+tls", "smtps"])
def test_a_server_without_the_tls_that_is_wanted_gets_nothing(settings, impatient, office, scheme):
    settings.MAIL_URL = settings.MAIL_URL.replace("smtp:", f"{scheme}:")
    letter = queue()
    delivery.drain()
    assert (fresh(letter).state, office.arrived) == (LetterState.QUEUED, [])
    assert [alarm.code for alarm in alarms.standing("mail")] == [AlarmCode.SERVER]


@pytest.mark.parametrize("scheme", ["smtp+tls", "smtps"])
def test_letters_and_the_password_go_encrypted_to_the_server_that_is_meant_and_to_no_other(
    settings, tmp_path, monkeypatch, scheme
):
    certificate = certificates.make(tmp_path, "server")
    tls, port, office = certificates.context(certificate), free_port(), PostOffice()
    options = (
        {"ssl_context": tls, "auth_require_tls": False}
        if scheme == "smtps"
        else {"tls_context": tls, "require_starttls": True}
    )
    settings.MAIL_URL = f"{scheme}://portal:word@127.0.0.1:{port}"
    letter = queue()
    with listening(office, port, authenticator=OneUser("word"), **options):
        delivery.drain()
        assert state_of(letter) == (LetterState.QUEUED, "server: SSLCertVerificationError")
        assert office.conversations in (0, 1)  # STARTTLS is asked for in the clear
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        make_due(letter)
        delivery.drain()
    assert state_of(letter) == (LetterState.SENT, "")
    assert office.to == [ADDRESS]


def test_a_server_that_hangs_costs_two_time_outs_and_all_letters_go_later(settings, impatient, office):
    office.after_data = say_nothing
    letters = [queue(f"person{number}@example.org") for number in range(5)]
    before = timezone.now()
    delivery.drain()
    assert timezone.now() - before < timedelta(seconds=8)
    assert {fresh(letter).state for letter in letters} == {LetterState.QUEUED}
    assert [alarm.code for alarm in alarms.standing("mail")] == [AlarmCode.SERVER]
    office.after_data = None
    for letter in letters:
        make_due(letter)
    delivery.drain()
    assert sorted(office.to) == [letter.to for letter in letters]


def test_a_server_that_drips_its_greeting_holds_nobody(settings, impatient):
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip():
            talk, _ = listener.accept()
            with talk, contextlib.suppress(OSError):
                while not over.wait(0.1):
                    talk.sendall(b"2")

        thread = threading.Thread(target=drip)
        thread.start()
        settings.MAIL_URL = f"smtp://127.0.0.1:{listener.getsockname()[1]}"
        letter = queue()
        before = timezone.now()
        delivery.drain()
        took = timezone.now() - before
        over.set()
        thread.join(10)
    assert took < timedelta(seconds=5)
    assert fresh(letter).state == LetterState.QUEUED


def test_a_letter_that_hangs_alone_harms_no_other(impatient, office):
    async def hang_for_one(server, envelope):
        return await say_nothing(server, envelope) if envelope.rcpt_tos == [OTHER] else "250 OK"

    office.after_data = hang_for_one
    slow, quick = queue(OTHER), queue()
    delivery.drain()
    assert (fresh(slow).state, fresh(quick).state) == (LetterState.QUEUED, LetterState.SENT)
    assert alarms.standing("mail") == []


def test_a_connection_that_is_lost_after_the_text_sends_the_same_letter_again(office):
    """Two may arrive, and a mail program shows one: the Message-ID is the same. None would be worse."""
    office.after_data = hang_up
    letter = queue()
    delivery.drain()
    assert state_of(letter) == (LetterState.QUEUED, "SMTPServerDisconnected")
    office.after_data = None
    make_due(letter)
    delivery.drain()
    assert fresh(letter).state == LetterState.SENT
    first, second = office.arrived
    assert (first["Message-ID"], first["Date"]) == (second["Message-ID"], second["Date"])


def test_a_server_that_says_goodbye_in_the_middle_is_asked_again(office):
    office.refused[OTHER] = "421 4.3.2 shutting down"
    slow, quick = queue(OTHER), queue()
    delivery.drain()
    assert (fresh(slow).state, fresh(quick).state) == (LetterState.QUEUED, LetterState.SENT)


def test_a_letter_is_given_up_after_three_days_with_an_alarm(office):
    office.refused[ADDRESS] = "450 4.2.1 try later"
    letter = queue()
    Letter.objects.update(created_at=timezone.now() - limits.MAIL_GIVE_UP + timedelta(minutes=1))
    delivery.drain()
    assert fresh(letter).state == LetterState.QUEUED
    Letter.objects.update(created_at=timezone.now() - limits.MAIL_GIVE_UP)
    make_due(letter)
    delivery.drain()
    assert state_of(letter) == (LetterState.FAILED, "SMTPRecipientsRefused 450 4.2.1")
    assert [(alarm.code, alarm.detail) for alarm in alarms.standing("mail")] == [
        (AlarmCode.LETTER_GIVEN_UP, f"letter {letter.pk}: SMTPRecipientsRefused 450 4.2.1")
    ]


def test_what_has_waited_for_three_days_is_tried_before_it_is_given_up(office):
    letter = queue()
    Letter.objects.update(created_at=timezone.now() - limits.MAIL_GIVE_UP - timedelta(days=1))
    delivery.drain()
    assert fresh(letter).state == LetterState.SENT


def test_a_letter_that_cannot_be_written_is_not_lost_and_harms_no_other(office):
    letter, other = queue(), queue(OTHER)
    Letter.objects.filter(pk=letter.pk).update(subject="zwei\nZeilen")  # as no enqueue would
    delivery.drain()
    assert state_of(letter) == (LetterState.QUEUED, "BadHeaderError")
    assert fresh(other).state == LetterState.SENT


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


# ── without a server


def test_without_a_mail_server_letters_wait_and_those_of_last_week_do_not_go_when_there_is_one(settings, office):
    url, settings.MAIL_URL = settings.MAIL_URL, ""
    young, old, link = queue(), queue(OTHER), queue("link@example.org", expires_at=timezone.now())
    Letter.objects.filter(pk=old.pk).update(created_at=timezone.now() - limits.MAIL_GIVE_UP)
    assert delivery.drain() == 0
    assert state_of(young) == (LetterState.QUEUED, "")
    assert state_of(old) == state_of(link) == (LetterState.FAILED, "no MAIL_URL")
    settings.MAIL_URL = url
    delivery.drain()
    assert office.to == [ADDRESS]


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
