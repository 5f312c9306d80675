"""A modem behind gammu: the REST service `sms-gammu-gateway` (POST /sms with JSON).

From its source. It waits for the modem, which sends one message at a time and takes seconds for each part, so a long
text may end in doubt. A 500 is what the modem said, perhaps after a part had gone. It has no receipts, and no way to
say until when a message is of use. Whether long Persian texts arrive whole depends on its version: read the test SMS.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping

from common import http_client
from sms import parts
from sms.gateways.base import Sms, TryAgain, whole_number
from sms.gateways.box import Box, says, taken


class GammuGateway(Box):
    """One modem."""

    KIND = "gammu"
    REQUIRED = ("URL", "USER", "PASSWORD")
    OPTIONAL = {"CONNECTIONS": "calls at the same time (1: a modem sends one message after the other)"}
    posts = True
    PATH = "/sms"
    ANSWERS = (
        says(200, r'^\s*\{\s*"status": ?200\b', taken),
        says(404, r"are required", TryAgain.this_message, "a field is empty"),
    )

    def __init__(self, *, name: str, options: Mapping[str, str]) -> None:
        super().__init__(name=name, options=options)
        self.connections = whole_number(options, "CONNECTIONS", 1)
        proof = b64encode(f"{options['USER']}:{options['PASSWORD']}".encode()).decode()
        self._headers = {"Authorization": f"Basic {proof}", "Content-Type": "application/json"}

    def fields(self, sms: Sms) -> dict[str, str]:
        return {"number": sms.to, "text": sms.text} | ({} if parts.is_latin(sms.text) else {"unicode": "true"})

    def ask(self, fields: Mapping[str, str]) -> http_client.Answer:
        return self.client.request("POST", self.path, body=json.dumps(fields).encode(), headers=self._headers)
