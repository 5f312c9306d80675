"""Services are told of sign-outs: the token, services that misbehave, workers that die, and who waits for whom."""

from __future__ import annotations

import logging
import socket
import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from common import alarms, leases, limits
from common.models import Alarm, AlarmCode
from openid import keys, usage
from openid.logout import calling, sending
from openid.models import LogoutNotice, LogoutState
from tests.support import openid
from tests.support.http_stub import serving
from tests.support.logout_stub import LogoutStub, part_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stub():
    with serving(LogoutStub()) as one:
        yield one


@pytest.fixture
def quick(monkeypatch):
    """Deadlines that a test can wait for."""
    monkeypatch.setattr(limits, "LOGOUT_ANSWER_WITHIN", 0.5)


def service_of(stub, **changes):
    return openid.service(name="خدمت", **({"backchannel_logout_uri": stub.address} | changes)).row


def queue(service, *, sid="5e" * 16, **changes):
    facts = {"subject": "abc", "reason": "signed_out", "next_attempt_at": timezone.now()} | changes
    return LogoutNotice.objects.create(service=service, sid=sid, **facts)


def make_due(**changes):
    LogoutNotice.objects.filter(final_at__isnull=True).update(next_attempt_at=timezone.now(), lease=None, **changes)


def test_the_token_is_what_the_specification_wants(stub):
    service = service_of(stub)
    queue(service)
    before = int(time.time())

    sending.drain()

    [(_at, token)] = stub.told
    assert part_of(token, 0)["typ"] == "logout+jwt"
    assert part_of(token, 0)["alg"] == "ES256"
    claims = part_of(token, 1)
    assert claims.keys() == {"iss", "aud", "sub", "sid", "iat", "exp", "jti", "events"}  # and no nonce
    assert (claims["aud"], claims["sub"], claims["sid"]) == (service.client_id, "abc", "5e" * 16)
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert before <= claims["iat"] <= time.time()
    assert claims["exp"] - claims["iat"] <= 120
    notice = LogoutNotice.objects.get()
    assert (notice.state, notice.attempts, notice.last_error) == (LogoutState.TOLD, 1, "")


def test_a_service_with_rsa_is_told_by_rsa(stub):
    queue(service_of(stub, id_token_algorithm="RS256"))
    sending.drain()
    assert part_of(stub.told[0][1], 0)["alg"] == "RS256"


def test_what_a_service_was_told_and_what_was_given_up_is_counted(stub):
    service = service_of(stub)
    queue(service)
    sending.drain()
    stub.how = "400"
    queue(service, sid="6f" * 16)
    for _try in range(limits.LOGOUT_REFUSALS):
        make_due()
        sending.drain()
    assert usage.of(service, days=1)[timezone.localdate()] == {"logout": 1, "error:logout_failed": 1}


def test_204_is_an_answer_too(stub):
    stub.how = "204"
    queue(service_of(stub))
    sending.drain()
    assert LogoutNotice.objects.get().state == LogoutState.TOLD


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ("late", "no answer: time-out"),  # after 30 s, for all that we know
        ("hang", "no answer: time-out"),
        ("drip", "no answer: time-out"),
        ("500", "no answer: http 500"),
        ("404", "no answer: http 404"),
        ("redirect", "no answer: http 302"),
        ("huge", "no answer: HTTPException"),
        ("not-http", "no answer: BadStatusLine"),
        ("reset", "no answer: ConnectionResetError"),
        ("400", "http 400"),
    ],
)
def test_whatever_a_service_answers_it_is_told_again_after_a_pause_and_heard_of_by_an_alarm(stub, quick, how, word):
    stub.how = how
    service = service_of(stub)
    queue(service)
    for attempt, pause in enumerate(limits.LOGOUT_RETRIES[:3], start=1):
        began = timezone.now()
        sending.drain()
        notice = LogoutNotice.objects.get()
        assert (notice.state, notice.last_error, notice.attempts) == (LogoutState.WAITING, word, attempt)
        assert notice.next_attempt_at >= began + timedelta(seconds=pause)
        assert bool(alarms.standing("openid")) == (attempt == 3)
        make_due()
    assert "/elsewhere" not in stub.paths  # a redirect is not followed
    [alarm] = alarms.standing("openid")
    assert (alarm.code, alarm.subject) == (AlarmCode.LOGOUT, service.client_id)
    assert word in alarm.detail

    stub.how = "ok"
    make_due()
    sending.drain()
    assert LogoutNotice.objects.get().state == LogoutState.TOLD
    assert alarms.standing("openid") == []


def test_a_service_that_cannot_be_reached_is_one_that_does_not_answer():
    queue(openid.service(backchannel_logout_uri="http://127.0.0.1:9/logout").row)
    sending.drain()
    assert LogoutNotice.objects.get().last_error == "no answer: refused"


def test_the_address_may_have_a_query_and_no_path(stub):
    stub.path = "/"
    queue(service_of(stub, backchannel_logout_uri=f"{stub.url}?tenant=7"))
    sending.drain()
    assert LogoutNotice.objects.get().state == LogoutState.TOLD


def test_nothing_goes_out_by_http_in_real_service(stub, settings):
    settings.DEMO = False
    queue(service_of(stub))
    sending.drain()
    assert stub.paths == []
    assert LogoutNotice.objects.get().last_error == "no answer: no https"


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fe80::1%1", "0.0.0.0", "::"]
)
def test_a_name_that_leads_to_this_machine_is_not_called(address, settings, monkeypatch):
    """What a name leads to is its owner's choice, and may have been another address when it was registered."""
    settings.DEMO = False
    called = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, 1, 6, "", (address, 443))])
    monkeypatch.setattr(socket.socket, "connect", lambda _socket, where: called.append(where))
    queue(openid.service(backchannel_logout_uri="https://service.example.ir/backchannel").row)

    sending.drain()

    assert called == []
    assert LogoutNotice.objects.get().last_error == "no answer: this machine"


def test_a_key_that_cannot_be_read_delays_and_loses_nothing(stub, monkeypatch):
    def broken(*_):
        raise OSError("no such file")

    monkeypatch.setattr(keys, "sign", broken)
    queue(service_of(stub))
    sending.drain()
    assert LogoutNotice.objects.get().last_error == "no answer: OSError"


def test_it_is_given_up_in_the_end_and_said(stub, caplog):
    stub.how = "500"
    queue(service_of(stub), created_at=timezone.now() - limits.LOGOUT_GIVE_UP)
    with caplog.at_level(logging.ERROR):
        sending.drain()
    notice = LogoutNotice.objects.get()
    assert (notice.state, notice.next_attempt_at) == (LogoutState.GIVEN_UP, None)
    assert f"sign-out {notice.pk} given up" in caplog.text


def test_a_service_that_refuses_one_sign_out_is_asked_some_times_and_raises_no_alarm_while_it_takes_others(stub):
    stub.how = "400"
    service = service_of(stub)
    refused = queue(service, created_at=timezone.now() - timedelta(minutes=1), attempts=limits.LOGOUT_REFUSALS - 1)
    queue(service, state=LogoutState.TOLD, final_at=timezone.now(), next_attempt_at=None)
    sending.drain()
    refused.refresh_from_db()
    assert (refused.state, refused.last_error) == (LogoutState.GIVEN_UP, "http 400")
    assert alarms.standing("openid") == []


def test_logs_and_rows_hold_no_token(stub, caplog):
    queue(service_of(stub))
    with caplog.at_level(logging.DEBUG):
        sending.drain()
        stub.how = "500"
        queue(service_of(stub))
        sending.drain()
    for _at, token in stub.told:
        assert token
        assert token not in caplog.text
        assert not any(token in str(value) for row in LogoutNotice.objects.values() for value in row.values())
        assert not any(token in str(value) for row in Alarm.objects.values() for value in row.values())


# ── who waits for whom


def test_a_service_that_hangs_delays_no_other_one(stub, monkeypatch):
    monkeypatch.setattr(limits, "LOGOUT_ANSWER_WITHIN", 4.0)
    with serving(LogoutStub("hang")) as slow:
        hanging = service_of(slow)
        for number in range(20):
            queue(hanging, sid=f"slow {number}", created_at=timezone.now() - limits.LOGOUT_GIVE_UP)
        running = threading.Thread(target=in_a_thread, args=(sending.run,))
        running.start()
        until(lambda: slow.told)  # its call is under way, and goes on for seconds
        began, quick = time.monotonic(), service_of(stub)
        for number in range(5):
            queue(quick, sid=f"quick {number}")
        sending.run()  # the hint: the drain that runs looks again
        until(lambda: len(stub.told) == 5)
        took = stub.told[-1][0] - began
        assert took < 3, took
        assert len(slow.told) == 1  # what has not answered yet is not called a second time
        sending.stop()
        running.join(60)


def test_a_service_that_answers_is_called_several_times_at_once_up_to_a_limit(monkeypatch):
    with serving(LogoutStub(delay=0.05)) as stub:
        service = service_of(stub)
        for number in range(60):
            queue(service, sid=f"{number}")
        assert sending.drain() == 60
        assert 2 < stub.most_together <= limits.LOGOUT_PER_SERVICE
    assert set(LogoutNotice.objects.values_list("state", flat=True)) == {LogoutState.TOLD}


def test_a_service_that_keeps_failing_is_left_alone_for_a_while(stub):
    stub.how = "500"
    service = service_of(stub)
    for number in range(50):
        queue(service, sid=f"{number}")
    sending.drain()
    assert len(stub.told) <= limits.BREAKER_FAILURES + 1
    assert LogoutNotice.objects.filter(state=LogoutState.WAITING).count() == 50


def test_a_service_that_is_back_is_told_at_once_of_all_that_waited(stub):
    from common import breaker
    from common.models import Breaker

    stub.how = "500"
    service = service_of(stub)
    for number in range(10):
        queue(service, sid=f"{number}")
    sending.drain()
    stub.how = "ok"
    Breaker.objects.update(open_until=timezone.now())  # its pause is over
    breaker.forget()
    sending.drain()
    assert set(LogoutNotice.objects.values_list("state", flat=True)) == {LogoutState.TOLD}


def test_a_suspended_service_is_told_but_raises_no_alarm(stub):
    stub.how = "500"
    service = service_of(stub)
    queue(service, attempts=limits.LOGOUT_ALARM_AFTER - 1)
    sending.drain()
    assert alarms.standing("openid")
    service.suspended_at = timezone.now()
    service.save()
    make_due()
    sending.drain()
    assert alarms.standing("openid") == []
    stub.how = "ok"
    make_due()
    sending.drain()
    assert LogoutNotice.objects.get().state == LogoutState.TOLD


def test_a_service_that_gives_up_its_address_is_not_told_any_more(stub):
    service = service_of(stub)
    queue(service)
    service.backchannel_logout_uri = ""
    service.save()
    sending.drain()
    notice = LogoutNotice.objects.get()
    assert (notice.state, notice.last_error) == (LogoutState.GIVEN_UP, "no address any more")


# ── workers


def test_a_worker_killed_in_mid_send_means_that_the_service_hears_twice_by_two_tokens(stub):
    notice = queue(service_of(stub))
    [claimed] = leases.claim(LogoutNotice, limit=1, lease_for=limits.LOGOUT_LEASE)
    calling.tell(claimed)  # and the worker dies before it writes what it heard
    assert sending.drain() == 0  # the dead one's lease
    LogoutNotice.objects.update(next_attempt_at=timezone.now())  # it has lapsed
    assert sending.drain() == 1
    notice.refresh_from_db()
    assert notice.state == LogoutState.TOLD
    first, second = stub.claims
    assert first["jti"] != second["jti"]
    assert (first["sid"], first["sub"]) == (second["sid"], second["sub"])


def test_a_worker_that_was_stopped_for_longer_than_its_lease_writes_nothing(stub):
    queue(service_of(stub))
    [stale] = leases.claim(LogoutNotice, limit=1, lease_for=timedelta(0))
    stale.service = stale.service
    sending.drain()
    sending._put_off(stale, calling.Heard(calling.Result.NO_ANSWER, "time-out"))
    assert LogoutNotice.objects.get().state == LogoutState.TOLD


def test_workers_together_tell_each_sign_out_once(stub):
    stub.delay = 0.01
    service = service_of(stub)
    for number in range(40):
        queue(service, sid=f"{number}")
    threads = [threading.Thread(target=in_a_thread, args=(sending.Drain().run,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(claims["sid"] for claims in stub.claims) == sorted(map(str, range(40)))


def test_a_worker_that_stops_claims_nothing_more(stub):
    queue(service_of(stub))
    sending.stop()
    assert sending.drain() == 0
    assert stub.told == []


def test_with_nothing_due_a_run_costs_two_statements(django_assert_num_queries):
    with django_assert_num_queries(2):
        sending.run()


def test_purge_deletes_what_is_final_and_old_and_nothing_else(stub):
    service, old = service_of(stub), timezone.now() - limits.LOGOUT_KEPT - timedelta(days=1)
    queue(service, sid="told", state=LogoutState.TOLD, final_at=old, next_attempt_at=None)
    queue(service, sid="new", state=LogoutState.TOLD, final_at=timezone.now(), next_attempt_at=None)
    queue(service, sid="waits", created_at=old)
    from common import purging

    assert purging.run_all(dry_run=True)["sign_outs_told"] == 1
    assert purging.run_all()["sign_outs_told"] == 1
    assert set(LogoutNotice.objects.values_list("sid", flat=True)) == {"new", "waits"}


def in_a_thread(work):
    from django.db import connection

    try:
        work()
    finally:
        connection.close()


def until(condition, seconds=15.0):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.02)


# ── ten thousand


def ten_thousand(service):
    now = timezone.now()
    rows = [
        LogoutNotice(service=service, sid=f"{n}", subject="abc", reason="suspended", next_attempt_at=now)
        for n in range(10_000)
    ]
    LogoutNotice.objects.bulk_create(rows, batch_size=500)


def test_ten_thousand_that_wait_for_one_service_hold_up_no_other_one(stub):
    ten_thousand(openid.service(backchannel_logout_uri="http://127.0.0.1:9/logout").row)
    service = service_of(stub)
    for number in range(20):
        queue(service, sid=f"quick {number}")
    began = time.monotonic()
    sending.drain()
    assert len(stub.told) == 20
    assert time.monotonic() - began < 10
    assert LogoutNotice.objects.filter(state=LogoutState.WAITING).count() == 10_000


@pytest.mark.faults
def test_ten_thousand_sign_outs_are_told_within_minutes(stub):
    ten_thousand(service_of(stub))
    began = time.monotonic()
    assert sending.drain() == 10_000
    took = time.monotonic() - began
    print(f"10,000 sign-outs told in {took:.0f} s")  # noqa: T201
    assert sorted(int(claims["sid"]) for claims in stub.claims) == list(range(10_000))
    assert not LogoutNotice.objects.exclude(state=LogoutState.TOLD).exists()
    assert took < 300
