"""The stub itself: one server, in a thread of its own or as the whole process."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections import Counter
from typing import Any, TextIO

from tests.support.http_stub import PAGE, Answer, HttpStub, Mix, Request, garbled
from tests.support.registry_stubs.dialects import DIALECTS, JSON, OWNER, PERSON, TOKEN, Asked

BEHAVIOURS = {
    "ok": "says what the registry knows",
    "code-N": "its own error code N (code-forbidden), with the HTTP status it usually has",
    "said-N": "its own error code N in an answer of HTTP 200",
    "status-N": "HTTP status N with a page",
    "html": "HTTP 200 with a page",
    "bad-json": "an answer that is cut in the middle, with a matching length",
    "wrong-types": "JSON of other types than promised",
    "empty": "HTTP 200 with nothing",
    "not-http": "something that is no HTTP",
    "reset": "resets before the first byte of an answer",
    "reset-half": "resets in the middle of the answer",
    "drop": "closes the connection without an answer",
    "hang": "never answers",
    "drip": "a byte of the answer a second",
}
QUESTIONS = (OWNER, PERSON, TOKEN)


class RegistryStub(HttpStub):
    """A registry of `kind`. `behave` changes what it does, per question, from the next inquiry on."""

    def __init__(
        self,
        kind: str,
        *,
        port: int = 0,
        delay: float = 0.0,
        tls: ssl.SSLContext | None = None,
        log: TextIO | None = None,
        **behaviours: str,
    ) -> None:
        super().__init__(port=port, delay=delay, tls=tls)
        self.dialect = DIALECTS[kind]
        self.mixes = {question: Mix("ok", BEHAVIOURS) for question in QUESTIONS}
        self.behave(**behaviours)
        self.log: list[dict[str, Any]] = []
        self._file = log

    def behave(self, **behaviours: str) -> None:
        """By question (owner, person, token): one behaviour, or several with shares, as `Mix` reads them."""
        for question, behaviour in behaviours.items():
            self.mixes[question] = Mix(behaviour, BEHAVIOURS)

    def asked(self, question: str) -> list[str]:
        """The national IDs that `question` was asked about, in order."""
        return [row["national_id"] for row in self.log if row["question"] == question]

    async def answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        if request.path.startswith("/_stub/"):
            return await self.say(writer, self._control(request))
        asked = self.dialect.asked(request)
        if asked is None:
            return await self.say(writer, (404, "text/plain", "no such page"))
        behaviour, trace = self.mixes[asked.question].choose(), f"t-{len(self.log)}"
        self._note(asked, behaviour)
        right = self.dialect.right(asked, trace)
        return await self.misbehave(behaviour, right, self._said(behaviour, asked, right, trace), writer)

    def _said(self, behaviour: str, asked: Asked, right: Answer, trace: str) -> Answer:
        how, _, what = behaviour.partition("-")
        if how in ("code", "said"):
            return self.dialect.error(what, trace, 200 if how == "said" else 0)
        if how == "status":
            return int(what), *PAGE[1:]
        return garbled(behaviour, right, self.dialect.wrong_types.get(asked.question, "[]")) or right

    def _note(self, asked: Asked, behaviour: str) -> None:
        row = {
            "at": time.time(), "question": asked.question, "national_id": asked.national_id, "behaviour": behaviour,
        }  # fmt: skip
        self.log.append(row)
        if self._file:
            self._file.write(json.dumps(row) + "\n")
            self._file.flush()

    def _control(self, request: Request) -> Answer:
        """A process of its own is told over HTTP."""
        if request.path == "/_stub/behaviour":
            self.behave(**request.fields)
        counts = Counter(row["question"] for row in self.log)
        return 200, JSON, json.dumps(counts | {"open": self.open, "most_open": self.most_open})
