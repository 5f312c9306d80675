"""By a Kannel: its smsbox takes the SMS over HTTP, its bearerbox gives them to a fake SMSC, whose log is the phones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.kannel import Kannel, kannel
from tests.support.live import Portal, demo, free_port, until
from tests.support.peer_journeys import person_with_phone, whole_journey

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kannel]:
    with kannel(tmp_path_factory.mktemp("kannel")) as started:
        yield started


@pytest.fixture(scope="module")
def portal_options(boxes: Kannel) -> dict[str, Any]:
    port = free_port()
    env = {"SMS_GATEWAYS": "kannel"} | boxes.settings("kannel", receipts=f"http://127.0.0.1:{port}")
    return {"port": port, "env": env}


def test_a_citizen_registers_by_what_kannel_gives_to_the_phone(portal: Portal, boxes: Kannel) -> None:
    citizen = demo("matches")
    result = whole_journey(person_with_phone(portal, boxes.sms), citizen)
    states = "sorted(Message.objects.values_list('kind', 'state'))"
    wanted = [["code", "delivered"], ["result", "delivered"]]
    until(lambda: portal.ask(states) == wanted, what="Kannel's receipts of both", seconds=30)
    sent = portal.ask("list(Message.objects.filter(kind='result').values_list('text', flat=True))")
    assert sent == [result] or sent == [""], "letter by letter, half-spaces too, unless the text was removed after it"
