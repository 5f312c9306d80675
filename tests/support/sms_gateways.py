"""Gateways that only tests use: they answer as told and log what they were given."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

from sms.gateways.base import Abilities, Accepted, Gateway, LookUp, NoAnswer, Outcome, ReceiptsBy, Sms


class StubGateway(Gateway):
    """Answers with `answers` one after the other, then accepts. An answer may be an exception to raise.

    `sent` is every call by key; `accepted` what a phone would hold: with a client key once a key.
    """

    def __init__(
        self,
        name: str,
        *answers: Outcome | Exception,
        client_key: timedelta | None = None,
        look_up_by_key: timedelta | None = None,
        receipts: ReceiptsBy = ReceiptsBy.NONE,
        found: LookUp | None = None,
        on_send: Callable[[Sms], None] | None = None,
    ) -> None:
        self.name = name  # type: ignore[misc]  # an instance stands for a gateway of its own
        self.answers: Iterator[Outcome | Exception] = iter(answers)
        self.declared = Abilities(client_key=client_key, look_up_by_key=look_up_by_key, receipts=receipts)
        self.found = found or NoAnswer()
        self.on_send = on_send
        self.sent: list[Sms] = []
        self.accepted: list[uuid.UUID] = []
        self._lock = threading.Lock()

    def abilities(self, kind: str) -> Abilities:
        return self.declared

    def send(self, sms: Sms) -> Outcome:
        with self._lock:
            self.sent.append(sms)
            answer = next(self.answers, Accepted(provider_ids=(f"id-{len(self.sent)}",)))
            if isinstance(answer, Accepted) and not (self.declared.client_key and sms.key in self.accepted):
                self.accepted.append(sms.key)
        if self.on_send:
            self.on_send(sms)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def look_up(self, *, key: uuid.UUID, provider_id: str = "") -> LookUp:
        return self.found
