"""What a gateway is: how it is asked to send, what it may answer, what it declares about itself.

An adapter is one file: its code → outcome table at the top, and a class that inherits `Gateway`.
It decides from the body of an answer, never from an HTTP status alone; it turns everything that
can go wrong into an outcome (wrong JSON, HTML, a 200 with an error in it); it never logs a number,
a text, or a URL that holds its key. `sms.sending.drain` does the rest: attempts, retries, states.

An adapter is built once in a process and is called by up to `connections` threads at the same time.
Each call comes back well within `limits.SMS_LEASE`: after that another worker takes the message over.

docs/sms-gateways.md says which outcome to choose, and how Magfa and SMS.ir fit, which come later;
tests/sms/gateways/test_sms_gateway_contract.py has both in small.
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
    """What a gateway is given to send. Shows no number and no text when printed.

    `key` never changes for a message, however often it is tried: the client key. A gateway whose
    keys are narrower derives them from it (Kavenegar's `localid` is a Long: `key.int >> 65`).
    `code` is the code alone and `label` the words before it, for gateways that fill a template of
    their own instead of taking the text; empty for anything but a code.
    """

    key: uuid.UUID
    to: str = field(repr=False)  # E.164
    text: str = field(repr=False)
    kind: str  # a value of sms.models.MessageKind
    operator: str = ""
    code: str = field(default="", repr=False)
    label: str = ""


# ── What `send` may answer. `detail` is the gateway's own code or a word, never a number or a text.


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gateway took it. One provider id a message, or one a part where receipts come by part."""

    provider_ids: tuple[str, ...] = ()
    detail: str = ""


class Because(Enum):
    """What a temporary no speaks of, and so what it means for other messages."""

    GATEWAY = "gateway"  # it does not work: counts against it (`sms.routing.heard`)
    BUSY = "busy"  # it works, and takes no more at the moment
    MESSAGE = "message"  # it works, and does not take this one: another gateway may


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Certainly not sent, and may work later or elsewhere: refused, DNS, rate, "try later"."""

    detail: str = ""
    because: Because = Because.GATEWAY

    @classmethod
    def busy(cls, detail: str = "") -> TryAgain:
        return cls(detail, Because.BUSY)

    @classmethod
    def this_message(cls, detail: str = "") -> TryAgain:
        return cls(detail, Because.MESSAGE)


@dataclass(frozen=True, slots=True)
class Refused:
    """Certainly not sent, and never will be: a bad number, a blacklisted one, a forbidden text."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class OutOfOrder:
    """Certainly not sent, because of our account: credit, key, line. An administrator must act; the message waits.

    `kind`: it is out of order for messages of that kind alone (codes go by a template of their own);
    empty: for all.
    """

    detail: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Perhaps sent: a time-out, a reset or a 5xx after bytes were written. Never answered for a definite non-send."""

    detail: str = ""


Outcome = Accepted | TryAgain | Refused | OutOfOrder | Unknown


# ── What became of a message afterwards.


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
    """Answer of `look_up`: the gateway never took it. Said only when it is certain."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Answer of `look_up`: nobody can say now; ask again later."""

    detail: str = ""


LookUp = Found | NotFound | NoAnswer


@dataclass(frozen=True, slots=True)
class Receipt:
    """One delivery report. Found by provider id, or by client key where a gateway reports that instead."""

    delivery: Delivery
    provider_id: str = ""
    key: uuid.UUID | None = None
    at: datetime | None = None  # aware; None where the gateway does not say
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PushedReceipt:
    """What arrived at our receipt URL, raw. Shows nothing of it when printed."""

    method: str
    query: str = field(repr=False)
    content_type: str
    body: bytes = field(repr=False)


class Malformed(ValueError):
    """A pushed receipt that cannot be read. Its text is shown to administrators: words of our own ("unknown
    status"), nothing that the request holds."""


# ── What a gateway declares.


class ReceiptsBy(Enum):
    NONE = "none"  # an accepted message is final
    PUSH = "push"  # to our URL (`read_receipts`) or, as with SMPP, on the gateway's own connection
    POLL = "poll"  # asked for (`poll`)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What may be relied on. A time-delta says for how long after the send; None: not at all.

    `client_key`: a second send with the same key returns the first message and sends nothing.
    `look_up_by_key`, `look_up_by_id`: `look_up` can tell whether the gateway has a message.
    """

    client_key: timedelta | None = None
    look_up_by_key: timedelta | None = None
    look_up_by_id: timedelta | None = None
    receipts: ReceiptsBy = ReceiptsBy.NONE


FOR_EVER = timedelta.max


def whole_number(options: Mapping[str, str], name: str, default: int, *, least: int = 1, most: int = 10_000) -> int:
    """The option `name` as a number. Raises ValueError when it is none, under `least` or over `most`."""
    text = options.get(name, "") or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise ValueError(f"{name} is a whole number from {least} to {most}")
    return int(text)


class Gateway(ABC):
    """One way to a phone. `name` is what settings, routes, rows and logs call it; `options` are its
    settings, by the names in `REQUIRED` and `OPTIONAL`. A bad option is a ValueError that says what
    is wrong with it, without its value.

    `connections`: how many calls it stands at the same time, in this process. `on_network`: a call may
    hang, so that threads of its own make them; one that is not, with one connection, is called in the
    order of the queue by the thread that drains. `batch`: how many messages one call takes.
    `on_receipt` is given what arrives on a connection of the gateway's own (SMPP), raw, and has kept
    it when it returns.
    """

    KIND: ClassVar[str]
    REQUIRED: ClassVar[tuple[str, ...]] = ()
    OPTIONAL: ClassVar[dict[str, str]] = {}  # name → what it is

    name: str
    connections: int = 1
    on_network: ClassVar[bool] = False
    batch: int = 1
    on_receipt: Callable[[str, PushedReceipt], None] | None = None

    def __init__(self, *, name: str, options: Mapping[str, str]) -> None:
        self.name = name
        missing = [option for option in self.REQUIRED if not options.get(option)]
        if missing:
            raise ValueError(f"missing: {', '.join(missing)}")

    @classmethod
    def in_the_open(cls, options: Mapping[str, str]) -> str:
        """The host off this machine that codes and credentials would reach unencrypted; empty: there is none. For
        gateways that are not reached by an option URL over HTTP, of their own."""
        return plain_http_host(options.get("URL", ""))

    @abstractmethod
    def abilities(self, kind: str) -> Abilities:
        """What holds for messages of this kind: codes may go another way than results (Kavenegar's
        template look-up takes no client key, its plain send does)."""

    @abstractmethod
    def send(self, sms: Sms) -> Outcome:
        """Hand one message over. Does not raise for anything the network or the gateway does."""

    def send_many(self, batch: Sequence[Sms]) -> list[Outcome]:
        """Hand up to `batch` messages over in one call: an outcome for each, in their order."""
        return [self.send(sms) for sms in batch]

    def stay_connected(self) -> None:  # noqa: B027 - most have nothing to do
        """Called at the start of every drain, and comes back at once: a gateway that receives on a
        connection of its own sees to it here, traffic or not."""

    def look_up(self, *, key: uuid.UUID, provider_id: str = "") -> LookUp:
        """Whether the gateway has a message. Only where `abilities` declares a look-up."""
        raise NotImplementedError(f"{self.name} declares no look-up")

    def read_receipts(self, pushed: PushedReceipt) -> list[Receipt]:
        """The receipts in a request to our URL. Raises Malformed, with the reason, when it cannot be read.
        Only where `abilities` declares PUSH."""
        raise NotImplementedError(f"{self.name} declares no receipts over HTTP")

    def poll(self, provider_ids: Sequence[str]) -> list[Receipt]:
        """What is known about these messages, any number of them; unknown ones are left out, all of
        them when the gateway does not answer, and those for which a few seconds were not enough.
        Only where `abilities` declares POLL."""
        raise NotImplementedError(f"{self.name} declares no polling")
