"""Stores what gateways push to the receipt URL, unchanged, and notes which parts of a message to expect.

Storing is one INSERT and a hint, so that a gateway has its answer within milliseconds. `sms.reports.pushed` reads the
receipts later.

The URL is `/sms/receipts/<gateway>/<token>/`. The token is the gateway's only proof of identity, so no log may contain
the path (`common.logs`).
"""

from __future__ import annotations

import hmac
import html
import re
import secrets
import unicodedata
from collections.abc import Iterable, Sequence
from hashlib import sha256
from urllib.parse import unquote_plus

from django.utils import timezone

from common import limits
from common.hints import hint
from common.logs import scrub
from common.persian import fold_digits
from sms import configuration
from sms.gateways.base import PushedReceipt
from sms.models import Part, Receipt, ReceiptState

_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_NUMBER = re.compile(r"\d(?:[^\w\n&=]{0,3}\d){5,}")
_NOBODYS = secrets.token_hex()  # compared with for an unknown gateway, so that it takes as long; never equal


def token_is_right(*, gateway: str, token: str) -> bool:
    """Whether `token` is one of `gateway`'s. Takes as long for a wrong token as for an unknown gateway."""
    valid = (*configuration.receipt_tokens(gateway), _NOBODYS, _NOBODYS)[:2]
    given = _digest(token)
    return any([hmac.compare_digest(_digest(each), given) for each in valid])  # noqa: C419 - all are compared


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def keep(gateway: str, pushed: PushedReceipt, *, whole: bool = True) -> None:
    """Store `pushed` unchanged. One that is too large is cut and marked as malformed, as is one that did not arrive
    `whole`.

    PostgreSQL stores no NUL in a text: in a query it is written as %00, which means the same there.
    """
    _row(gateway, pushed, whole).save(force_insert=True)
    hint("sms.read_receipts")


def keep_all(gateway: str, pushed: Sequence[PushedReceipt]) -> None:
    """Store all of `pushed` as `keep` does, or none, in one statement: an SMPP gateway may report hundreds at once."""
    Receipt.objects.bulk_create(_row(gateway, each, True) for each in pushed)
    hint("sms.read_receipts")


def _row(gateway: str, pushed: PushedReceipt, whole: bool) -> Receipt:
    query, body = pushed.query.replace("\0", "%00").encode(errors="replace"), pushed.body
    room = max(limits.RECEIPT_LARGEST - len(query), 0)
    too_large = len(query) + len(body) > limits.RECEIPT_LARGEST
    fault = "too large" if too_large else "" if whole else "cut off"
    return Receipt(
        gateway=gateway,
        method=_printable(pushed.method)[:10],
        query=query[: limits.RECEIPT_LARGEST].decode(errors="ignore"),
        content_type=_printable(pushed.content_type)[:100],
        body=body[:room],
        state=ReceiptState.MALFORMED if fault else ReceiptState.NEW,
        detail=fault,
        next_attempt_at=None if fault else timezone.now(),
    )


def shown(receipt: Receipt) -> str:
    """A receipt as administrators see it: without long numbers, in any spelling, and without the words of the SMS that
    an SMPP gateway repeats after `text:`."""
    body = bytes(receipt.body)
    if receipt.method == "SMPP":
        body = re.split(rb"\btext:", body, maxsplit=1, flags=re.IGNORECASE)[0]
    text = f"{receipt.query}\n{body.replace(bytes(1), b'').decode(errors='replace')}"  # NULs: UCS-2
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), html.unescape(unquote_plus(unquote_plus(text))))
    visible = "".join(each for each in text if unicodedata.category(each) != "Cf")
    return scrub(_NUMBER.sub("[number]", fold_digits(visible))).strip()


def _printable(header: str) -> str:
    return "".join(character for character in header if character.isprintable())


def expect(accepted: Iterable[tuple[int, str, tuple[str, ...]]]) -> None:
    """Note the parts of accepted messages: (message's pk, gateway, provider ids). A message with one id needs
    no note."""
    rows = [
        Part(message_id=message, gateway=gateway, provider_id=each[:100])
        for message, gateway, ids in accepted
        if len(ids) > 1
        for each in ids
    ]
    if rows:
        Part.objects.bulk_create(rows)
