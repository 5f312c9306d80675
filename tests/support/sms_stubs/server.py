"""The stub itself: one asyncio server, in a thread of its own or as the whole process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any, TextIO
from urllib.parse import urlsplit

from tests.support.http_stub import PAGE, Answer, HttpStub, Mix, Request, garbled, serving
from tests.support.sms_stubs.behaviours import BEHAVIOURS, Receipts, takes
from tests.support.sms_stubs.dialects import DIALECTS, Submission

STAGES = {"delivered": ("8", "1"), "undelivered": ("8", "2")}


class Stub(HttpStub):
    """A gateway at `url`. `behave` changes what it does from the next submission on."""

    def __init__(
        self,
        kind: str,
        *,
        port: int = 0,
        behaviour: str = "ok",
        delay: float = 0.0,
        late: float = 20.0,
        receipts: Receipts | None = None,
        log: TextIO | None = None,
        seed: int = 1,
    ) -> None:
        super().__init__(port=port, delay=delay, late=late)
        self.dialect = DIALECTS[kind]
        self.receipts, self.seed = receipts, seed
        self.behave(behaviour)
        self.log: list[dict[str, Any]] = []
        self.queries = 0
        self.receipt_answers: list[int] = []
        self._file = log
        self._taken: dict[str, dict[str, Any]] = {}
        self._ids: dict[str, dict[str, Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._few: asyncio.Semaphore | None = None

    @property
    def refuses_connections(self) -> bool:
        return self.mix.names == ["reset-connect"]

    @property
    def taken(self) -> list[dict[str, Any]]:
        """What phones hold: a submission that was not a repeated key."""
        return [row for row in self.log if row["taken"]]

    def behave(self, behaviour: str) -> None:
        self.mix = Mix(behaviour, BEHAVIOURS, self.seed)

    def by_id(self, id_: str) -> dict[str, Any] | None:
        return self._ids.get(str(id_))

    def by_key(self, key: str) -> dict[str, Any] | None:
        return self._taken.get(key)

    def delivery(self, row: dict[str, Any]) -> str:
        receipts = self.receipts or Receipts()
        if time.time() - row["at"] < receipts.after:
            return "on its way"
        return "undelivered" if (row["id"] * 7919) % 1000 < receipts.undelivered * 1000 else "delivered"

    async def start(self) -> asyncio.Server:
        self._few = asyncio.Semaphore(20)
        return await super().start()

    # ── one submission

    async def answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection stays open."""
        if request.path.startswith("/_stub/"):
            return await self.say(writer, self._control(request))
        submission = self.dialect.submission(request)
        if submission is None:
            self.queries += 1
            answer = self.dialect.query(request, self) or (404, "text/plain", "no such page")
            behaviour = self.mix.choose()
            return await self._misbehave(behaviour, answer, writer)
        behaviour = self.mix.choose()
        row = self._note(submission, behaviour)
        if row["taken"] and self.receipts and submission.receipt_url:
            await self._report(row, submission.receipt_url)
        return await self._misbehave(behaviour, self.dialect.accepted(row), writer)

    def _note(self, submission: Submission, behaviour: str) -> dict[str, Any]:
        known = self._taken.get(submission.key) if submission.keyed else None
        row = {
            "at": time.time(), "key": submission.key, "to": submission.to, "text": submission.text,
            "behaviour": behaviour, "taken": takes(behaviour) and known is None, "repeat": known is not None,
            "id": known["id"] if known else 100_000 + len(self.log), "open": self.open, "raw": submission.raw,
        }  # fmt: skip
        self.log.append(row)
        if row["taken"]:
            self._taken[submission.key] = self._ids[str(row["id"])] = row
        if self._file:
            self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
            self._file.flush()
        return row

    async def _misbehave(self, behaviour: str, answer: Answer, writer: asyncio.StreamWriter) -> bool:
        return await self.misbehave(behaviour, answer, self._said(behaviour, answer), writer)

    def _said(self, behaviour: str, accepted: Answer) -> Answer:
        if behaviour.startswith("code-"):
            return self.dialect.error(behaviour.removeprefix("code-"))
        said = {
            "500-taken": PAGE,
            "try-later": self.dialect.error(self.dialect.later),
            "ok-error": self.dialect.ok_error(),
        }
        return said.get(behaviour) or garbled(behaviour, accepted, self.dialect.wrong_types) or accepted

    # ── receipts

    async def _report(self, row: dict[str, Any], url: str) -> None:
        plan = self.receipts or Receipts()
        outcome = "undelivered" if (row["id"] * 7919) % 1000 < plan.undelivered * 1000 else "delivered"
        stages = [stage for stage in STAGES[outcome] for _ in range(plan.times)]
        if plan.reversed:
            stages.reverse()
        if plan.early:
            await self._push(url, stages, 0)
        else:
            task = asyncio.ensure_future(self._push(url, stages, plan.after + self.delay))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _push(self, url: str, stages: list[str], after: float) -> None:
        await asyncio.sleep(after)
        parts = urlsplit(url)
        assert self._few is not None
        for stage in stages:
            query = parts.query.replace("%d", stage)
            async with self._few:
                self.receipt_answers.append(await _get(parts.hostname, parts.port, f"{parts.path}?{query}"))

    # ── a process of its own is asked and told over HTTP

    def _control(self, request: Request) -> Answer:
        if request.path == "/_stub/behaviour":
            self.behave(request.fields["set"])
        elif request.path == "/_stub/log":
            return 200, "application/json", json.dumps(self.log)
        counts = {
            "submissions": len(self.log), "taken": len(self.taken), "repeats": sum(row["repeat"] for row in self.log),
            "doubled": len(self.taken) - len({row["key"] for row in self.taken}),
            "open": self.open, "most_open": self.most_open, "receipt_answers": len(self.receipt_answers),
        }  # fmt: skip
        return 200, "application/json", json.dumps(counts)


@contextlib.contextmanager
def stub(kind: str, **options: Any) -> Iterator[Stub]:
    """A stub in this process, on a free port; gone at the end of the block."""
    with serving(Stub(kind, **options)) as one:
        yield one


async def _get(host: str | None, port: int | None, target: str) -> int:
    try:
        reader, writer = await asyncio.open_connection(host, port or 80)
        writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        status = int((await reader.readline()).split()[1])
        writer.close()
    except (OSError, IndexError, ValueError):
        return 0
    return status
