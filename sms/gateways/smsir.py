"""SMS.ir gateway: codes by a template (`send/verify`) if one is set, all else by `send/bulk`.

It takes no key of ours, so a time-out stays unknown. What a template is filled with has 25 characters at most. Nothing
is documented by which it could be told until when a message is of use.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from common import http_client
from sms.gateways.base import (
    Abilities,
    Accepted,
    Delivery,
    Found,
    Gateway,
    LookUp,
    NoAnswer,
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

# Outcomes by `status`. 1 is accepted; what is not here is doubt.
_CODES: dict[int, Means] = {
    10: OutOfOrder,  # key or account, 10 to 14
    11: OutOfOrder,
    12: OutOfOrder,
    13: OutOfOrder,
    14: OutOfOrder,
    20: TryAgain.busy,  # rate
    101: OutOfOrder,  # line
    102: OutOfOrder,  # credit
    104: Refused,  # mobile
    113: OutOfOrder,  # there is no such template
    114: TryAgain.this_message,  # a value is longer than the template takes
    115: Refused,  # blacklist
    116: OutOfOrder,  # a name of the template's parameters
    117: TryAgain.this_message,  # text
}
_OF_THE_TEMPLATE = (113, 116)  # codes alone: results are still sent
# `deliveryState`; 4 and 5 speak of the operator, not of the phone.
_DELIVERY = {
    1: Delivery.DELIVERED,
    2: Delivery.UNDELIVERED,
    3: Delivery.ON_ITS_WAY,
    4: Delivery.ON_ITS_WAY,
    5: Delivery.ON_ITS_WAY,
    6: Delivery.UNDELIVERED,
    7: Delivery.UNDELIVERED,  # blacklist
}
_OK = 1
LONGEST_VALUE = 25  # characters
_IDS_KNOWN = timedelta(hours=48)
_POLL_WITHIN = 5.0  # seconds for the messages that are asked about one by one


class SmsIrGateway(Gateway):
    """One key and line."""

    KIND = "smsir"
    on_network = True
    REQUIRED = ("KEY", "LINE")
    OPTIONAL = {
        "TEMPLATE": "number of the template for codes, with a parameter CODE; without it they go as plain texts",
        "TEMPLATE_LABEL": "the template's parameter that says what the code is for; without it there is none",
        "URL": "address of the service",
        "CONNECTIONS": "calls at the same time in one process (10)",
    }

    def __init__(self, *, name: str, options: Mapping[str, str]) -> None:
        super().__init__(name=name, options=options)
        self.connections = whole_number(options, "CONNECTIONS", 10)
        self._line = options["LINE"]
        self._template = whole_number(options, "TEMPLATE", 0, least=0, most=999_999_999)
        self._label = options.get("TEMPLATE_LABEL", "")
        self._headers = {"X-API-KEY": options["KEY"], "Content-Type": "application/json", "Accept": "application/json"}
        self._client = http_client.Client(options.get("URL") or "https://api.sms.ir")

    def abilities(self, kind: str) -> Abilities:
        return Abilities(look_up_by_id=_IDS_KNOWN, receipts=ReceiptsBy.POLL)

    def label_fault(self, label: str) -> str:
        if self._template and self._label and len(label) > LONGEST_VALUE:
            return f"a value of its template has {LONGEST_VALUE} characters at most"
        return ""

    def send(self, sms: Sms) -> Outcome:
        by_template = sms.kind == "code" and bool(self._template)
        path, body = self._verify(sms) if by_template else self._bulk(sms)
        try:
            answer = self._client.request("POST", path, body=json.dumps(body).encode(), headers=self._headers)
        except http_client.NotSent as fault:
            return TryAgain(str(fault))
        except http_client.NoAnswer as fault:
            return Unknown(str(fault))
        return with_pause(_outcome(answer, sms.kind if by_template else ""), answer)

    def _verify(self, sms: Sms) -> tuple[str, dict[str, Any]]:
        parameters = [{"name": "CODE", "value": sms.code}]
        if self._label:
            parameters.append({"name": self._label, "value": sms.label})
        return "/v1/send/verify", {
            "mobile": _mobile(sms.to),
            "templateId": self._template,
            "parameters": parameters,
        }

    def _bulk(self, sms: Sms) -> tuple[str, dict[str, Any]]:
        line: int | str = int(self._line) if self._line.isascii() and self._line.isdigit() else self._line
        return "/v1/send/bulk", {"lineNumber": line, "messageText": sms.text, "mobiles": [_mobile(sms.to)]}

    def look_up(self, *, key: uuid.UUID, provider_id: str = "") -> LookUp:
        state = self._state(provider_id)
        return Found((provider_id,), _DELIVERY[state]) if state in _DELIVERY else NoAnswer(str(state))

    def poll(self, provider_ids: Sequence[str]) -> list[Receipt]:
        known, ends = [], time.monotonic() + _POLL_WITHIN
        for id_ in provider_ids:
            if time.monotonic() >= ends:
                break
            state = self._state(id_)
            if state in _DELIVERY:
                known.append(Receipt(_DELIVERY[state], provider_id=id_, detail=str(state)))
        return known

    def _state(self, provider_id: str) -> int:
        """The delivery state of a message; 0: not known."""
        try:
            answer = self._client.request("GET", f"/v1/send/{provider_id}", headers=self._headers)
            said = json_object(answer)
        except (http_client.NotSent, http_client.NoAnswer, ValueError):
            return 0
        data = said.get("data")
        state = data.get("deliveryState") if said.get("status") == _OK and isinstance(data, dict) else 0
        return state if type(state) is int else 0


def _mobile(number: str) -> str:
    return number.removeprefix("+98")


def _outcome(answer: http_client.Answer, kind_of_template: str) -> Outcome:
    try:
        said = json_object(answer)
    except ValueError:
        return by_status(answer.status, posted=True)
    status = said.get("status")
    if type(status) is not int:
        return by_status(answer.status, posted=True)
    if status in _OF_THE_TEMPLATE and kind_of_template:
        return OutOfOrder(str(status), kind=kind_of_template)
    if status != _OK:
        return _CODES.get(status, Unknown)(str(status))
    id_ = _id_in(said.get("data"))
    return Accepted((id_,)) if id_ else Unknown("no id")


def _id_in(data: Any) -> str:
    """`messageId` of send/verify, or the one of `messageIds` of send/bulk; empty: there is none."""
    fields = data if isinstance(data, dict) else {}
    ids = fields.get("messageIds")
    id_ = ids[0] if isinstance(ids, list) and len(ids) == 1 else fields.get("messageId")
    return str(id_) if type(id_) is int and id_ > 0 else ""
