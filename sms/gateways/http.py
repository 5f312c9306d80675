"""HTTP gateway: any SMS service that takes a message by one GET or POST to a URL with placeholders.

It assumes the least: the service knows no key of ours and returns no id, so a time-out leaves the message unknown.
Receipts come as a GET to our URL, with the message's key in it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, quote, urlsplit

from common import http_client
from sms.gateways.base import (
    Abilities,
    Accepted,
    Delivery,
    Gateway,
    Malformed,
    Outcome,
    OutOfOrder,
    PushedReceipt,
    Receipt,
    ReceiptsBy,
    Sms,
    TryAgain,
    Unknown,
    whole_number,
)

# Outcomes by HTTP status, the only code there is. 2xx: accepted; other 3xx: our URL is wrong; other 4xx: it does not
# take this message, which says nothing about others; anything else is doubt.
_CODES: dict[int, Callable[[str], Outcome]] = {
    401: OutOfOrder,  # our key
    402: OutOfOrder,  # credit
    403: OutOfOrder,  # our key, or our address is not allowed
    404: OutOfOrder,  # the address is wrong
    405: OutOfOrder,  # the method is wrong
    407: OutOfOrder,  # a proxy wants credentials
    408: TryAgain,  # it did not get the whole request
    410: OutOfOrder,  # the URL is no longer valid
    425: TryAgain.busy,
    429: TryAgain.busy,
}
# `status` in a receipt: Kannel's numbers, and words.
_DELIVERY = {
    "1": Delivery.DELIVERED,
    "2": Delivery.UNDELIVERED,
    "4": Delivery.ON_ITS_WAY,
    "8": Delivery.ON_ITS_WAY,
    "16": Delivery.UNDELIVERED,
    "delivered": Delivery.DELIVERED,
    "delivrd": Delivery.DELIVERED,
    "undelivered": Delivery.UNDELIVERED,
    "undeliv": Delivery.UNDELIVERED,
    "rejected": Delivery.UNDELIVERED,
    "rejectd": Delivery.UNDELIVERED,
    "failed": Delivery.UNDELIVERED,
    "expired": Delivery.UNDELIVERED,
    "queued": Delivery.ON_ITS_WAY,
    "accepted": Delivery.ON_ITS_WAY,
    "sent": Delivery.ON_ITS_WAY,
}
_PAGE = re.compile(rb"<(!doctype )?html", re.IGNORECASE)


class HttpGateway(Gateway):
    """The option URL contains {to} (or {to_local}, 09…) and {text}, and may contain {from}, {id} and {receipt_url}."""

    KIND = "http"
    on_network = True
    REQUIRED = ("URL",)
    OPTIONAL = {
        "METHOD": "GET, or POST: then what follows the ? of URL is sent as a form (GET)",
        "SENDER": "what {from} becomes",
        "AUTHORIZATION": "the Authorization header",
        "EXPECT": "words an answer must hold to count as accepted; without them, any 2xx does",
        "RECEIPT_URL": "our receipt URL, with its token, for {receipt_url}; &id= is added (without it: no receipts)",
        "CONNECTIONS": "calls at the same time in one process (10)",
    }

    def __init__(self, *, name: str, options: Mapping[str, str]) -> None:
        super().__init__(name=name, options=options)
        self.connections = whole_number(options, "CONNECTIONS", 10)
        parts = urlsplit(options["URL"])
        self._path, self._query = parts.path or "/", parts.query
        places = self._path + self._query
        if "{text}" not in places or ("{to}" not in places and "{to_local}" not in places):
            raise ValueError("URL needs {to} and {text}")
        self._method = (options.get("METHOD") or "GET").upper()
        if self._method not in ("GET", "POST"):
            raise ValueError("METHOD is GET or POST")
        self._receipt_url = options.get("RECEIPT_URL", "")
        if bool(self._receipt_url) != ("{receipt_url}" in places):
            raise ValueError("RECEIPT_URL and {receipt_url} in URL go together")
        self._sender = options.get("SENDER", "")
        self._expect = options.get("EXPECT", "").encode()
        self._headers = {"Authorization": options["AUTHORIZATION"]} if options.get("AUTHORIZATION") else {}
        self._client = http_client.Client(options["URL"])

    def abilities(self, kind: str) -> Abilities:
        return Abilities(receipts=ReceiptsBy.PUSH if self._receipt_url else ReceiptsBy.NONE)

    def send(self, sms: Sms) -> Outcome:
        path, query = self._filled(self._path, sms), self._filled(self._query, sms)
        try:
            if self._method == "GET":
                answer = self._client.request("GET", f"{path}?{query}" if query else path, headers=self._headers)
            else:
                form = {"Content-Type": "application/x-www-form-urlencoded", **self._headers}
                answer = self._client.request("POST", path, body=query.encode(), headers=form)
        except http_client.NotSent as fault:
            return TryAgain(str(fault))
        except http_client.NoAnswer as fault:
            return Unknown(str(fault))
        return self._read(answer)

    def _read(self, answer: http_client.Answer) -> Outcome:
        said = f"http {answer.status}"
        if 300 <= answer.status < 500:
            return _CODES.get(answer.status, OutOfOrder if answer.status < 400 else TryAgain.this_message)(said)
        if not 200 <= answer.status < 300:
            return Unknown(said)
        if self._expect not in answer.body or _PAGE.search(answer.body):
            return Unknown(f"{said}, without the words of an acceptance")
        return Accepted()

    def _filled(self, template: str, sms: Sms) -> str:
        values = {"to": sms.to, "to_local": "0" + sms.to.removeprefix("+98"), "from": self._sender, "id": sms.key.hex}
        if self._receipt_url:
            values["receipt_url"] = f"{self._receipt_url}{'&' if '?' in self._receipt_url else '?'}id={sms.key.hex}"
        values["text"] = sms.text
        for name, value in values.items():  # what is filled in has no braces left: quoted
            template = template.replace(f"{{{name}}}", quote(value, safe=""))
        return template

    def read_receipts(self, pushed: PushedReceipt) -> list[Receipt]:
        try:
            fields = parse_qs(pushed.query, max_num_fields=50)
        except ValueError:
            raise Malformed("too many fields") from None
        for name in ("id", "status"):
            if name not in fields:
                raise Malformed(f"no {name}")
        try:
            key = uuid.UUID(fields["id"][0])
        except ValueError:
            raise Malformed("the id is none of ours") from None
        status = fields["status"][0].strip().lower()
        if status not in _DELIVERY:
            raise Malformed("unknown status")
        return [Receipt(_DELIVERY[status], key=key, detail=status)]
