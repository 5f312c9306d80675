"""Kavenegar gateway: sends results by `sms/send` with our key as `localid`, and codes by a template if one is set.

A repeated `localid` sends nothing and returns the message that is there; a template look-up has no such key. Receipts
are polled (`sms/status`). The API key is part of every URL, so no URL is logged.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from common import http_client
from sms.gateways.base import (
    Abilities,
    Accepted,
    Delivery,
    Found,
    Gateway,
    LookUp,
    NoAnswer,
    NotFound,
    Outcome,
    OutOfOrder,
    Receipt,
    ReceiptsBy,
    Refused,
    Sms,
    TryAgain,
    Unknown,
    whole_number,
)

# Outcomes by `return.status` of an answer to a send. 200 is accepted; a status that is not here is doubt. "Refused" is
# used only where no other gateway and no later try could succeed: a refused message has failed for good.
_CODES: dict[int, Callable[[str], Outcome]] = {
    400: TryAgain.this_message,  # parameters
    401: OutOfOrder,  # account disabled
    402: TryAgain,  # operation failed
    403: OutOfOrder,  # key
    404: OutOfOrder,  # method
    405: OutOfOrder,
    406: TryAgain.this_message,  # parameters
    407: OutOfOrder,  # our address is not allowed
    409: TryAgain,  # try later
    411: Refused,  # receptor
    412: OutOfOrder,  # sender
    413: TryAgain.this_message,  # text empty or too long
    414: TryAgain.this_message,  # too much at once
    416: OutOfOrder,  # our address
    418: OutOfOrder,  # credit
    420: TryAgain.this_message,  # this account may not send links, and the text has one
    422: TryAgain.this_message,  # characters
    424: OutOfOrder,  # template
    426: OutOfOrder,  # plan
    427: OutOfOrder,  # line
    428: OutOfOrder,  # no voice
    429: OutOfOrder,  # our address
    431: TryAgain.this_message,  # the template's tokens
    432: TryAgain.this_message,
    451: TryAgain.busy,  # rate
    501: OutOfOrder,  # test mode: to the account's owner only
    607: TryAgain.this_message,  # tag
}
# Those of them that concern template look-ups only: results are still sent.
_OF_THE_TEMPLATE = (424, 426, 427, 428)
# `entries[].status` of a delivery report; 100 is "no such message".
_DELIVERY = {
    1: Delivery.ON_ITS_WAY,
    2: Delivery.ON_ITS_WAY,
    4: Delivery.ON_ITS_WAY,
    5: Delivery.ON_ITS_WAY,
    6: Delivery.UNDELIVERED,
    10: Delivery.DELIVERED,
    11: Delivery.UNDELIVERED,
    13: Delivery.UNDELIVERED,
    14: Delivery.UNDELIVERED,  # blocked by the receiver
}
_NO_SUCH_MESSAGE = 100
_OK = 200
_TOO_MANY = 429  # of HTTP; as Kavenegar's own status it means our address
_BLANKS = {"token10": 4, "token20": 8}  # what a token may have; one more is 431
_LONGEST = 2**63 - 1
_STATUS_AT_ONCE = 500
_LOCAL_IDS_KNOWN = timedelta(hours=12)
_IDS_KNOWN = timedelta(hours=48)


class KavenegarGateway(Gateway):
    """One account and line."""

    KIND = "kavenegar"
    on_network = True
    REQUIRED = ("KEY", "SENDER")
    OPTIONAL = {
        "TEMPLATE": "name of the template for codes (a service line); without it they go as plain texts",
        "TEMPLATE_LABEL": "where the template says what the code is for: token10 or token20",
        "URL": "address of the service",
        "CONNECTIONS": "calls at the same time in one process (20)",
    }

    def __init__(self, *, name: str, options: Mapping[str, str]) -> None:
        super().__init__(name=name, options=options)
        self.connections = whole_number(options, "CONNECTIONS", 20)
        self._sender = options["SENDER"]
        self._template = options.get("TEMPLATE", "")
        self._label_token = options.get("TEMPLATE_LABEL", "")
        if self._label_token not in ("", *_BLANKS):
            raise ValueError("TEMPLATE_LABEL is token10 or token20")
        self._path = f"/v1/{quote(options['KEY'], safe='')}/"
        self._client = http_client.Client(options.get("URL") or "https://api.kavenegar.com")

    def label_fault(self, label: str) -> str:
        most = _BLANKS.get(self._label_token) if self._template else None
        filled = label.replace("_", " ")
        if most is not None and (filled.count(" ") > most or "\n" in filled):
            return f"{self._label_token} of its template takes {most} blanks at most"
        return ""

    def abilities(self, kind: str) -> Abilities:
        if kind == "code" and self._template:
            return Abilities(look_up_by_id=_IDS_KNOWN, receipts=ReceiptsBy.POLL)
        return Abilities(
            client_key=_LOCAL_IDS_KNOWN,
            look_up_by_key=_LOCAL_IDS_KNOWN,
            look_up_by_id=_IDS_KNOWN,
            receipts=ReceiptsBy.POLL,
        )

    def send(self, sms: Sms) -> Outcome:
        if sms.kind == "code" and self._template:
            method, fields = "verify/lookup", self._template_fields(sms)
        else:
            method, fields = "sms/send", {"sender": self._sender, "message": sms.text, "localid": _local_id(sms.key)}
        try:
            status, entries = self._ask(method, {"receptor": "0" + sms.to.removeprefix("+98"), **fields})
        except http_client.NotSent as fault:
            return TryAgain(str(fault))
        except NotItsAnswer as fault:
            return fault.outcome
        except (http_client.NoAnswer, ValueError) as fault:
            return Unknown(str(fault))
        if method == "verify/lookup" and status in _OF_THE_TEMPLATE:
            return OutOfOrder(str(status), kind=sms.kind)
        if status != _OK:
            return _CODES.get(status, Unknown)(str(status))
        ids = [entry.provider_id for entry in entries if entry.provider_id]
        return Accepted(provider_ids=(ids[0],)) if ids else Unknown("no id")

    def _template_fields(self, sms: Sms) -> dict[str, str]:
        fields = {"template": self._template, "token": sms.code, "type": "sms"}
        if self._label_token:
            fields[self._label_token] = sms.label.replace("_", " ")
        return fields

    def look_up(self, *, key: uuid.UUID, provider_id: str = "") -> LookUp:
        by_id = {"messageid": provider_id}
        method, fields = ("status", by_id) if provider_id else ("statuslocalmessageid", {"localid": _local_id(key)})
        try:
            status, entries = self._ask(f"sms/{method}", fields)
        except (http_client.NotSent, http_client.NoAnswer, ValueError) as fault:
            return NoAnswer(str(fault))
        if status != _OK or len(entries) != 1:
            return NoAnswer(str(status))
        [entry] = entries
        is_other = provider_id and entry.provider_id not in (provider_id, "")
        if is_other or entry.local_id not in (_local_id(key), ""):
            return NoAnswer("about another message")
        if entry.status == _NO_SUCH_MESSAGE:
            return NotFound()
        if not entry.provider_id or entry.status not in _DELIVERY:
            return NoAnswer(f"delivery {entry.status}")
        return Found(provider_ids=(entry.provider_id,), delivery=_DELIVERY[entry.status])

    def poll(self, provider_ids: Sequence[str]) -> list[Receipt]:
        known: list[Receipt] = []
        for start in range(0, len(provider_ids), _STATUS_AT_ONCE):
            known += self._statuses(provider_ids[start : start + _STATUS_AT_ONCE])
        return known

    def _statuses(self, provider_ids: Sequence[str]) -> Iterable[Receipt]:
        try:
            status, entries = self._ask("sms/status", {"messageid": ",".join(provider_ids)})
        except (http_client.NotSent, http_client.NoAnswer, ValueError):
            return []
        return [
            Receipt(_DELIVERY[entry.status], provider_id=entry.provider_id, detail=str(entry.status))
            for entry in entries
            if status == _OK and entry.provider_id in provider_ids and entry.status in _DELIVERY
        ]

    def _ask(self, method: str, fields: Mapping[str, str]) -> tuple[int, list[_Entry]]:
        """Kavenegar's own status and its entries. Raises NotSent, NoAnswer, or ValueError if the answer cannot
        be read."""
        answer = self._client.request(
            "POST",
            f"{self._path}{method}.json",
            body=urlencode(fields).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        try:
            said = json.loads(answer.body)
            status, entries = said["return"]["status"], said.get("entries")
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            raise NotItsAnswer(answer) from None
        if type(status) is not int:
            raise ValueError("status is no number")
        return status, [_Entry.read(entry) for entry in entries] if isinstance(entries, list) else []


class NotItsAnswer(ValueError):
    """Something else than Kavenegar answered, as a proxy or a limiter before it. `outcome`: what that means for a send;
    only a 429 is certain, everything else is doubt."""

    def __init__(self, answer: http_client.Answer) -> None:
        super().__init__(f"http {answer.status}, not Kavenegar's answer")
        self.outcome: Outcome = Unknown(str(self))
        if answer.status == _TOO_MANY:
            pause = None if answer.retry_after is None else timedelta(seconds=answer.retry_after)
            self.outcome = TryAgain.busy(f"http {answer.status}", after=pause)


class _Entry(NamedTuple):
    """What Kavenegar says about one message. Empty and 0: missing or of a wrong type."""

    provider_id: str
    status: int
    local_id: str

    @classmethod
    def read(cls, entry: Any) -> _Entry:
        fields = entry if isinstance(entry, dict) else {}
        found, status, local = fields.get("messageid"), fields.get("status"), fields.get("localid")
        good = type(found) is int and 0 < found <= _LONGEST
        return cls(
            str(found) if good else "", status if type(status) is int else 0, "" if local is None else str(local)
        )


def _local_id(key: uuid.UUID) -> str:
    """The key as a positive Long, which has 63 bits."""
    return str(key.int >> 65)
