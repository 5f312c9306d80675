"""The stub itself: one asyncio server, in a thread of its own or as the whole process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any, TextIO
from urllib.parse import urlsplit

from tests.sms_stubs.behaviours import Mix, Receipts, takes
from tests.sms_stubs.dialects import DIALECTS, Answer, Request, Submission

PAGE: Answer = (500, "text/html", "<!doctype html><title>Oops</title><h1>Something went wrong</h1>")
STAGES = {"delivered": ("8", "1"), "undelivered": ("8", "2")}


class Stub:
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
        self.dialect = DIALECTS[kind]
        self.port, self.delay, self.late, self.receipts, self.seed = port, delay, late, receipts, seed
        self.mix = Mix(behaviour, seed)
        self.log: list[dict[str, Any]] = []
        self.open = self.most_open = self.queries = 0
        self.receipt_answers: list[int] = []
        self._file = log
        self._taken: dict[str, dict[str, Any]] = {}
        self._ids: dict[str, dict[str, Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._few: asyncio.Semaphore | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def taken(self) -> list[dict[str, Any]]:
        """What phones hold: a submission that was not a repeated key."""
        return [row for row in self.log if row["taken"]]

    def behave(self, behaviour: str) -> None:
        self.mix = Mix(behaviour, self.seed)

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
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        return server

    # ── one connection

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            if self.mix.names == ["reset-connect"]:
                _reset(writer)
                return
            while (request := await _read(reader)) is not None:
                if not await self._answer(request, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the caller is gone, or the stub is
        finally:
            self.open -= 1
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection stays open."""
        if request.path.startswith("/_stub/"):
            return await _write(writer, self._control(request))
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
        if behaviour in ("reset", "hang", "hang-taken", "drop", "reset-half", "drip", "not-http", "close"):
            return await self._break(behaviour, answer, writer)
        await asyncio.sleep(self.late if behaviour == "late" else self.delay)
        return await _write(writer, self._said(behaviour, answer))

    def _said(self, behaviour: str, accepted: Answer) -> Answer:
        if behaviour.startswith("code-"):
            return self.dialect.error(behaviour.removeprefix("code-"))
        said = {
            "500": PAGE,
            "500-taken": PAGE,
            "try-later": self.dialect.error(self.dialect.later),
            "ok-error": self.dialect.ok_error(),
            "html": (200, *PAGE[1:]),
            "bad-json": (200, accepted[1], accepted[2][: len(accepted[2]) // 2]),
            "wrong-types": (200, accepted[1], self.dialect.wrong_types),
            "empty": (200, accepted[1], ""),
        }
        return said.get(behaviour, accepted)

    async def _break(self, behaviour: str, answer: Answer, writer: asyncio.StreamWriter) -> bool:
        whole = _http(answer)
        if behaviour.startswith("hang"):
            await asyncio.sleep(3600)
        elif behaviour == "drip":
            for byte in whole:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(1)
        elif behaviour in ("not-http", "close"):
            writer.write(b"220 mail.example ESMTP\r\n" if behaviour == "not-http" else whole)
            await writer.drain()
        elif behaviour == "reset-half":
            writer.write(whole[:-10])
            await writer.drain()
            await asyncio.sleep(0.05)
        if behaviour.startswith("reset"):
            _reset(writer)
        return False

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
    one = Stub(kind, **options)
    loop, ready, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def main() -> None:
        server = await one.start()
        ready.set()
        await over.wait()
        server.close()
        mine = asyncio.current_task()
        for task in asyncio.all_tasks():
            if task is not mine:
                task.cancel()
        await asyncio.sleep(0)

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(main())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield one
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    line, *headers = head.decode("latin-1").split("\r\n")
    method, target, _ = line.split(" ", 2)
    length = next((int(h.partition(":")[2]) for h in headers if h.lower().startswith("content-length:")), 0)
    return Request(method, target, await reader.readexactly(length))


def _http(answer: Answer) -> bytes:
    status, kind, text = answer
    body = text.encode()
    head = f"HTTP/1.1 {status} Said\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _write(writer: asyncio.StreamWriter, answer: Answer) -> bool:
    writer.write(_http(answer))
    await writer.drain()
    return True


async def _get(host: str | None, port: int | None, target: str) -> int:
    try:
        reader, writer = await asyncio.open_connection(host, port or 80)
        writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        status = int((await reader.readline()).split()[1])
        writer.close()
    except (OSError, IndexError, ValueError):
        return 0
    return status


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
