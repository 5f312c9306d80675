"""The contract between the portal and a registry, whoever runs it.

Two questions: *is this mobile theirs* (`owner`) and *is this person who they say* (`person`).
An adapter turns its provider's answer into a `Reply`, by a table of its own, and nothing else:

| Reply         | owner                                 | person                            | then               |
|---------------|---------------------------------------|-----------------------------------|--------------------|
| ANSWERED      | `is_owner` says it                    | `record`, or `judged`, or both    | compared, decided  |
| NOT_FOUND     | the mobile is nobody's: not theirs    | no such ID with this birth date   | branch             |
| INVALID_INPUT | refused as malformed                  | refused as malformed              | the portal decides |
| UNAVAILABLE   | down, time-out, nonsense, rate        | the same                          | the next registry, |
|               |                                       |                                   | else again later   |
| MISCONFIGURED | key, quota, credit, no extract loaded | the same                          | alert and hold     |

The inquiry carries the whole claim because some providers (Jibit's similarity, Finnotech) take the
claimed names and answer percentages: such an adapter fills `judged` by its thresholds and leaves
`record` None or partial. An adapter that cannot make sense of an answer says UNAVAILABLE; it may
also raise, which counts as UNAVAILABLE. It never logs a person's data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from identity.matching import Claim, FieldVerdict, PersonRecord


class Reply(StrEnum):
    ANSWERED = "answered"
    NOT_FOUND = "not_found"
    INVALID_INPUT = "invalid_input"
    UNAVAILABLE = "unavailable"
    MISCONFIGURED = "misconfigured"


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One question. `attempt` counts from 1 and grows each time the same claim is asked again."""

    claim: Claim
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class OwnerAnswer:
    """`trace` is the provider's number for the call; `code` its own error code. Neither is personal."""

    reply: Reply
    is_owner: bool = False
    trace: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class PersonAnswer:
    """`judged` holds fields the provider compared itself; they win over `record`'s."""

    reply: Reply
    record: PersonRecord | None = None
    judged: Mapping[str, FieldVerdict] = field(default_factory=dict)
    deceased: bool = False  # for a provider that says so without returning a record
    trace: str = ""
    code: str = ""


class Registry(Protocol):
    """One provider. Built once per process without arguments; reads its own settings."""

    def owner(self, inquiry: Inquiry) -> OwnerAnswer:
        """Whether the claim's mobile belongs to the claim's national ID."""

    def person(self, inquiry: Inquiry) -> PersonAnswer:
        """What is known under the claim's national ID and birth date."""
