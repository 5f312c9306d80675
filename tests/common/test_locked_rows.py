"""Something is held and not let go: whoever needs it is told so, and nobody else waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.db.models import Model

from registration.models import Registration
from sms.gateways.base import Delivery, Receipt, ReceiptsBy
from sms.models import Attempt, Message, MessageState
from sms.reports import applying
from sms.sending import drain
from tests.support.journeys import MATCHES, Browser, code_on, step_shown
from tests.support.sms_fixtures import crowd, drained_in_a_thread, queue, states, until

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def held(row: Model) -> Iterator[None]:
    """A transaction that has locked `row` and does nothing."""
    locked, over = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            type(row)._default_manager.filter(pk=row.pk).update(id=row.pk)
            locked.set()
            over.wait(30)

    thread = drained_in_a_thread(hold)
    assert locked.wait(10)
    try:
        yield
    finally:
        over.set()
        thread.join(30)


def test_a_page_that_finds_its_row_locked_says_so_and_changes_nothing(waits_end):
    """Not a 500: nothing is broken."""
    browser = Browser(raise_request_exception=False)
    browser.step_one()
    code = code_on(MATCHES.mobile)
    with held(Registration.objects.get()):
        page = browser.step_two(code)
    assert (page.status_code, page["Retry-After"]) == (503, "10")
    assert step_shown(browser.get(browser.step_two(code)["Location"])) == "identity"


def test_a_report_about_a_locked_message_waits_and_the_others_do_not(use_gateways, waits_end):
    use_gateways(crowd("box", receipts=ReceiptsBy.PUSH))
    first, second = queue(), queue()
    drain.drain()
    with held(first):
        if connection.vendor == "postgresql":  # on SQLite nobody writes while another does
            assert applying.apply("box", Receipt(Delivery.DELIVERED, key=second.key))
        assert not applying.apply("box", Receipt(Delivery.DELIVERED, key=first.key))
    assert applying.apply("box", Receipt(Delivery.DELIVERED, key=first.key))
    first.refresh_from_db()
    assert first.state == MessageState.DELIVERED
    assert Message.objects.filter(state=MessageState.ACCEPTED).count() == (connection.vendor == "sqlite")


@pytest.mark.parametrize("locked", ["one on its way", "one that waits its turn"])
def test_an_sms_that_somebody_else_has_locked_waits_and_the_others_are_sent(use_gateways, waits_end, locked):
    answer = threading.Event()
    gateway = crowd("one", connections=1, receipts=ReceiptsBy.PUSH, on_send=lambda sms: answer.wait(20))
    use_gateways(gateway)
    messages = [queue() for _ in range(4)]
    drained = drained_in_a_thread()
    until(lambda: gateway.sent)
    with held(messages[locked == "one that waits its turn"]):
        answer.set()
        if connection.vendor == "postgresql":  # on SQLite nobody writes while another does
            until(lambda: states()[MessageState.ACCEPTED] == 3, 8)
    drained.join(20)
    assert states() == {MessageState.ACCEPTED: 4}
    assert len({sms.key for sms in gateway.sent}) == len(gateway.sent) == 4
    assert set(Attempt.objects.with_ends().values_list("result", flat=True)) == {"accepted"}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="on SQLite nobody writes while another does")
def test_an_sms_that_stays_locked_ends_no_drain_and_is_left_to_its_lease(use_gateways, waits_end, monkeypatch):
    monkeypatch.setattr(drain, "_PATIENCE", 0.5)
    answer = threading.Event()
    gateway = crowd("one", on_send=lambda sms: answer.wait(20))
    use_gateways(gateway)
    first, _second = queue(), queue()
    drained = drained_in_a_thread()
    until(lambda: len(gateway.sent) == 2)
    with held(first):
        answer.set()
        drained.join(8)
        assert not drained.is_alive()
        assert states() == {MessageState.SENDING: 1, MessageState.ACCEPTED: 1}
    first.refresh_from_db()
    assert first.lease is not None
    assert first.next_attempt_at is not None
