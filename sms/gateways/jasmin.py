"""Jasmin's HTTP API (`/send`, 0.10 and later): any text that is not Latin goes as hexadecimal UTF-16 with `coding=8`.

From its documentation, and from its source where that says more (which 403 is which). Receipts come as a GET with
Jasmin's own id; Jasmin repeats them until it reads `ACK/Jasmin`.
Jasmin 0.11.0 and 0.11.1 say Success to a message with a `validity-period`, and then drop each one that they take in the
last tenth of a second ("tenths of second must be one digit" in messages.log): one of ten is lost, without a receipt. So
it is told only where VALIDITY=on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sms import parts
from sms.gateways.base import (
    Delivery,
    Malformed,
    Outcome,
    OutOfOrder,
    PushedReceipt,
    Receipt,
    Sms,
    TryAgain,
    on_or_off,
)
from sms.gateways.box import Box, minutes_left, pushed_fields, says, taken, utf16_hex

# `message_status` of a receipt of level 2; level 1 has the SMSC's answer to the send (ESME_ROK, or what it refused by).
_DELIVERY = {
    "DELIVRD": Delivery.DELIVERED,
    "UNDELIV": Delivery.UNDELIVERED,
    "EXPIRED": Delivery.UNDELIVERED,
    "DELETED": Delivery.UNDELIVERED,
    "REJECTD": Delivery.UNDELIVERED,
    "ACCEPTD": Delivery.ON_ITS_WAY,
    "ENROUTE": Delivery.ON_ITS_WAY,
    "UNKNOWN": Delivery.ON_ITS_WAY,
    "ESME_ROK": Delivery.ON_ITS_WAY,
}

_LONG = "no long texts"


class JasminGateway(Box):
    """One user of one Jasmin."""

    KIND = "jasmin"
    REQUIRED = ("URL", "USER", "PASSWORD")
    OPTIONAL = Box.OPTIONAL | {
        "SENDER": "the sender; without it Jasmin's own",
        "RECEIPT_URL": "our receipt URL with its token (without it: no receipts)",
        "VALIDITY": "on: Jasmin is told for how many minutes a message is of use. Not with Jasmin 0.11 (off)",
    }
    PATH = "/send"
    RECEIPT_ANSWER = "ACK/Jasmin"
    ANSWERS = (
        says(200, r'^Success "(?P<id>[\w-]{1,100})"', taken),
        says(403, r"throughput exceeded", TryAgain.busy, "rate"),
        says(403, r"authentication", OutOfOrder, "user or password"),
        says(403, r"Cannot charge", OutOfOrder, "credit"),
        # What our user may not do is the same for every message; a value filter's no is about this one.
        says(400, r"Authorization failed.*Long content", OutOfOrder, _LONG),
        says(400, r"Authorization failed", OutOfOrder, "not authorized"),
        says(412, r"no bound connectors", TryAgain, "no connection to an SMSC"),
        says(412, r"No route found", TryAgain.this_message, "no route"),
        says(500, r"Cannot send submit_sm", TryAgain, "not queued"),  # before it reached the queue to the SMSC
        says(503, r"InterceptorPB not (set|connected)", TryAgain, "interceptor"),
    )

    def __init__(self, *, name: str, options: Mapping[str, str]) -> None:
        super().__init__(name=name, options=options)
        self._tells_validity = on_or_off(options, "VALIDITY")

    def send(self, sms: Sms) -> Outcome:
        """Where long texts are not allowed, messages of other kinds may be short enough."""
        said = super().send(sms)
        if isinstance(said, OutOfOrder) and said.detail.endswith(_LONG):
            return replace(said, kind=sms.kind)
        return said

    def fields(self, sms: Sms) -> dict[str, str]:
        fields = {
            "username": self.options["USER"],
            "password": self.options["PASSWORD"],
            "to": sms.to,
        }
        if self._tells_validity:
            fields["validity-period"] = str(minutes_left(sms))
        if parts.is_latin(sms.text):
            fields |= {"coding": "0", "content": sms.text}
        else:
            fields |= {"coding": "8", "hex-content": utf16_hex(sms.text)}
        if self.sender:
            fields["from"] = self.sender
        if self.receipt_url:
            fields |= {"dlr": "yes", "dlr-level": "3", "dlr-method": "GET", "dlr-url": self.receipt_url}
        return fields

    def read_receipts(self, pushed: PushedReceipt) -> list[Receipt]:
        fields = pushed_fields(pushed, "id", "message_status")
        id_, status = fields["id"], fields["message_status"].upper()
        if not (0 < len(id_) <= 100 and id_.isascii()):
            raise Malformed("the id is none of Jasmin's")
        if status not in _DELIVERY and not (status.startswith("ESME_") and status[5:].isalnum()):
            raise Malformed("unknown status")
        return [Receipt(_DELIVERY.get(status, Delivery.UNDELIVERED), provider_id=id_, detail=status[:40])]
