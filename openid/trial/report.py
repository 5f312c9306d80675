"""What a trial found, line by line; kept with the event, so it holds codes and values and no sentence. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_LONGEST = 200  # of a value that somebody else wrote


class Outcome(StrEnum):
    """`NOTED`: it works, but an administrator should know; `SKIPPED`: it could not be tried."""

    OK = "ok"
    FAILED = "failed"
    NOTED = "noted"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Line:
    """`step`: what was tried, a key of `texts.STEPS`; `said`: what came of it, a key of `texts.SENTENCES`. Values are
    words of the protocol, names and addresses; never a secret, a token or a citizen's data."""

    step: str
    outcome: Outcome
    said: str
    values: dict[str, str] = field(default_factory=dict)


def ok(step: str, said: str, **values: object) -> Line:
    return _line(step, Outcome.OK, said, values)


def failed(step: str, said: str, **values: object) -> Line:
    return _line(step, Outcome.FAILED, said, values)


def noted(step: str, said: str, **values: object) -> Line:
    return _line(step, Outcome.NOTED, said, values)


def skipped(step: str, said: str, **values: object) -> Line:
    return _line(step, Outcome.SKIPPED, said, values)


def as_stored(lines: Iterable[Line]) -> list[list[Any]]:
    """The lines as JSON holds them."""
    return [[line.step, line.outcome.value, line.said, line.values] for line in lines]


def from_stored(stored: Iterable[list[Any]]) -> list[Line]:
    """The lines that were stored."""
    return [Line(step, Outcome(outcome), said, values) for step, outcome, said, values in stored]


def _line(step: str, outcome: Outcome, said: str, values: dict[str, object]) -> Line:
    plain = {name: "".join(each for each in str(value) if each.isprintable()) for name, value in values.items()}
    return Line(step, outcome, said, {name: value[:_LONGEST] for name, value in plain.items()})
