"""Delivery receipts as SMPP gateways write them: what is kept of a delivery, and how it is read later.

What is kept is the text unchanged, and in the query what stands beside it in the PDU. A message that a phone sent to
our number is no receipt: nothing of it is kept but that it came. Where a gateway does not mark its receipts, a phone
could write one, so such a receipt counts only for messages to the number that it comes from.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from urllib.parse import parse_qs, urlencode

from sms.gateways import smpp_wire as wire
from sms.gateways.base import Delivery, Malformed, PushedReceipt, Receipt

# `stat:` in a receipt, and message_state where it is sent beside it (SMPP 3.4, 5.2.28; 0 and 9: 5.0). What is final
# counts as a whole word only, in the spellings that are known: DELIVERY_FAILED is no DELIVERED, and UNDELIV_RETRYING
# would be no end. What ends nothing counts by how it begins.
_FINAL = {
    Delivery.DELIVERED: ("DELIVRD", "DELIVERED"),
    Delivery.UNDELIVERED: (
        *("EXPIRED", "EXPIRD", "DELETED", "DELETD", "UNDELIV", "UNDELIVRD", "UNDELIVERED", "UNDELIVERABLE"),
        *("REJECTD", "REJECTED", "REJECT", "SKIPPED", "FAILED"),
    ),
}
_FINALLY = {word: delivery for delivery, words in _FINAL.items() for word in words}
_ON_ITS_WAY = ("ENROUTE", "EN_ROUTE", "SCHED", "BUFF", "ACCEPT", "UNKNOWN")
_STATES = (
    *("SCHEDULED", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED"),
    *("UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD", "SKIPPED"),
)
# A value may stand after blanks; the name of the next field is none.
_FIELD = re.compile(rb"\b(id|stat|err):[ \t]*(?!(?:sub|dlvrd|submit|done|stat|err|text)\b[\w ]*:)(\S*)", re.IGNORECASE)
_WORDS = re.compile(rb"\btext:", re.IGNORECASE)  # followed by the first words of the message, which are not parsed
_LOOKS_LIKE_ONE = re.compile(rb"\bid:.*\bstat:", re.IGNORECASE | re.DOTALL)
_LONGEST_ID = 65
_MOBILE = 10  # digits of a mobile number, without the country or the zero before it

METHOD = "SMPP"


def pushed(delivery: wire.Delivery) -> PushedReceipt:
    """What is kept of a delivery."""
    beside = {"id": text_of(delivery.beside.get(wire.RECEIPTED_MESSAGE_ID, b""))}
    if state := delivery.beside.get(wire.MESSAGE_STATE):
        beside["state"] = str(state[0])
    if not delivery.is_marked_as_receipt:
        number = sum(byte in b"0123456789" for byte in delivery.source)  # without a whole one it could mean anybody's
        if number < _MOBILE or not _LOOKS_LIKE_ONE.search(_in_bytes(delivery.body)):
            return PushedReceipt(method=METHOD, query="from_phone=1", content_type="", body=b"")
        beside["from"] = text_of(delivery.source)
    return _kept(beside, delivery.body)


def late_acceptance(key: uuid.UUID, provider_ids: Sequence[str]) -> PushedReceipt:
    """An answer that came after its time-out: it proves that the message with this key was accepted, as a receipt
    would."""
    return _kept({"key": str(key), "id": " ".join(provider_ids)}, b"")


def _kept(beside: dict[str, str], body: bytes) -> PushedReceipt:
    query = urlencode({name: value for name, value in beside.items() if value})
    return PushedReceipt(method=METHOD, query=query, content_type="", body=body)


def read(kept: PushedReceipt, ids: str) -> list[Receipt]:
    """The report in what was kept; none of a phone's message. `ids`: the option RECEIPT_IDS. Raises Malformed."""
    beside = {name: values[0] for name, values in parse_qs(kept.query).items()}
    if "from_phone" in beside:
        return []
    if key := beside.get("key"):
        accepted = beside.get("id", "")
        return [Receipt(Delivery.ON_ITS_WAY, provider_id=accepted, key=uuid.UUID(key), detail="accepted late")]
    fields = reversed(
        _FIELD.findall(_WORDS.split(_in_bytes(kept.body))[0])
    )  # if a name occurs twice, the first one counts
    found = {name.decode().lower(): text_of(value) for name, value in fields}
    both = found.get("id", ""), text_of(beside.get("id", "").encode())
    provider_id = _receipted(*both, ids)
    state = found.get("stat", "").upper() or _state(beside.get("state", ""))
    delivery = _delivery(state) or _delivery(_state(beside.get("state", "")))
    if not provider_id:
        raise Malformed("no message id")
    if delivery is None:
        raise Malformed("unknown status" if state else "no status")
    detail = f"{state} {found['err']}" if found.get("err", "000").strip("0") else state
    learned = tuple(zip(("text", "beside"), both, strict=True)) if ids == "auto" else ()
    return [Receipt(delivery, provider_id=provider_id, detail=detail[:40], to=beside.get("from", ""), ids=learned)]


def queried(provider_id: str, body: bytes) -> Receipt | None:
    """What the answer to a query_sm says: message_id, final_date, message_state, error_code. None: nothing readable."""
    state = body.split(b"\0", 2)[2][:1] if body.count(0) >= 2 else b""
    word = _state(str(state[0])) if state else ""
    delivery = _delivery(word)
    return Receipt(delivery, provider_id=provider_id, detail=word) if delivery else None


def _delivery(state: str) -> Delivery | None:
    """What the word means; None: it is not known. A stop or comma behind it is none of its letters."""
    word = state.rstrip(".,;")
    return _FINALLY.get(word) or (Delivery.ON_ITS_WAY if word.startswith(_ON_ITS_WAY) else None)


def _in_bytes(body: bytes) -> bytes:
    """The text in one byte a character; some write it in UCS-2."""
    if body.count(0) * 3 < len(body):
        return body
    return body.decode("utf-16-be" if body[:1] == b"\0" else "utf-16-le", "replace").encode("ascii", "replace")


def _receipted(in_text: str, beside: str, ids: str) -> str:
    """The id of the message that a receipt is about. With `auto`, `sms.reports.ids` finds it."""
    if ids in ("same", "auto"):
        return beside or in_text
    if ids == "hex" and in_text.isdigit():
        in_text = str(int(in_text))  # without leading zeros
    return in_text or answered_id(beside, ids)


def answered_id(text: str, ids: str) -> str:
    """The id of an answer, written as the texts of receipts write it."""
    try:
        return str(int(text, 16)) if ids == "hex" else text
    except ValueError:
        return text


def text_of(raw: bytes) -> str:
    """An id or a word: up to a NUL, without blanks, because several ids are stored with blanks between them."""
    return "".join(raw.partition(b"\0")[0].decode("ascii", "replace").split())[:_LONGEST_ID]


def _state(number: str) -> str:
    return _STATES[int(number)] if number.isascii() and number.isdigit() and int(number) < len(_STATES) else ""
