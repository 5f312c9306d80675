"""playSMS: webservices (`app=ws`, `op=pv`) by GET, with a user's token.

From its documentation. It answers 200 to everything, and JSON says whether it took the message. It has no way to say
until when a message is of use. Delivery reports are not asked for.
"""

from __future__ import annotations

from sms import parts
from sms.gateways.base import OutOfOrder, Sms, TryAgain
from sms.gateways.box import Box, says, taken


def _error(codes: str) -> str:
    """An answer with one of these codes: as JSON, or as the older plain text."""
    return rf'("error": ?"?({codes})\b|^ERR ({codes})\b)'


class PlaySmsGateway(Box):
    """One user of one playSMS."""

    KIND = "playsms"
    REQUIRED = ("URL", "USER", "TOKEN")
    OPTIONAL = Box.OPTIONAL | {"SENDER": "the sender; without it the user's own"}
    PATH = "/index.php"
    ANSWERS = (
        says(200, _error("100|101|104|105|106"), OutOfOrder, "user or token"),
        says(200, _error("103"), OutOfOrder, "credit"),
        says(200, _error("102|201"), TryAgain.this_message, "a field is empty"),
        says(200, _error("200"), TryAgain, "not sent"),
        says(200, r'"data": ?\[ ?\{ ?"status": ?"OK", ?"error": ?"?0\b', taken),
    )

    def fields(self, sms: Sms) -> dict[str, str]:
        fields = {
            "app": "ws",
            "op": "pv",
            "u": self.options["USER"],
            "h": self.options["TOKEN"],
            "to": sms.to,
            "msg": sms.text,
            "nofooter": "1",
            "unicode": "0" if parts.is_latin(sms.text) else "1",
        }
        return fields | ({"from": self.sender} if self.sender else {})
