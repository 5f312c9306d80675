"""The portal's Celery application for `sms_drain.py`: with a gateway that does nothing, and two plain ways to send.

celery -A benchmarks.sms_drain_worker worker …
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import django

django.setup()

from django.utils import timezone  # noqa: E402

from sms.gateways import KINDS  # noqa: E402
from sms.gateways.base import FOR_EVER, Abilities, Accepted, Gateway, Outcome, Sms  # noqa: E402
from sms.models import Message, MessageState  # noqa: E402
from tamin_portal.celery import app  # noqa: E402


class NoopGateway(Gateway):
    """Takes everything at once, so that only the portal's own work is left to measure."""

    KIND = "noop"
    batch = 1000  # more than a drain ever claims at once

    def abilities(self, kind: str) -> Abilities:
        return Abilities(client_key=FOR_EVER)

    def send(self, sms: Sms) -> Outcome:
        return Accepted()

    def send_many(self, batch: Sequence[Sms]) -> list[Outcome]:
        return [Accepted()] * len(batch)


KINDS[NoopGateway.KIND] = NoopGateway


begun: list[float] = []  # when each task ran


@app.task(name="sms.nothing", ignore_result=True)
def nothing(_pk: int) -> None:
    """What the drain is compared with: a task for each message, which does nothing with it."""
    begun.append(time.monotonic())


@app.task(name="sms.told", ignore_result=True)
def told() -> None:
    """When the first and the last task since the last call ran, and how many they were."""
    whole = Path(os.environ["TASKS_SPAN"])
    part = whole.with_suffix(".part")
    part.write_text(f"{begun[0]} {time.monotonic()} {len(begun)}")
    part.replace(whole)
    begun.clear()


@app.task(name="sms.plain", ignore_result=True)
def plain(pk: int) -> None:
    """A task for each message, which updates its row."""
    begun.append(time.monotonic())
    now = timezone.now()
    Message.objects.filter(pk=pk).update(state=MessageState.ACCEPTED, sent_at=now, final_at=now, next_attempt_at=None)
