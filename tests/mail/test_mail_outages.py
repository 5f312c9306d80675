"""Mail servers that are down, hang, refuse or turn us away: letters are late, and none is lost."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from datetime import timedelta

import pytest
from django.core.mail.utils import DNS_NAME
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


@pytest.mark.parametrize("answer", ["554 5.7.1 not here", "550 5.7.26 unauthenticated"])
def test_a_rule_against_one_recipient_is_no_alarm_and_has_failed_where_the_server_takes_others(office, answer):
    office.refused[OTHER] = answer
    bad, good = queue(OTHER), queue()
    delivery.drain()
    assert (fresh(bad).state, fresh(good).state) == (LetterState.FAILED, LetterState.SENT)
    assert bad.last_error == f"SMTPRecipientsRefused {' '.join(answer.split()[:2])}"
    assert not Alarm.objects.exists()


def test_a_rule_against_the_text_of_one_letter_is_no_alarm(office):
    async def scan(server, envelope):
        return "554 5.7.1 message content rejected" if envelope.rcpt_tos == [OTHER] else "250 OK"

    office.after_data = scan
    bad, good = queue(OTHER), queue()
    delivery.drain()
    assert (fresh(bad).state, fresh(good).state) == (LetterState.FAILED, LetterState.SENT)
    assert not Alarm.objects.exists()


def test_a_refusal_that_names_the_recipient_needs_no_other_letter_to_be_understood(office):
    office.refused[ADDRESS] = f"554 5.7.1 <{ADDRESS}>: Recipient address rejected: Access denied"
    letter = queue()
    delivery.drain()
    assert state_of(letter) == (LetterState.FAILED, "SMTPRecipientsRefused 554 5.7.1")
    assert not Alarm.objects.exists()


def test_a_letter_that_a_rule_refuses_alone_time_after_time_has_failed_without_an_alarm(office):
    office.refused[ADDRESS] = "554 5.7.1 no"
    letter = queue()
    for _ in range(limits.MAIL_REFUSALS - 1):
        delivery.drain()
        assert state_of(letter) == (LetterState.QUEUED, "rule: SMTPRecipientsRefused 554 5.7.1")
        make_due(letter)
    delivery.drain()
    assert state_of(letter) == (LetterState.FAILED, "SMTPRecipientsRefused 554 5.7.1")
    assert not Alarm.objects.exists()


def test_a_rule_that_refuses_everybody_is_an_alarm_and_loses_nothing_however_often_it_is_tried(office):
    addresses = [f"person{number}@example.org" for number in range(limits.MAIL_REFUSED_ALL)]
    office.refused = dict.fromkeys(addresses, "554 5.7.1 no")
    letters = [queue(address) for address in addresses]
    for _ in range(limits.MAIL_REFUSALS + 1):
        for letter in letters:  # one after the other, as their pauses end
            make_due(letter)
            delivery.drain()
            assert fresh(letter).state == LetterState.QUEUED
    assert [alarm.code for alarm in alarms.standing("mail")] == [AlarmCode.SERVER]
    office.refused.clear()
    make_due(letters[0])
    delivery.drain()
    assert {fresh(letter).state for letter in letters} == {LetterState.SENT}
    assert alarms.standing("mail") == []


def test_a_server_of_two_that_forgot_us_ends_no_letter_at_once(office):
    office.refused[OTHER] = "554 5.7.1 relay access denied"
    letter, good = queue(OTHER), queue()
    for _ in range(limits.MAIL_REFUSALS - 1):
        delivery.drain()
        assert fresh(letter).state == LetterState.QUEUED
        make_due(letter)
    office.refused.clear()  # this try reaches the other server
    delivery.drain()
    assert {fresh(each).state for each in (letter, good)} == {LetterState.SENT}
    assert not Alarm.objects.exists()


def test_an_alarm_does_not_come_and_go_with_every_other_letter(office, caplog):
    office.refused[OTHER] = "554 5.7.1 relay access denied"
    bad = queue(OTHER)
    delivery.drain()
    assert [alarm.code for alarm in alarms.standing("mail")] == [AlarmCode.SERVER]  # nothing has gone yet
    for _ in range(limits.MAIL_REFUSALS - 1):
        queue()
        delivery.drain()
        make_due(bad)
        delivery.drain()
    assert state_of(bad) == (LetterState.FAILED, "SMTPRecipientsRefused 554 5.7.1")
    assert caplog.text.count("alarm mail.server -: ") == 1


@pytest.mark.parametrize(
    "answer", ["450 4.7.1 try again", "451 4.7.1 Greylisted", "450 4.7.1 Client host rejected: Greylisting"]
)
def test_greylisting_is_no_alarm_and_the_letter_goes_after_its_pause(office, answer):
    office.refused[ADDRESS] = answer
    letter = queue()
    delivery.drain()
    assert state_of(letter) == (LetterState.QUEUED, f"SMTPRecipientsRefused {' '.join(answer.split()[:2])}")
    assert not Alarm.objects.exists()
    office.refused.clear()
    make_due(letter)
    delivery.drain()
    assert fresh(letter).state == LetterState.SENT


@pytest.fixture
def full_server(settings):
    """A server that greets everybody with 421: it has too many connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        over = threading.Event()

        def refuse():
            while not over.is_set():
                with contextlib.suppress(OSError), listener.accept()[0] as talk:
                    talk.sendall(b"421 4.7.0 too many connections\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        settings.MAIL_URL = f"smtp://127.0.0.1:{listener.getsockname()[1]}"
        yield
        over.set()
        thread.join(10)


def test_a_busy_server_is_an_alarm_only_after_all_pauses_also_while_new_letters_come(full_server):
    old = queue()
    for _ in limits.MAIL_RETRIES:
        make_due(old)
        delivery.drain()
        assert state_of(old) == (LetterState.QUEUED, "server: SMTPConnectError 421 4.7.0")
        assert not Alarm.objects.exists()
    queue(OTHER)
    Letter.objects.filter(to=OTHER).update(next_attempt_at=timezone.now() - timedelta(hours=1))  # claimed first
    make_due(old)
    delivery.drain()
    assert [alarm.code for alarm in alarms.standing("mail")] == [AlarmCode.SERVER]
    assert set(Letter.objects.values_list("state", flat=True)) == {LetterState.QUEUED}


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


@pytest.mark.parametrize("scheme", ["smtp+tls", "smtps"])
def test_a_private_authority_is_a_setting_and_then_no_other_is_trusted(settings, tmp_path, scheme):
    authority, other = certificates.make(tmp_path, "authority"), certificates.make(tmp_path, "other")
    tls = certificates.context(certificates.issue(tmp_path, authority, "server", "IP:127.0.0.1"))
    port, office = free_port(), PostOffice()
    options = {"ssl_context": tls} if scheme == "smtps" else {"tls_context": tls, "require_starttls": True}
    settings.MAIL_URL = f"{scheme}://127.0.0.1:{port}"
    letter = queue()
    with listening(office, port, **options):
        for file in ("", str(other)):
            settings.MAIL_CA_FILE = file
            make_due(letter)
            delivery.drain()
            assert state_of(letter) == (LetterState.QUEUED, "server: SSLCertVerificationError")
        settings.MAIL_CA_FILE = str(authority)
        make_due(letter)
        delivery.drain()
    assert state_of(letter) == (LetterState.SENT, "")


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_the_portal_calls_itself_as_the_setting_says(settings, tmp_path, monkeypatch, scheme):
    certificate, port, office = certificates.make(tmp_path, "server"), free_port(), PostOffice()
    settings.MAIL_CA_FILE, settings.MAIL_FROM = str(certificate), "Portal <portal@tamin.example>"
    settings.MAIL_URL = f"{scheme}://127.0.0.1:{port}"
    options = {"ssl_context": certificates.context(certificate)} if scheme == "smtps" else {}
    with listening(office, port, **options):
        for name in ("portal.tamin.example", "[192.0.2.7]", ""):
            settings.MAIL_HELO = name
            monkeypatch.setattr(DNS_NAME, "_fqdn", "3f2a1b", raising=False)  # what a container calls itself
            queue()
            delivery.drain()
    assert office.names == ["portal.tamin.example", "[192.0.2.7]", "tamin.example"]


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
    assert state_of(letter) == (LetterState.QUEUED, "SMTPServerDisconnected after the text")
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


@pytest.mark.parametrize(
    ("to", "code"), [("maryam@example.org،", "around"), ("ı@example.org", "letters"), ("nobody", "email")]
)
def test_a_row_of_before_with_an_address_that_is_none_has_failed_and_goes_to_nobody(office, to, code):
    letter, other = queue(), queue(OTHER)
    Letter.objects.filter(pk=letter.pk).update(to=to)
    delivery.drain()
    assert state_of(letter) == (LetterState.FAILED, f"bad address ({code})")
    assert (fresh(other).state, office.to) == (LetterState.SENT, [OTHER])
    assert not Alarm.objects.exists()


def test_a_row_of_before_with_a_sign_that_nobody_sees_arrives(office):
    letter = queue()
    Letter.objects.filter(pk=letter.pk).update(to=ADDRESS + "\u200f")
    delivery.drain()
    assert (fresh(letter).state, office.to) == (LetterState.SENT, [ADDRESS])


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


@pytest.mark.parametrize(
    "said",
    [
        "550 Domain portal.example has exceeded the max emails per hour (150/150 (100%)) allowed. Message discarded.",
        "550 Administrative prohibition",
        "550 Access denied",
        "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
        "503 AUTH first (#5.5.1)",
        "550 5.4.5 Daily user sending limit exceeded.",
        "550 5.1.8 Access denied, bad outbound sender AS(42004)",
        "550 5.7.23 <a@b.example>: Recipient address rejected: Message rejected due to: SPF fail - not authorized.",
    ],
)
def test_a_server_that_refuses_every_letter_of_ours_loses_none_and_sounds_the_alarm(office, said):
    letters = [queue(f"person{number}@example.org") for number in range(10)]
    office.refused = {letter.to: said for letter in letters}
    delivery.drain()
    assert {state_of(letter)[0] for letter in letters} == {LetterState.QUEUED}
    assert [alarm.code for alarm in alarms.standing("mail")] == [AlarmCode.SERVER]


@pytest.mark.parametrize(
    "said", ["550 5.7.705 Access denied, tenant has exceeded threshold", "550 5.4.5 Daily user sending limit exceeded."]
)
def test_a_quota_that_is_used_up_in_the_middle_of_a_batch_loses_nothing(office, said):
    letters = [queue(f"person{number}@example.org") for number in range(10)]
    office.refused = {letter.to: said for letter in letters[5:]}
    delivery.drain()
    assert [state_of(letter)[0] for letter in letters] == [LetterState.SENT] * 5 + [LetterState.QUEUED] * 5
