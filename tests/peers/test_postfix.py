"""A real Postfix takes, refuses, puts off and turns away; each letter ends as the answer means it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from common import alarms, limits
from common.models import Alarm, AlarmCode
from mail import delivery
from mail.models import Letter, LetterState
from tests.peers.postfix import Postfix, passwords, postfix
from tests.support.mail_fixtures import ADDRESS, OTHER, SUBJECT, TEXT, free_port, fresh, make_due, queue, state_of
from tests.support.registry_stubs import certificates

pytestmark = [pytest.mark.peers, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def server(settings: Any) -> Iterator[Postfix]:
    """A Postfix that is not started yet, and the portal sends through it."""
    with postfix() as found:
        settings.MAIL_URL = f"smtp://127.0.0.1:{found.port}"
        settings.MAIL_FROM = "سامانه ثبت نام <portal@tamin.example>"
        yield found


def standing() -> list[str]:
    return [alarm.code for alarm in alarms.standing("mail")]


def test_a_letter_arrives_word_for_word(server):
    server.start()
    letter = queue()
    delivery.drain()
    [(raw, message)] = server.delivered(1)
    assert fresh(letter).state == LetterState.SENT
    assert message["Message-ID"] == letter.message_id
    assert message["To"] == ADDRESS
    assert message.get_body(("plain",)).get_content() == TEXT
    assert str(message["Subject"]) == SUBJECT
    assert b"\nSubject: =?utf-8?b?" in raw
    assert raw.isascii()


def test_every_subject_arrives_word_for_word(server):
    server.start()
    subjects = ["گذرواژه‌ی شما " * 14, "س" * 200, "سلام  دو فاصله", "plain " * 32 + "text", "=?utf-8?q?no?=", "😀" * 100]
    subjects = [text.strip() for text in subjects]
    for text in subjects:
        queue(subject=text)
    delivery.drain()
    assert [str(message["Subject"]) for _, message in server.delivered(len(subjects))] == subjects


@pytest.mark.parametrize(
    ("table", "line", "error"),
    [
        ("recipients", "554 5.7.1 not for you", "SMTPRecipientsRefused 554 5.7.1"),
        ("recipients", "550 5.7.26 unauthenticated", "SMTPRecipientsRefused 550 5.7.26"),
        ("recipients", "550 5.1.1 nobody of that name", "SMTPRecipientsRefused 550 5.1.1"),
        ("recipients", "reject", "SMTPRecipientsRefused 554 5.7.1"),
        ("after_data", "550 5.7.26 unauthenticated", "SMTPDataError 550 5.7.26"),
    ],
)
def test_one_refused_recipient_has_failed_at_once_harms_no_other_and_is_no_alarm(server, table, line, error):
    server.start(tables={table: f"{OTHER} {line}\n"})
    letters = [queue(OTHER), queue(), queue(OTHER), queue("sara@example.com")]
    for _ in range(2):
        delivery.drain()
    assert [fresh(letter).state for letter in letters] == [LetterState.FAILED, LetterState.SENT] * 2
    assert state_of(letters[0]) == (LetterState.FAILED, error)
    assert not Alarm.objects.exists()
    assert len(server.delivered(2)) == 2


def test_one_refused_recipient_alone_has_failed_at_once(server):
    server.start(tables={"recipients": f"{ADDRESS} 554 5.7.1 not for you\n"})
    letter = queue()
    delivery.drain()
    assert state_of(letter) == (LetterState.FAILED, "SMTPRecipientsRefused 554 5.7.1")
    assert not Alarm.objects.exists()


def test_a_text_that_a_rule_refuses_has_failed_and_others_go(server):
    server.start(tables={"headers": "/^Message-ID: .*/ WARN\n/^Subject: winner/ REJECT 5.7.1 no such texts\n"})
    bad, good = queue(OTHER, subject="winner"), queue()
    delivery.drain()
    assert state_of(bad) == (LetterState.FAILED, "SMTPDataError 550 5.7.1")
    assert (fresh(good).state, Alarm.objects.exists()) == (LetterState.SENT, False)


@pytest.mark.parametrize("line", ["450 4.7.1 Greylisted, come back", "451 4.7.1 later", "452 4.3.1 no room"])
def test_greylisting_and_a_full_disk_delay_that_letter_only(server, line):
    server.start(tables={"recipients": f"{OTHER} {line}\n"})
    slow, quick = queue(OTHER), queue()
    delivery.drain()
    codes = " ".join(line.split()[:2])
    assert state_of(slow) == (LetterState.QUEUED, f"SMTPRecipientsRefused {codes}")
    assert (fresh(quick).state, Alarm.objects.exists()) == (LetterState.SENT, False)
    server.rewrite(recipients="")
    make_due(slow)
    delivery.drain()
    assert state_of(slow) == (LetterState.SENT, "")


@pytest.mark.parametrize(
    ("tables", "more", "error"),
    [
        ({"senders": "portal@tamin.example 553 5.7.1 not yours\n"}, "", "SMTPRecipientsRefused 553 5.7.1"),
        (
            {"senders": "portal@tamin.example 553 5.7.1 not yours\n"},
            "smtpd_delay_reject = no",
            "SMTPSenderRefused 553 5.7.1",
        ),
        ({"clients": "127.0.0.1 reject\n"}, "", "SMTPRecipientsRefused 554 5.7.1"),
        ({"clients": "127.0.0.1 reject\n"}, "smtpd_delay_reject = no", "SMTPConnectError 554 5.7.1"),
        ({}, "smtpd_recipient_restrictions = reject_unauth_destination\nvirtual_mailbox_domains =",
         "SMTPRecipientsRefused 554 5.7.1"),
    ],
    ids=["sender", "sender at once", "our machine", "our machine at once", "no relay"],
)  # fmt: skip
def test_a_server_that_refuses_us_is_one_alarm_and_no_letter_is_lost(server, tables, more, error):
    server.start(tables=tables, more=more)
    letters = [queue(), queue(OTHER)]
    delivery.drain()
    assert {state_of(letter) for letter in letters} == {(LetterState.QUEUED, f"server: {error}")}
    assert standing() == [AlarmCode.SERVER]
    server.stop()
    server.start(tables=dict.fromkeys(tables, ""))
    make_due(letters[0])
    delivery.drain()
    assert {fresh(letter).state for letter in letters} == {LetterState.SENT}
    assert standing() == []


def test_a_wrong_password_is_an_alarm_and_the_right_one_sends(server, settings):
    letter, url = queue(), f"127.0.0.1:{server.port}"
    with passwords(server, "portal", "right") as more:
        server.start(more=more)
        settings.MAIL_URL = f"smtp://portal:wrong@{url}"
        delivery.drain()
        assert state_of(letter) == (LetterState.QUEUED, "server: SMTPAuthenticationError 535 5.7.8")
        assert standing() == [AlarmCode.SERVER]
        settings.MAIL_URL = f"smtp://portal:right@{url}"
        make_due(letter)
        delivery.drain()
    assert (fresh(letter).state, standing()) == (LetterState.SENT, [])


def test_a_strict_server_takes_the_name_of_the_setting_and_no_other(server, settings):
    server.start(tables={"hello": "portal.tamin.example permit\n"}, more="smtpd_helo_restrictions = "
                 f"check_helo_access texthash:{server.home}/hello, reject")  # fmt: skip
    letter = queue()
    settings.MAIL_HELO = "web1"
    delivery.drain()
    assert state_of(letter) == (LetterState.QUEUED, "server: SMTPRecipientsRefused 554 5.7.1")
    assert standing() == [AlarmCode.SERVER]
    settings.MAIL_HELO = "portal.tamin.example"
    make_due(letter)
    delivery.drain()
    assert (state_of(letter), standing()) == ((LetterState.SENT, ""), [])
    assert "helo=<web1>" in server.log


@pytest.mark.parametrize("scheme", ["smtp+tls", "smtps"])
def test_a_server_with_a_private_authority_is_trusted_by_its_setting(server, settings, tmp_path, scheme):
    authority = certificates.make(tmp_path, "authority")
    certificate = server.home / "server.pem"
    certificate.write_text(certificates.issue(tmp_path, authority, "mx", "IP:127.0.0.1").read_text())
    wrapped = "-o smtpd_tls_wrappermode=yes" if scheme == "smtps" else "-o smtpd_tls_security_level=encrypt"
    with passwords(server, "portal", "word") as more:
        server.start(tls=wrapped, more=f"{more}smtpd_tls_cert_file = {certificate}\nsmtpd_tls_auth_only = yes")
        settings.MAIL_URL = f"{scheme}://portal:word@127.0.0.1:{server.port}"
        letter = queue()
        delivery.drain()
        assert state_of(letter) == (LetterState.QUEUED, "server: SSLCertVerificationError")
        settings.MAIL_CA_FILE = str(authority)
        make_due(letter)
        delivery.drain()
    assert (state_of(letter), standing()) == ((LetterState.SENT, ""), [])


def test_a_server_that_has_no_room_takes_nothing_and_all_go_when_it_has(server):
    server.start(more="queue_minfree = 1000000000000000")
    letters = [queue(), queue(OTHER)]
    delivery.drain()
    assert {state_of(letter) for letter in letters} == {(LetterState.QUEUED, "server: SMTPSenderRefused 452 4.3.1")}
    assert standing() == []
    server.stop()
    server.start()
    make_due(letters[0])
    delivery.drain()
    assert {fresh(letter).state for letter in letters} == {LetterState.SENT}


def test_an_address_with_marks_and_one_of_an_iranian_domain_arrive_and_dirt_goes_nowhere(server):
    server.start()
    marks, iranian, dirt = queue(f"{ADDRESS}\u200f"), queue("reza@نمونه.example"), queue(OTHER)
    Letter.objects.filter(pk=dirt.pk).update(to=f"{OTHER}،")
    delivery.drain()
    assert [fresh(letter).state for letter in (marks, iranian, dirt)] == ["sent", "sent", "failed"]
    assert {message["To"] for _, message in server.delivered(2)} == {ADDRESS, iranian.to}
    assert iranian.to.isascii()


def test_a_server_that_is_killed_and_started_again_gets_every_letter(server, settings):
    settings.MAIL_URL = f"smtp://127.0.0.1:{free_port()}"
    letters = [queue(f"person{number}@example.org") for number in range(5)]
    delivery.drain()
    assert standing() == [AlarmCode.SERVER]
    server.start()
    settings.MAIL_URL = f"smtp://127.0.0.1:{server.port}"
    make_due(letters[0])
    delivery.drain()
    assert {fresh(letter).state for letter in letters} == {LetterState.SENT}
    assert sorted(message["To"] for _, message in server.delivered(5)) == [letter.to for letter in letters]


def drain_until_all_went(letters: list[Letter], *, seconds: float = 60) -> None:
    """As the worker's clock does, but without its pauses."""
    ends = time.monotonic() + seconds
    while {fresh(letter).state for letter in letters} != {LetterState.SENT}:
        assert time.monotonic() < ends, [state_of(letter) for letter in letters]
        for letter in letters:
            make_due(letter)
        delivery.drain()


def test_a_server_that_is_killed_in_the_middle_of_a_batch_loses_none_and_repeats_only_what_was_in_doubt(
    server, settings
):
    settings.EMAIL_TIMEOUT = 2
    server.start()
    letters = [queue(f"person{number}@example.org") for number in range(limits.MAIL_BATCH)]
    killer = threading.Thread(target=lambda: (server.delivered(limits.MAIL_BATCH // 5), server.kill()))
    killer.start()
    delivery.drain()
    killer.join(30)
    went = sum(fresh(letter).state == LetterState.SENT for letter in letters)
    doubtful = sum(letter.last_error.endswith("after the text") for letter in letters)
    assert 0 < went < len(letters)
    server.start()
    drain_until_all_went(letters)
    arrived = [message["Message-ID"] for _, message in server.delivered(len(letters))]
    assert {letter.message_id for letter in letters} == set(arrived)
    assert len(arrived) - len(letters) <= doubtful


def test_a_server_that_stands_still_delays_and_loses_nothing(server, settings):
    settings.EMAIL_TIMEOUT = 1
    server.start()
    letters = [queue(f"person{number}@example.org") for number in range(5)]
    with server.stopped():
        delivery.drain()
        assert {fresh(letter).state for letter in letters} == {LetterState.QUEUED}
        assert standing() == [AlarmCode.SERVER]
    drain_until_all_went(letters)
    arrived = [message["Message-ID"] for _, message in server.delivered(5)]
    assert sorted(arrived) == sorted(letter.message_id for letter in letters)
    assert standing() == []
