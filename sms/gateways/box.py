"""What the adapters of HTTP boxes share: one request a message, and an answer that is looked up in the product's table.

A table has a row for each answer that the product's documentation or source promises. An answer that no row knows is
judged by its HTTP status as far as HTTP itself is certain (`BY_STATUS`); all else is doubt, because something in
between may have answered after the box took the message.
"""

from __future__ import annotations

import json
import re
import uuid
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

from django.utils import timezone

from common import http_client
from sms.gateways.base import (
    Abilities,
    Accepted,
    Because,
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

Means = Callable[[str], Outcome]
LOOKED_AT = 4000  # bytes of an answer
_FOUND, _SEE_OTHER = 302, 303
_PAGE = re.compile(rb"<(!doctype )?html", re.IGNORECASE)

# What HTTP says by itself, of any product: nothing was taken. Other 3xx: our URL is wrong, but for 303, by which what
# was done answers (RFC 9110, 15.4.4), and 302 after a POST, which older programs say instead; other 4xx: it does not
# take this message, which says nothing about others.
BY_STATUS: dict[int, Means] = {
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


def taken(detail: str) -> Outcome:
    """What a row of acceptances means."""
    return Accepted()


@dataclass(frozen=True, slots=True)
class Says:
    """A row of a product's table: answers of these HTTP `statuses` (empty: any) in which `words` are found mean
    `means`. A group `id` in `words` of an acceptance is the provider's id. `detail`: what administrators read."""

    statuses: tuple[int, ...]
    words: re.Pattern[bytes]
    means: Means
    detail: str = ""


def says(statuses: int | tuple[int, ...], words: str, means: Means, detail: str = "") -> Says:
    """A row whose `words` are a regular expression, in any case."""
    given = (statuses,) if isinstance(statuses, int) else statuses
    return Says(given, re.compile(words.encode(), re.IGNORECASE), means, detail)


def judged(answer: http_client.Answer, table: tuple[Says, ...], *, posted: bool = False) -> Outcome:
    """What `answer`, to a POST if `posted`, means: by the first row of `table` that knows it, else by what HTTP is
    certain of, else doubt."""
    body, said = answer.body[:LOOKED_AT], f"http {answer.status}"
    for row in table:
        found = row.words.search(body) if not row.statuses or answer.status in row.statuses else None
        if found:
            outcome = row.means(f"{said} {row.detail}".rstrip())
            id_ = found.groupdict().get("id")
            return Accepted((id_.decode("ascii", "replace"),)) if id_ else with_pause(outcome, answer)
    return with_pause(by_status(answer.status, posted=posted), answer)


def by_status(status: int, *, posted: bool = False) -> Outcome:
    """What HTTP itself is certain of; a 2xx is no evidence here."""
    if status == _SEE_OTHER or (posted and status == _FOUND):
        return Unknown(f"http {status}")
    if 300 <= status < 500:
        return BY_STATUS.get(status, OutOfOrder if status < 400 else TryAgain.this_message)(f"http {status}")
    return Unknown(f"http {status}" + (", without the words of an acceptance" if 200 <= status < 300 else ""))


def with_pause(outcome: Outcome, answer: http_client.Answer) -> Outcome:
    """`outcome` with the pause of the answer's Retry-After, where it is a "busy"."""
    if isinstance(outcome, TryAgain) and outcome.because is Because.BUSY and answer.retry_after is not None:
        return replace(outcome, after=timedelta(seconds=answer.retry_after))
    return outcome


def json_object(answer: http_client.Answer) -> dict[str, Any]:
    """The object in the body. Raises ValueError if it is anything else."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise ValueError(f"http {answer.status}, no JSON object")
    return said


def is_page(answer: http_client.Answer) -> bool:
    """Whether a web page answered instead of a box."""
    return bool(_PAGE.search(answer.body))


def minutes_left(sms: Sms) -> int:
    """For how many minutes `sms` is still of use, at least one; what is not known lasts a day."""
    left = (sms.valid_until - timezone.now()) if sms.valid_until else timedelta(days=1)
    return max(int(left.total_seconds() // 60), 1)


def utf16_hex(text: str) -> str:
    """`text` as hexadecimal UTF-16, big endian."""
    return text.encode("utf-16-be", "surrogatepass").hex()


def national(number: str) -> str:
    """An E.164 number as people write it: 09…"""
    return "0" + number.removeprefix("+98")


class Box(Gateway):
    """A box at the option URL that takes a message by one GET with a query. It knows no key of ours.

    A product sets `PATH`, `ANSWERS`, and says in `fields` what it is sent.
    """

    on_network = True
    posts: ClassVar[bool] = False  # whether `ask` is a POST
    PATH: ClassVar[str]  # where the option URL names none
    ANSWERS: ClassVar[tuple[Says, ...]]
    OPTIONAL = {"CONNECTIONS": "calls at the same time in one process (10)"}

    def __init__(self, *, name: str, options: Mapping[str, str]) -> None:
        super().__init__(name=name, options=options)
        self.options = options
        self.connections = whole_number(options, "CONNECTIONS", 10)
        parts = urlsplit(options["URL"])
        if parts.query:
            raise ValueError("URL ends before the ?: this kind writes what follows by itself")
        self.path = parts.path if parts.path.strip("/") else self.PATH
        self.sender = options.get("SENDER", "")
        self.receipt_url = options.get("RECEIPT_URL", "")
        self.client = http_client.Client(options["URL"])

    def abilities(self, kind: str) -> Abilities:
        return Abilities(receipts=ReceiptsBy.PUSH if self.receipt_url else ReceiptsBy.NONE)

    @abstractmethod
    def fields(self, sms: Sms) -> dict[str, str]:
        """What the query has."""

    def send(self, sms: Sms) -> Outcome:
        try:
            answer = self.ask(self.fields(sms))
        except http_client.NotSent as fault:
            return TryAgain(str(fault))
        except http_client.NoAnswer as fault:
            return Unknown(str(fault))
        return judged(answer, self.ANSWERS, posted=self.posts)

    def ask(self, fields: Mapping[str, str]) -> http_client.Answer:
        """The request. Raises NotSent or NoAnswer."""
        return self.client.request("GET", f"{self.path}?{urlencode(fields)}")

    def receipt_url_of(self, sms: Sms) -> str:
        """Our receipt URL for `sms`, with its key as `id`; empty without the option."""
        url = self.receipt_url
        return f"{url}{'&' if '?' in url else '?'}id={sms.key.hex}" if url else ""


# ── Receipts that come as a GET


def pushed_fields(pushed: PushedReceipt, *wanted: str) -> dict[str, str]:
    """The first value of each field in the query. Raises Malformed where a `wanted` one is missing."""
    try:
        fields = parse_qs(pushed.query, max_num_fields=50)
    except ValueError:
        raise Malformed("too many fields") from None
    for name in wanted:
        if name not in fields:
            raise Malformed(f"no {name}")
    return {name: values[0].strip() for name, values in fields.items()}


def receipt_by_key(pushed: PushedReceipt, table: Mapping[str, Delivery]) -> list[Receipt]:
    """The receipt in a query with our key as `id` and a `status` that `table` knows, in small letters."""
    fields = pushed_fields(pushed, "id", "status")
    try:
        key = uuid.UUID(fields["id"])
    except ValueError:
        raise Malformed("the id is none of ours") from None
    status = fields["status"].lower()
    if status not in table:
        raise Malformed("unknown status")
    return [Receipt(table[status], key=key, detail=status)]
