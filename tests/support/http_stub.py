"""A server on a real socket that answers, or misbehaves as it is told: the base of every stub provider.

A stub of SMS gateways or of registries says what is asked of it and what the right answer is; how connections
break is here.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

Answer = tuple[int, str, str]  # HTTP status, content type, body
PAGE: Answer = (500, "text/html", "<!doctype html><title>Oops</title><h1>Something went wrong</h1>")
BREAKS = ("reset", "hang", "hang-taken", "drop", "reset-half", "drip", "not-http", "close")  # not a whole answer


@dataclass
class Request:
    method: str
    target: str
    body: bytes

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def fields(self) -> dict[str, str]:
        """Query and form together, the last value of each name."""
        both = parse_qs(urlsplit(self.target).query, keep_blank_values=True) | parse_qs(
            self.body.decode("utf-8", "replace"), keep_blank_values=True
        )
        return {name: values[-1] for name, values in both.items()}


class Mix:
    """Behaviours with their shares: "drop" or "ok=0.9,drop=0.1"; the same seed repeats itself.

    `known` says what each does; "code-N" there stands for code-1, code-2, …
    """

    def __init__(self, spec: str, known: Mapping[str, str], seed: int = 1) -> None:
        shares = [part.partition("=") for part in spec.split(",") if part]
        self.names = [name for name, _, _ in shares]
        self.weights = [float(share or 1) for _, _, share in shares]
        for name in self.names:
            if name not in known and f"{name.partition('-')[0]}-N" not in known:
                raise ValueError(f"no such behaviour: {name}; there are {', '.join(known)}")
        self._random = random.Random(seed)

    def choose(self) -> str:
        return self._random.choices(self.names, self.weights)[0]


class HttpStub:
    """Serves at `url`. A provider's stub overrides `answer`."""

    def __init__(
        self, *, port: int = 0, delay: float = 0.0, late: float = 20.0, tls: ssl.SSLContext | None = None
    ) -> None:
        self.port, self.delay, self.late, self.tls = port, delay, late, tls
        self.open = self.most_open = 0

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def refuses_connections(self) -> bool:
        """Whether a connection is reset as soon as it is made."""
        return False

    async def answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Answer `request` by `say` or `misbehave`; whether the connection stays open."""
        raise NotImplementedError

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, backlog=1024, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            if self.refuses_connections:
                _reset(writer)
                return
            while (request := await _read(reader)) is not None:
                if not await self.answer(request, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the caller is gone, or the stub is
        finally:
            writer.close()
            await asyncio.sleep(0)  # in the loop's next turn the socket is closed
            self.open -= 1

    async def say(self, writer: asyncio.StreamWriter, answer: Answer) -> bool:
        writer.write(_http(answer))
        await writer.drain()
        return True

    async def misbehave(self, behaviour: str, right: Answer, said: Answer, writer: asyncio.StreamWriter) -> bool:
        """`said` after the delay of this behaviour, or, where it breaks off, as much of the `right` answer as it lets
        through."""
        if behaviour in BREAKS:
            return await self._break(behaviour, right, writer)
        await asyncio.sleep(self.late if behaviour == "late" else self.delay)
        return await self.say(writer, said)

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


OneStub = TypeVar("OneStub", bound=HttpStub)


@contextlib.contextmanager
def serving(one: OneStub) -> Iterator[OneStub]:
    """`one` in a thread of this process; gone at the end of the block."""
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


def serve_until_terminated(one: HttpStub) -> None:
    """`one` as this whole process, until SIGTERM; its port is the first line that is printed."""
    with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(_serve(one))


async def _serve(one: HttpStub) -> None:
    await one.start()
    sys.stdout.write(f"{one.port}\n")
    sys.stdout.flush()
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    await over.wait()


def garbled(behaviour: str, right: Answer, wrong_types: str) -> Answer | None:
    """A whole answer that is not the `right` one, where `behaviour` means that."""
    return {
        "500": PAGE,
        "html": (200, *PAGE[1:]),
        "bad-json": (200, right[1], right[2][: len(right[2]) // 2]),
        "wrong-types": (200, right[1], wrong_types),
        "empty": (200, right[1], ""),
    }.get(behaviour)


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


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
