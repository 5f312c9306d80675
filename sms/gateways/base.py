"""The contract of an SMS gateway: what it is given, what it may answer, what it declares about itself.

An adapter is one file: its table of codes and outcomes at the top, and a class that inherits `Gateway`. It judges by
the body of an answer, never by the HTTP status alone; it turns everything that can go wrong into an outcome (wrong
JSON, HTML, a 200 with an error in it); it never logs a number, a text, or a URL that contains its key. `sms.sending`
does the rest: attempts, retries, states.

An adapter is built once in a process and is called by up to `connections` threads at the same time. Each call returns
well within `limits.SMS_LEASE`: after that another worker takes the message over.

docs/sms-gateways.md says which outcome to choose.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar

from common.unsafe import plain_http_host


@dataclass(frozen=True, slots=True)
class Sms:
    """One message that a gateway is given to send. Its repr shows no number and no text.

    `key` is the client key: it never changes for a message, however often it is tried. A gateway whose keys are
    narrower derives them from it (Kavenegar's `localid` is a Long: `key.int >> 65`). `code` is the code alone and
    `label` the words before it, for gateways that fill a template of their own instead of taking the text; both are
    empty for anything but a code. After `valid_until` a queue behind the gateway has to throw the message away.
    `every`: seconds from one part to the next, for gateways that send the parts themselves; 0: at once.
    """

    key: uuid.UUID
    to: str = field(repr=False)  # E.164
    text: str = field(repr=False)
    kind: str  # a value of sms.models.MessageKind
    operator: str = ""
    code: str = field(default="", repr=False)
    label: str = ""
    valid_until: datetime | None = None  # aware
    every: float = 0.0


# ── Outcomes of `send`. `detail` is the gateway's own code or a word, never a mobile number or a text.


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gateway accepted the message. One provider id, or one for each part where receipts come by part. `slowed`: it
    said "busy" to some of the parts first, although one was sent only every so many seconds (0: at once)."""

    provider_ids: tuple[str, ...] = ()
    detail: str = ""
    slowed: float | None = None


class Because(Enum):
    """What a `TryAgain` is about, and so what it means for other messages."""

    GATEWAY = "gateway"  # it does not work: counts as a failure (`sms.routing.heard`)
    BUSY = "busy"  # it works, but takes no more at the moment
    LINE = "line"  # the same, certainly for all messages
    FULL = "full"  # the same, but perhaps only for this message's number (`sms.sending.refusals`)
    BIND = "bind"  # it takes no further bind of ours (`sms.binds`)
    MESSAGE = "message"  # it works, but does not take this message; another gateway may


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Certainly not sent, but may work later or through another gateway: connection refused, DNS, rate limit, "try
    later". `after`: how long the gateway asked us to wait."""

    detail: str = ""
    because: Because = Because.GATEWAY
    after: timedelta | None = None

    @classmethod
    def busy(cls, detail: str = "", *, after: timedelta | None = None) -> TryAgain:
        return cls(detail, Because.BUSY, after)

    @classmethod
    def line(cls, detail: str, *, after: timedelta) -> TryAgain:
        return cls(detail, Because.LINE, after)

    @classmethod
    def full(cls, detail: str = "") -> TryAgain:
        return cls(detail, Because.FULL)

    @classmethod
    def no_bind(cls, detail: str = "") -> TryAgain:
        return cls(detail, Because.BIND)

    @classmethod
    def this_message(cls, detail: str = "") -> TryAgain:
        return cls(detail, Because.MESSAGE)


@dataclass(frozen=True, slots=True)
class Refused:
    """Certainly not sent, and never will be: an invalid or blacklisted number, a forbidden text."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class OutOfOrder:
    """Certainly not sent, because of our account: credit, key, line. An administrator must act; the message waits.

    `kind`: out of order only for messages of that kind (codes use a template); empty: for all.
    """

    detail: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Perhaps sent: a time-out, a reset or a 5xx after bytes were written. Never used where it is certain that nothing
    was sent."""

    detail: str = ""


Outcome = Accepted | TryAgain | Refused | OutOfOrder | Unknown


# ── Look-ups and receipts: what became of a message after the send.


class Delivery(Enum):
    """What a gateway knows about a message it accepted."""

    ON_ITS_WAY = "on_its_way"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


@dataclass(frozen=True, slots=True)
class Found:
    """Answer of `look_up`: the gateway has it."""

    provider_ids: tuple[str, ...] = ()
    delivery: Delivery = Delivery.ON_ITS_WAY


@dataclass(frozen=True, slots=True)
class NotFound:
    """Answer of `look_up`: the gateway never took the message. Only if that is certain."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Answer of `look_up`: not known now; ask again later."""

    detail: str = ""


LookUp = Found | NotFound | NoAnswer


@dataclass(frozen=True, slots=True)
class Receipt:
    """One delivery report. It names its message by provider id, or by client key if the gateway reports that; with a
    key, the provider ids of all parts may stand with blanks between them. If `to` is set, the report counts only for a
    message to that number, compared by its last ten digits. `ids`: where the gateway's way to write ids is learned
    (`sms.reports.ids`), the ids in the receipt, each with its source, `text` or `beside`; `provider_id` is not looked
    at then."""

    delivery: Delivery
    provider_id: str = ""
    key: uuid.UUID | None = None
    at: datetime | None = None  # aware; None where the gateway does not say
    detail: str = ""
    to: str = field(default="", repr=False)
    ids: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PushedReceipt:
    """A request to our receipt URL, unchanged. Its repr shows nothing of it."""

    method: str
    query: str = field(repr=False)
    content_type: str
    body: bytes = field(repr=False)


class Malformed(ValueError):
    """A pushed receipt that cannot be read. Administrators see its text: only words of ours ("unknown status"), nothing
    from the request."""


# ── What a gateway declares about itself.


class ReceiptsBy(Enum):
    NONE = "none"  # an accepted message is final
    PUSH = "push"  # to our URL (`read_receipts`) or, as with SMPP, on the gateway's own connection
    POLL = "poll"  # asked for (`poll`)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a gateway guarantees. A timedelta says for how long after the send; None: not at all.

    `client_key`: a second send with the same key returns the first message and sends nothing. `look_up_by_key`,
    `look_up_by_id`: `look_up` can tell whether the gateway has a message.
    """

    client_key: timedelta | None = None
    look_up_by_key: timedelta | None = None
    look_up_by_id: timedelta | None = None
    receipts: ReceiptsBy = ReceiptsBy.NONE


FOR_EVER = timedelta.max


def whole_number(options: Mapping[str, str], name: str, default: int, *, least: int = 1, most: int = 10_000) -> int:
    """The option `name` as a number. Raises ValueError if it is no number, below `least` or above `most`."""
    text = options.get(name, "") or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise ValueError(f"{name} is a whole number from {least} to {most}")
    return int(text)


def on_or_off(options: Mapping[str, str], name: str, default: bool = False) -> bool:
    """Whether the option `name` is on. Raises ValueError for any word but on and off: “yes” must not mean off."""
    text = options.get(name, "").lower()
    if text not in ("", "on", "off"):
        raise ValueError(f"{name} is on or off")
    return text == "on" if text else default


class Gateway(ABC):
    """One gateway. `name` is what settings, routes, rows and logs call it; `options` are its settings, by the names in
    `REQUIRED` and `OPTIONAL`. A bad option raises a ValueError that says what is wrong, without the value.

    `connections`: how many calls it takes at the same time, in this process. `on_network`: a call may hang, so it is
    made in a thread of its own; a gateway that is not on the network and has one connection is called in the drain's
    thread, in the order of the queue. `batch`: how many messages one call takes. `binds`: how many
    processes it lets connect at the same time; None: it does not count them. `on_receipts` is called with what
    arrives on a connection of the gateway's own (SMPP), unchanged, and has stored it when it returns.
    """

    KIND: ClassVar[str]
    REQUIRED: ClassVar[tuple[str, ...]] = ()
    OPTIONAL: ClassVar[dict[str, str]] = {}  # name → what it is
    RECEIPT_ANSWER: ClassVar[str] = "ok"  # what a request to our receipt URL is answered with

    name: str
    connections: int = 1
    poll_after: timedelta = timedelta(0)  # after the send; a gateway that pushes receipts is asked about overdue ones
    on_network: ClassVar[bool] = False
    batch: int = 1
    binds: int | None = None
    on_receipts: Callable[[str, Sequence[PushedReceipt]], None] | None = None

    def __init__(self, *, name: str, options: Mapping[str, str]) -> None:
        self.name = name
        missing = [option for option in self.REQUIRED if not options.get(option)]
        if missing:
            raise ValueError(f"missing: {', '.join(missing)}")

    @classmethod
    def in_the_open(cls, options: Mapping[str, str]) -> str:
        """The host, outside this machine, to which codes and credentials would go unencrypted; empty: there is none. To
        be overridden by gateways that are not reached over HTTP at an option URL."""
        return plain_http_host(options.get("URL", ""))

    def label_fault(self, label: str) -> str:
        """Why the gateway's template for codes would not take `label`, the words before a code; empty: it does, or
        there is none. Asked at the start, for every label."""
        return ""

    @abstractmethod
    def abilities(self, kind: str) -> Abilities:
        """The abilities for messages of this kind: codes may be sent another way than results (Kavenegar's template
        look-up takes no client key, its plain send does)."""

    @abstractmethod
    def send(self, sms: Sms) -> Outcome:
        """Send one message. Does not raise for anything that the network or the gateway does."""

    def send_many(self, batch: Sequence[Sms]) -> list[Outcome]:
        """Send up to `batch` messages in one call; returns an outcome for each, in their order."""
        return [self.send(sms) for sms in batch]

    def stay_connected(self) -> None:  # noqa: B027 - most have nothing to do
        """Called at the start of every drain; returns at once. A gateway that receives on a connection of its own keeps
        it open here, even without traffic."""

    def unreachable_for(self) -> float:
        """Seconds for which no connection of its own could be made; 0: the last one could."""
        return 0.0

    def left_at(self) -> float:
        """When (time.monotonic()) a connection of its own last ended in a way that the other side may not have noticed:
        it may still count that one."""
        return float("-inf")

    def close(self) -> None:  # noqa: B027 - most have nothing to do
        """End the gateway's own connection, if it has one; the next call opens it again."""

    def look_up(self, *, key: uuid.UUID, provider_id: str = "") -> LookUp:
        """Whether the gateway has a message. Only where `abilities` declares a look-up."""
        raise NotImplementedError(f"{self.name} declares no look-up")

    def read_receipts(self, pushed: PushedReceipt) -> list[Receipt]:
        """The reports in a request to our URL. Raises Malformed, with the reason, if it cannot be read. Only if
        `abilities` declares PUSH."""
        raise NotImplementedError(f"{self.name} declares no receipts over HTTP")

    def poll(self, provider_ids: Sequence[str]) -> list[Receipt]:
        """What is known about these messages, any number of them. Left out are unknown ones, those for which a few
        seconds were not enough, and all of them if the gateway does not answer. Only if `abilities` declares POLL, or
        where pushed receipts may be missing (`poll_after`)."""
        raise NotImplementedError(f"{self.name} declares no polling")
