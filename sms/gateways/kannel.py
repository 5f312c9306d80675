"""Kannel's smsbox (1.4): `sendsms` by GET.

From Kannel's user guide, and from what 1.4.5 answers: with `immediate-sendsms-reply` off, which is its default, the
bearerbox has decided before we hear. A text in Persian needs `coding=2` and `charset=UTF-8`: without them Kannel writes
question marks, and still says that it accepted. How many parts a message may have is said by the group `sendsms-user`
of Kannel's own configuration (`max-messages`, 1 by default: the rest is cut off), not by a request.
"""

from __future__ import annotations

from sms import parts
from sms.gateways.base import Delivery, OutOfOrder, PushedReceipt, Receipt, Sms, TryAgain
from sms.gateways.box import Box, minutes_left, receipt_by_key, says, taken

_DELIVERY = {
    "1": Delivery.DELIVERED,
    "2": Delivery.UNDELIVERED,
    "4": Delivery.ON_ITS_WAY,  # queued at the SMSC
    "8": Delivery.ON_ITS_WAY,  # taken by the SMSC
    "16": Delivery.UNDELIVERED,  # refused by the SMSC
    "34": Delivery.UNDELIVERED,  # expired
    "66": Delivery.ON_ITS_WAY,  # the SMSC does not know
}
_FINAL = "19"  # dlr-mask: 1 + 2 + 16, the ends; what comes before them says nothing that 202 did not


class KannelGateway(Box):
    """One smsbox."""

    KIND = "kannel"
    REQUIRED = ("URL", "USER", "PASSWORD")
    OPTIONAL = Box.OPTIONAL | {
        "SENDER": "the sender; without it Kannel's own (default-sender, global-sender)",
        "SMSC": "smsc-id, where Kannel has several",
        "RECEIPT_URL": "our receipt URL with its token (without it: no receipts)",
    }
    PATH = "/cgi-bin/sendsms"
    ANSWERS = (
        says((200, 202), r"^0: Accepted", taken),
        says((200, 202), r"^3: Queued", taken),
        says((200, 202), r"^Sent\.(?! Denied)", taken),  # immediate-sendsms-reply
        says(503, r"^Temporal failure", TryAgain.busy, "queue full"),
        says(403, r"^Authorization failed", OutOfOrder, "user or password"),
        says(403, r"^Not routable", TryAgain.this_message, "not routable"),  # by its configuration: another gateway may
        says(400, r"^Sender missing", OutOfOrder, "no sender"),
    )

    def fields(self, sms: Sms) -> dict[str, str]:
        fields = {
            "username": self.options["USER"],
            "password": self.options["PASSWORD"],
            "to": sms.to,
            "text": sms.text,
            "charset": "UTF-8",
            "coding": "0" if parts.is_latin(sms.text) else "2",
            "validity": str(minutes_left(sms)),
        }
        fields |= {name: value for name, value in (("from", self.sender), ("smsc", self.options.get("SMSC"))) if value}
        if self.receipt_url:
            fields |= {"dlr-mask": _FINAL, "dlr-url": f"{self.receipt_url_of(sms)}&status=%d"}
        return fields

    def read_receipts(self, pushed: PushedReceipt) -> list[Receipt]:
        return receipt_by_key(pushed, _DELIVERY)
