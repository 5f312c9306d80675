"""What a stub can be told to do."""

from __future__ import annotations

from dataclasses import dataclass

BEHAVIOURS = {
    "ok": "takes it and says so",
    "500": "does not take it; 500 with a page",
    "500-taken": "takes it; 500 with a page",
    "try-later": "does not take it; says 'try later' in its own words",
    "code-N": "does not take it; says its own error code N (code-418)",
    "ok-error": "does not take it; HTTP 200 with an error in the body",
    "html": "does not take it; HTTP 200 with a page",
    "bad-json": "takes it; an answer that is cut in the middle, with a matching length",
    "wrong-types": "takes it; JSON of other types than promised",
    "empty": "does not take it; HTTP 200 with nothing",
    "not-http": "does not take it; answers something that is no HTTP",
    "reset-connect": "resets the connection as soon as it is made",
    "reset": "does not take it; resets before the first byte of an answer",
    "reset-half": "takes it; resets in the middle of the answer",
    "drop": "takes it and closes the connection without an answer",
    "close": "takes it, says so and closes the connection although it promised to keep it",
    "hang": "does not take it and never answers",
    "hang-taken": "takes it and never answers",
    "drip": "takes it; a byte of the answer a second",
    "late": "takes it and says so after --late seconds",
}
NOT_TAKEN = {"500", "try-later", "ok-error", "html", "empty", "not-http", "reset", "hang", "reset-connect"}


def takes(behaviour: str) -> bool:
    return behaviour not in NOT_TAKEN and not behaviour.startswith("code-")


@dataclass(frozen=True)
class Receipts:
    """How delivery is reported: each report `times`, in which order, before the answer or `after` seconds."""

    times: int = 1
    reversed: bool = False
    early: bool = False
    after: float = 0.1
    undelivered: float = 0.0  # share of messages that do not arrive

    @classmethod
    def parse(cls, spec: str) -> Receipts | None:
        """From "none", or words of: once, twice, three, reversed, early, after=0.1, undelivered=0.05."""
        if spec in ("", "none"):
            return None
        values: dict[str, object] = {}
        for word in spec.split(","):
            name, _, value = word.partition("=")
            if name in ("after", "undelivered"):
                values[name] = float(value)
            elif name in ("reversed", "early"):
                values[name] = True
            else:
                values["times"] = {"once": 1, "twice": 2, "three": 3}[name]
        return cls(**values)  # type: ignore[arg-type]
