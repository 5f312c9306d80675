"""A service whose addresses the portal calls when an administrator tries it."""

from __future__ import annotations

import asyncio

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from openid import keys
from tests.support.http_stub import HttpStub, Request


class TriedService(HttpStub):
    """Answers 200, leads on from /login, and checks the signature of logout tokens; or what `statuses` says of a path.

    `leads_to`: where /login leads; `asks`: how its request differs from the right one; `paths`: what was called.
    """

    def __init__(self) -> None:
        super().__init__()
        self.statuses: dict[str, int] = {}
        self.leads_to, self.hangs = "", False
        self.asks: dict[str, str] = {}
        self.paths: list[str] = []

    async def answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        self.paths.append(request.target)
        if self.hangs:
            await asyncio.sleep(60)
        status = self.statuses.get(request.path) or self._right(request)
        if status == 302:
            writer.write(f"HTTP/1.1 302 Found\r\nLocation: {self.leads_to}\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
            return True
        return await self.say(writer, (status, "text/plain", ""))

    def _right(self, request: Request) -> int:
        if request.path == "/login":
            return 302
        if request.path != "/logout":
            return 200
        try:
            jwt.decode(request.fields["logout_token"], KeySet.import_key_set(keys.public_jwks()), algorithms=["ES256"])
        except (JoseError, ValueError):
            return 400
        return 200
