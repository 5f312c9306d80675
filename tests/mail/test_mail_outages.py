"""Mail servers that are down, hang, refuse or turn us away: letters are late, and none is lost."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from common import alarms, limits
from common.models import Alarm, AlarmCode
from mail import delivery
from mail.models import Letter, LetterState
from tests.support.mail_fixtures import (
    ADDRESS,
    OTHER,
    OneUser,
    PostOffice,
    free_port,
    fresh,
    hang_up,
    listening,
    make_due,
    queue,
    say_nothing,
    state_of,
)
from tests.support.registry_stubs import certificates

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_administrators_hear_of_a_server_that_is_down_and_that_it_is_back_and_then_nobody_waits_longer(
    settings, caplog
):
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
def test_a_server_that_turns_us_away_is_an_administrators_business_and_no_letter_is_lost(office, answer):
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
