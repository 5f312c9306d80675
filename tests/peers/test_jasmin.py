"""By a Jasmin, over its SMPP server and over its HTTP API: RabbitMQ, Redis and all, before an SMSC with the phones."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from sms.gateways.base import Accepted, Sms
from sms.gateways.jasmin import JasminGateway
from sms.gateways.smpp import SmppGateway
from tests.support.jasmin import Jasmin, jasmin
from tests.support.live import Portal, demo, free_port, until
from tests.support.peer_journeys import person_with_phone, whole_journey

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jasmin]:
    with jasmin(tmp_path_factory.mktemp("jasmin")) as started:
        yield started


@pytest.fixture(scope="module", params=["smpp", "http"])
def portal_options(gateway: Jasmin, request: pytest.FixtureRequest) -> dict[str, Any]:
    port = free_port()
    settings = {
        "smpp": gateway.smpp_settings("jasmin"),
        "http": gateway.http_settings("jasmin", receipts=f"http://127.0.0.1:{port}"),
    }[request.param]
    return {"port": port, "env": {"SMS_GATEWAYS": "jasmin"} | settings}


def test_a_citizen_registers_by_what_jasmin_gives_to_the_phone(portal: Portal, gateway: Jasmin) -> None:
    citizen, before = demo("matches"), len(gateway.sms(demo("matches").mobile))

    whole_journey(person_with_phone(portal, lambda mobile: gateway.sms(mobile)[before:]), citizen)

    states = "sorted(Message.objects.values_list('kind', 'state'))"
    wanted = [["code", "delivered"], ["result", "delivered"]]
    until(lambda: portal.ask(states) == wanted, what="Jasmin's receipts of both", seconds=30)


@pytest.mark.parametrize("way", ["smpp", "http"])
def test_every_message_with_an_end_of_use_that_jasmin_accepts_reaches_the_phone(gateway: Jasmin, way: str) -> None:
    """Jasmin 0.11 drops what has a `validity-period` and comes in the last tenth of a second."""
    kind, settings = {
        "smpp": (SmppGateway, gateway.smpp_settings("some")),
        "http": (JasminGateway, gateway.http_settings("some")),
    }[way]
    options = {name.removeprefix("SMS_SOME_"): value for name, value in settings.items()}
    portal, mobile = kind(name="some", options=options), "+98912700%04d"
    numbers = [mobile % (number + 1000 * (way == "http")) for number in range(40)]
    ends = timezone.now() + timedelta(minutes=10)

    answers = [
        portal.send(Sms(key=uuid.uuid4(), to=to, text="کد ۱۲", kind="result", valid_until=ends)) for to in numbers
    ]

    assert all(isinstance(answer, Accepted) for answer in answers)
    received = [gateway.sms("0" + to.removeprefix("+98")) for to in numbers]
    until(
        lambda: all(gateway.sms("0" + to.removeprefix("+98")) for to in numbers), what=f"all of {received}", seconds=30
    )
