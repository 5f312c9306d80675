"""A connected service that is told of sign-outs, on a real socket: it takes them, or misbehaves."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import Any

from tests.support.http_stub import Answer, HttpStub, Request

OK: Answer = (200, "text/plain", "")


class LogoutStub(HttpStub):
    """`how`: "ok", "late" (after `late` seconds), a status like "500", "redirect", "huge", or one of the base's BREAKS.

    `told`: the tokens that came, and when; `path`: of the address that is registered.
    """

    path = "/backchannel"

    def __init__(self, how: str = "ok", **options: Any) -> None:
        super().__init__(**options)
        self.how = how
        self.told: list[tuple[float, str]] = []
        self.paths: list[str] = []
        self.most_together = 0

    @property
    def address(self) -> str:
        return self.url + self.path

    @property
    def claims(self) -> list[dict[str, Any]]:
        """What the tokens say, in the order in which they came; not verified."""
        return [part_of(token, 1) for _at, token in self.told]

    async def answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        self.most_together = max(self.most_together, self.open)
        self.paths.append(request.path)
        if request.path == self.path:
            self.told.append((time.monotonic(), request.fields.get("logout_token", "")))
        said = {
            "redirect": (302, "text/plain", ""),
            "huge": (200, "text/html", "x" * 3_000_000),
        }.get(self.how, OK)
        if self.how.isdigit():
            said = (int(self.how), "text/plain", "")
        if self.how == "redirect":
            writer.write(f"HTTP/1.1 302 Found\r\nLocation: {self.url}/elsewhere\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
            return True
        return await self.misbehave(self.how, OK, said, writer)


def part_of(token: str, number: int) -> dict[str, Any]:
    """The header (0) or the claims (1) of a signed token."""
    part = token.split(".")[number]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found
