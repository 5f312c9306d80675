"""Magfa gateway: up to a hundred messages in one POST, each with our key as its `uid`.

A no to a whole request does not say which message it is about, so its messages are sent one by one then.
A message can be asked for by that key for a day. Nobody says that a repeated `uid` is not sent twice, so it is no
client key. Nothing is documented by which Magfa could be told until when a message is of use.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from common import http_client
from sms.gateways.base import (
    Abilities,
    Accepted,
    Because,
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
from sms.gateways.box import Means, by_status, json_object, with_pause

# Outcomes by `status`, of the request or of one message. 0 is accepted; what is not here is doubt.
_CODES: dict[int, Means] = {
    1: Refused,  # recipient
    2: OutOfOrder,  # sender
    14: OutOfOrder,  # credit
    15: TryAgain.busy,
    16: OutOfOrder,  # account, 16 to 20 and 22
    17: OutOfOrder,
    18: OutOfOrder,
    19: OutOfOrder,
    20: OutOfOrder,
    22: OutOfOrder,
    23: TryAgain.busy,
    27: Refused,  # blacklist
    28: TryAgain.this_message,  # its prefix is blocked here
    29: OutOfOrder,  # our address
    33: Refused,  # blacklist
}
# `status` of a delivery report; 24 is "wrong id, or over a day old", and 0 "nothing known yet".
_DELIVERY = {1: Delivery.DELIVERED, 2: Delivery.UNDELIVERED, 8: Delivery.ON_ITS_WAY, 16: Delivery.UNDELIVERED}
_KNOWN = timedelta(hours=24)
_AT_ONCE = 100
_ALONE_WITHIN = 10.0  # seconds after which a call begins no further request with one message; they go by the next call
_MOST_ALONE = 10_000  # keys remembered
_PATH = "/api/http/sms/v2"


class MagfaGateway(Gateway):
    """One account and line."""

    KIND = "magfa"
    on_network = True
    batch = _AT_ONCE
    REQUIRED = ("USER", "DOMAIN", "PASSWORD", "SENDER")
    OPTIONAL = {"URL": "address of the service", "CONNECTIONS": "calls at the same time in one process (4)"}

    def __init__(self, *, name: str, options: Mapping[str, str]) -> None:
        super().__init__(name=name, options=options)
        self.connections = whole_number(options, "CONNECTIONS", 4)
        self._sender = options["SENDER"]
        proof = f"{options['USER']}/{options['DOMAIN']}:{options['PASSWORD']}"
        self._headers = {
            "Authorization": "Basic " + b64encode(proof.encode()).decode(),
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        self._client = http_client.Client(options.get("URL") or "https://sms.magfa.com")
        self._alone: OrderedDict[uuid.UUID, None] = OrderedDict()  # of requests that were refused as a whole
        self._lock = threading.Lock()

    def abilities(self, kind: str) -> Abilities:
        return Abilities(look_up_by_key=_KNOWN, receipts=ReceiptsBy.POLL)

    def send(self, sms: Sms) -> Outcome:
        said = self._request([sms])
        return said[0] if isinstance(said, list) else said

    def send_many(self, batch: Sequence[Sms]) -> list[Outcome]:
        """One request, and one by one what was refused with others: by this call or, where that takes too long, by a
        later one. So a refused message ends, and takes none with it."""
        alone = self._of_refused(batch)
        together = [sms for sms in batch if sms.key not in alone]
        whole = self._request(together) if together else []
        outcomes = whole if isinstance(whole, list) else [whole] * len(together)
        said = dict(zip((sms.key for sms in together), outcomes, strict=True))
        if len(together) > 1 and not isinstance(whole, list) and _is_of_one(whole):
            self._remember(together)
            alone = {sms.key for sms in batch}
        ends = time.monotonic() + _ALONE_WITHIN
        for sms in batch:
            if sms.key in alone:
                late = time.monotonic() >= ends
                said[sms.key] = TryAgain.this_message("refused with others") if late else self.send(sms)
        return [said[sms.key] for sms in batch]

    def _of_refused(self, batch: Sequence[Sms]) -> set[uuid.UUID]:
        with self._lock:
            return {sms.key for sms in batch if sms.key in self._alone}

    def _remember(self, batch: Sequence[Sms]) -> None:
        with self._lock:
            self._alone.update(dict.fromkeys(sms.key for sms in batch))
            while len(self._alone) > _MOST_ALONE:
                self._alone.popitem(last=False)

    def _request(self, batch: Sequence[Sms]) -> list[Outcome] | Outcome:
        """What is said of each message, or of the request as a whole."""
        body = {
            "senders": [self._sender] * len(batch),
            "recipients": [sms.to.removeprefix("+") for sms in batch],
            "messages": [sms.text for sms in batch],
            "uids": [_uid(sms.key) for sms in batch],
        }
        try:
            answer = self._client.request(
                "POST", f"{_PATH}/send", body=json.dumps(body).encode(), headers=self._headers
            )
        except http_client.NotSent as fault:
            return TryAgain(str(fault))
        except http_client.NoAnswer as fault:
            return Unknown(str(fault))
        return self._outcomes(answer, len(batch))

    def _outcomes(self, answer: http_client.Answer, count: int) -> list[Outcome] | Outcome:
        try:
            said = json_object(answer)
            status = _status(said)
        except ValueError:
            return with_pause(by_status(answer.status, posted=True), answer)
        if status:
            return with_pause(_CODES.get(status, Unknown)(str(status)), answer)
        rows = said.get("messages")
        if not isinstance(rows, list) or len(rows) != count:
            return Unknown("another number of answers")
        return [_outcome(row) for row in rows]

    def look_up(self, *, key: uuid.UUID, provider_id: str = "") -> LookUp:
        try:
            said = self._get(f"mid/{_uid(key)}")
        except (http_client.NotSent, http_client.NoAnswer, ValueError) as fault:
            return NoAnswer(str(fault))
        mid = said.get("mid")
        if _status(said) == 0 and type(mid) is int and mid > 0:
            return Found((str(mid),))
        return NotFound() if _status(said) == 0 and mid == -1 else NoAnswer(str(_status(said)))

    def poll(self, provider_ids: Sequence[str]) -> list[Receipt]:
        known: list[Receipt] = []
        for start in range(0, len(provider_ids), _AT_ONCE):
            asked = provider_ids[start : start + _AT_ONCE]
            try:
                rows = self._get(f"statuses/{','.join(asked)}").get("dlrs")
            except (http_client.NotSent, http_client.NoAnswer, ValueError):
                break
            known += [_receipt(row) for row in rows or () if _is_known(row, asked)]
        return known

    def _get(self, what: str) -> dict[str, Any]:
        """Raises NotSent, NoAnswer, or ValueError if the answer cannot be read."""
        said = json_object(self._client.request("GET", f"{_PATH}/{what}", headers=self._headers))
        _status(said)
        return said


def _status(said: Mapping[str, Any]) -> int:
    status = said.get("status")
    if type(status) is not int:
        raise ValueError("not Magfa's answer")
    return status


def _is_of_one(said: Outcome) -> bool:
    """Whether this is about a message. Of a whole request, it is not known about which one."""
    return isinstance(said, Refused) or (isinstance(said, TryAgain) and said.because is Because.MESSAGE)


def _outcome(row: Any) -> Outcome:
    status, id_ = (row.get("status"), row.get("id")) if isinstance(row, dict) else (None, None)
    if type(status) is not int:
        return Unknown("not Magfa's answer")
    if status:
        return _CODES.get(status, Unknown)(str(status))
    return Accepted((str(id_),)) if type(id_) is int and id_ > 0 else Unknown("no id")


def _is_known(row: Any, asked: Sequence[str]) -> bool:
    return isinstance(row, dict) and str(row.get("mid")) in asked and row.get("status") in _DELIVERY


def _receipt(row: Mapping[str, Any]) -> Receipt:
    return Receipt(_DELIVERY[row["status"]], provider_id=str(row["mid"]), detail=str(row["status"]))


def _uid(key: uuid.UUID) -> int:
    """The key as a positive Long, which has 63 bits."""
    return key.int >> 65
