"""SMSEagle, a box with modems: `send_sms` of its HTTP API v1 by GET, with an access token.

From its documentation. It answers 200 to everything, and says in the body whether it took the message. Its steps of
validity are coarse; the longest that does not exceed the message's use is taken, so that nothing comes too late.
Delivery reports are not asked for.
"""

from __future__ import annotations

from sms import parts
from sms.gateways.base import OutOfOrder, Sms, TryAgain
from sms.gateways.box import Box, minutes_left, says, taken

# What `validity` may be, in minutes.
_STEPS = {5: "5m", 10: "10m", 30: "30m", 60: "1h", 120: "2h", 240: "4h", 720: "12h", 1440: "1d", 2880: "2d"}
_ANY = (200, 400, 401, 403)


class SmsEagleGateway(Box):
    """One device."""

    KIND = "smseagle"
    REQUIRED = ("URL", "TOKEN")
    OPTIONAL = Box.OPTIONAL | {"MODEM": "modem_no, where it has several"}
    PATH = "/http_api/send_sms"
    ANSWERS = (
        says(200, r"^\s*OK; ?ID=", taken),
        says(200, r'"result": ?"OK; ?ID=', taken),
        says(_ANY, r"Invalid (login or password|access token)", OutOfOrder, "token"),
        says(_ANY, r"Wrong parameters", TryAgain.this_message, "parameters"),
    )

    def fields(self, sms: Sms) -> dict[str, str]:
        fits = [step for minutes, step in _STEPS.items() if minutes <= minutes_left(sms)]
        fields = {
            "access_token": self.options["TOKEN"],
            "to": sms.to,
            "message": sms.text,
            "unicode": "0" if parts.is_latin(sms.text) else "1",
            "validity": fits[-1] if fits else _STEPS[5],
        }
        return fields | ({"modem_no": self.options["MODEM"]} if self.options.get("MODEM") else {})
