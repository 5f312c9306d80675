"""HTTP gateway: any SMS service that takes a message by one GET or POST to a URL with placeholders.

For boxes that have no kind of their own. It assumes the least: the service knows no key of ours and returns no id, so
a time-out leaves the message unknown. What its answers mean is said by patterns (ACCEPTED, REFUSED, BUSY, DOUBT).
Receipts come as a GET to our URL, with the message's key in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlsplit

from common import http_client
from sms.gateways.base import (
    Abilities,
    Accepted,
    Delivery,
    Gateway,
    Outcome,
    PushedReceipt,
    Receipt,
    ReceiptsBy,
    Sms,
    TryAgain,
    Unknown,
    whole_number,
)
from sms.gateways.box import (
    LOOKED_AT,
    Says,
    by_status,
    is_page,
    judged,
    minutes_left,
    national,
    receipt_by_key,
    taken,
    utf16_hex,
)

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
_NO_STATUS = b"000"  # a pattern that names the status does not match this one in its place
_ANYTHING = (  # answers that say nothing of a message: a pattern that matches one accepts whatever comes
    *(b"200 ", b"201 ", b"202 "),
    b"200 <!DOCTYPE html><html><head><title>Welcome</title></head>"
    b"<body>Sign in to go on. Enter your token.</body></html>",
)
# The patterns in the order in which they are asked: what says no is believed before what says yes. REFUSED is a certain
# no to this message, which the next gateway may still take.
_PATTERNS: dict[str, Callable[[str], Outcome]] = {
    "DOUBT": Unknown,
    "REFUSED": TryAgain.this_message,
    "BUSY": TryAgain.busy,
    "ACCEPTED": taken,
}


class HttpGateway(Gateway):
    """The option URL contains {to} (or {to_local}, 09…) and {text} (or {text_hex}: UTF-16 in hexadecimal), and may
    contain {from}, {id}, {validity} (minutes) and {receipt_url}."""

    KIND = "http"
    on_network = True
    REQUIRED = ("URL",)
    OPTIONAL = {
        "METHOD": "GET, or POST: then what follows the ? of URL is sent as a form (GET)",
        "SENDER": "what {from} becomes",
        "AUTHORIZATION": "the Authorization header",
        "ACCEPTED": "pattern of an acceptance: a regular expression, looked for in “STATUS BODY”, in any case; for "
        "a 2xx, unless it names another status, and for no web page, unless it has the word html",
        "REFUSED": "pattern of a certain no to this message: the next gateway is tried",
        "BUSY": "pattern of a certain no for now (queue full, rate)",
        "DOUBT": "pattern of answers after which it may have been sent; asked before the others",
        "EXPECT": "words an answer must hold to count as accepted: an older and plainer ACCEPTED",
        "RECEIPT_URL": "our receipt URL, with its token, for {receipt_url}; &id= is added (without it: no receipts)",
        "CONNECTIONS": "calls at the same time in one process (10)",
    }

    def __init__(self, *, name: str, options: Mapping[str, str]) -> None:
        super().__init__(name=name, options=options)
        self.connections = whole_number(options, "CONNECTIONS", 10)
        parts = urlsplit(options["URL"])
        self._path, self._query = parts.path or "/", parts.query
        places = self._path + self._query
        if not (("{text}" in places or "{text_hex}" in places) and ("{to}" in places or "{to_local}" in places)):
            raise ValueError("URL needs {to} and {text}")
        self._method = (options.get("METHOD") or "GET").upper()
        if self._method not in ("GET", "POST"):
            raise ValueError("METHOD is GET or POST")
        self._receipt_url = options.get("RECEIPT_URL", "")
        if bool(self._receipt_url) != ("{receipt_url}" in places):
            raise ValueError("RECEIPT_URL and {receipt_url} in URL go together")
        self._sender = options.get("SENDER", "")
        self._expect = options.get("EXPECT", "").encode()
        self._patterns = [_pattern(option, options[option]) for option in _PATTERNS if options.get(option)]
        self._headers = {"Authorization": options["AUTHORIZATION"]} if options.get("AUTHORIZATION") else {}
        self._client = http_client.Client(options["URL"])

    @classmethod
    def looks_at_status_only(cls, options: Mapping[str, str]) -> bool:
        """Whether a 2xx would count as accepted that says nothing of a message: without a pattern, or by one that
        matches an empty body or any web page."""
        if not options.get("ACCEPTED"):
            return not options.get("EXPECT")
        try:
            words = _pattern("ACCEPTED", options["ACCEPTED"]).words
        except ValueError:  # a fault already
            return False
        return any(words.search(answer) for answer in _ANYTHING)

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
        whole = http_client.Answer(answer.status, b"%d %s" % (answer.status, answer.body), answer.retry_after)
        for row in self._patterns:
            if row.words.search(whole.body[:LOOKED_AT]) and _is_evidence(row, answer):
                return judged(whole, (row,))
        if not 200 <= answer.status < 300 or any(row.means is taken for row in self._patterns):
            return judged(answer, (), posted=self._method == "POST")
        if self._expect not in answer.body or is_page(answer):
            return by_status(answer.status)
        return Accepted()

    def _filled(self, template: str, sms: Sms) -> str:
        values = {"to": sms.to, "to_local": national(sms.to), "from": self._sender, "id": sms.key.hex}
        if self._receipt_url:
            values["receipt_url"] = f"{self._receipt_url}{'&' if '?' in self._receipt_url else '?'}id={sms.key.hex}"
        values |= {"validity": str(minutes_left(sms)), "text_hex": utf16_hex(sms.text), "text": sms.text}
        for name, value in values.items():  # what is filled in has no braces left: quoted
            template = template.replace(f"{{{name}}}", quote(value, safe=""))
        return template

    def read_receipts(self, pushed: PushedReceipt) -> list[Receipt]:
        return receipt_by_key(pushed, _DELIVERY)


def _is_evidence(row: Says, answer: http_client.Answer) -> bool:
    """Whether the pattern, which matches, is about a box's own answer. A web page has many words: it counts for a
    pattern that expects one, or is a no by its status. And an acceptance comes with a 2xx, unless the pattern names
    another status."""
    if row.means is Unknown:
        return True
    names_status = not row.words.search(b"%b %b" % (_NO_STATUS, answer.body[: LOOKED_AT - 4]))
    if row.means is taken:
        return (names_status or 200 <= answer.status < 300) and (_expects_page(row) or not is_page(answer))
    return names_status or _expects_page(row) or not is_page(answer)


def _expects_page(row: Says) -> bool:
    return b"html" in row.words.pattern.lower()


def _pattern(option: str, text: str) -> Says:
    try:
        words = re.compile(text.encode(), re.IGNORECASE)
    except re.error:
        raise ValueError(f"{option} is no regular expression") from None
    return Says((), words, _PATTERNS[option], option.lower())
