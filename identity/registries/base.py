"""The contract of a registry: what it is asked, and what its adapter may answer.

Two questions: *is this mobile theirs* (`owner`) and *is this person who they say* (`person`).
An adapter turns its provider's answer into a `Reply`, by a table of its own, and nothing else:

| Reply         | owner                                 | person                            | then               |
|---------------|---------------------------------------|-----------------------------------|--------------------|
| ANSWERED      | `is_owner` says it                    | `record`, or `judged`, or both    | compared, decided  |
| NOT_FOUND     | the mobile is nobody's: not theirs    | no such ID with this birth date   | branch             |
| INVALID_INPUT | refused as malformed                  | refused as malformed              | the portal decides |
| UNAVAILABLE   | down, time-out, nonsense, rate,       | the same                          | the next registry, |
|               | an unknown code                       |                                   | else again later   |
| MISCONFIGURED | key, quota, credit, no extract loaded | the same                          | alarm and hold     |

An inquiry about a mobile needs the mobile and the national ID alone; one about a person carries the whole claim because
some providers take the claimed names and answer percentages: such an adapter fills `judged` by its thresholds and
leaves `record` None or partial. An adapter that cannot read an answer, or does not know a code, replies UNAVAILABLE
with the code: the request waits, and no citizen is sent to a branch because of it. It may also raise, which counts as
UNAVAILABLE. It judges by the body's code before the HTTP status, keeps the provider's number for the call as `trace`,
and never logs a person's data. `web` has the deadlines and the one retry, `reading` the formats. The choice of the next
registry, resting, metering and alarms are done elsewhere.

How providers that have no adapter yet fit (tests/identity/test_identity_contract.py has small adapters of them; they
have not been tried with the real services):

|           | owner                      | person                                  | codes                             |
|-----------|----------------------------|-----------------------------------------|-----------------------------------|
| Zibal     | `result` 1: `data.matched` | `data`: names, `alive` → `record`;      | 1 is good; any other `result`     |
|           |                            | series and serial stay unknown          | waits until it is known           |
| Zohal     | the same (our assumption)  | the same, and `is_dead`                 | with HTTP 200: 4 MISCONFIGURED,   |
|           |                            |                                         | 5 UNAVAILABLE, 6 INVALID_INPUT    |
| Finnotech | `result.isValid`           | `result`: `…Similarity` → `judged`,     | FN-MGFH-40000030057 INVALID_INPUT |
|           |                            | `deathStatus` «زنده» → `deceased`       | FN-OHKZ-40003810019 NOT_FOUND     |
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from identity.person import Claim, FieldVerdict, OwnerClaim, PersonRecord


class Reply(StrEnum):
    ANSWERED = "answered"
    NOT_FOUND = "not_found"
    INVALID_INPUT = "invalid_input"
    UNAVAILABLE = "unavailable"
    MISCONFIGURED = "misconfigured"


@dataclass(frozen=True)
class OwnerInquiry:
    """The question whose a mobile is. `attempt` counts from 1 and grows each time the same claim is asked about
    again."""

    claim: OwnerClaim
    attempt: int = 1


@dataclass(frozen=True)
class Inquiry(OwnerInquiry):
    """The question who a person is; it also contains what the question about the owner needs."""

    claim: Claim


@dataclass(frozen=True, slots=True)
class OwnerAnswer:
    """`trace` is the provider's number for the call; `code` its own error code. Neither is personal.

    `of_this_one`: the reply is UNAVAILABLE, but the registry works (an unknown code, another person's record), so this
    is no reason to stop asking it.
    """

    reply: Reply
    is_owner: bool = False
    trace: str = ""
    code: str = ""
    of_this_one: bool = False


@dataclass(frozen=True, slots=True)
class PersonAnswer:
    """`judged` contains the fields that the provider compared itself; they take precedence over `record`'s. The rest as
    in `OwnerAnswer`."""

    reply: Reply
    record: PersonRecord | None = None
    judged: Mapping[str, FieldVerdict] = field(default_factory=dict)
    deceased: bool = False  # for a provider that says so without returning a record
    trace: str = ""
    code: str = ""
    of_this_one: bool = False


Answer = OwnerAnswer | PersonAnswer


def whole_number(options: Mapping[str, str], name: str, default: int, *, least: int = 1, most: int = 1_000) -> int:
    """The option `name` as a number. Raises ValueError if it is no number, or not from `least` to `most`."""
    text = options.get(name, "") or str(default)
    if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
        raise ValueError(f"{name} is a whole number from {least} to {most}")
    return int(text)


class Registry(ABC):
    """One registry. `name` is what settings, traces, breakers and logs call it; `options` are its settings, by the
    names in `REQUIRED` and `OPTIONAL`. A bad option raises a ValueError that says what is wrong, without the value.

    Built once in a process. `on_network`: a call may hang and costs money, so threads make it, up to `connections` at
    the same time; it is counted, and a breaker stops it after failures. A registry that is not on the network is asked
    in the caller's thread, about a whole batch at once if it can (`owners`, `people`); only such a registry may use the
    database. `takes_part_of_a_date`: it can look for somebody whose day of birth is not known; the others are never
    asked about such a claim, for its date is none.
    """

    KIND: ClassVar[str] = ""
    REQUIRED: ClassVar[tuple[str, ...]] = ()
    OPTIONAL: ClassVar[Mapping[str, str]] = {}
    on_network: ClassVar[bool] = False
    takes_part_of_a_date: ClassVar[bool] = False
    connections: int = 1

    def __init__(self, *, name: str, options: Mapping[str, str]) -> None:
        for option in self.REQUIRED:
            if not options.get(option, "").strip():
                raise ValueError(f"{option} is missing")
        self.name = name

    @abstractmethod
    def owner(self, inquiry: OwnerInquiry) -> OwnerAnswer:
        """Whether the claim's mobile belongs to the claim's national ID."""

    @abstractmethod
    def person(self, inquiry: Inquiry) -> PersonAnswer:
        """What the registry knows under the claim's national ID and birth date."""

    def owners(self, inquiries: Sequence[OwnerInquiry]) -> list[OwnerAnswer]:
        """As `owner`, for many; the answers are in the same order."""
        return [self.owner(inquiry) for inquiry in inquiries]

    def people(self, inquiries: Sequence[Inquiry]) -> list[PersonAnswer]:
        """As `person`, for many; the answers are in the same order."""
        return [self.person(inquiry) for inquiry in inquiries]
