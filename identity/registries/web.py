"""HTTP calls of registry adapters: deadlines, the only retry, and JSON or one word for what went wrong.

A call that certainly did not leave is repeated once, at once; everything else is left to the next attempt of the
request that waits. Nothing here tells whom a call was about.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from common import limits
from common.http_client import WRONG_CERTIFICATE, Answer, Client, NoAnswer, NotSent
from identity.registries.base import OwnerAnswer, PersonAnswer, Reply

Fields = dict[str, Any]
LATE = "time-out"
ANOTHER = "another_person"  # the answer repeats another person's data
_WORD = re.compile(r"[A-Za-z0-9_.:\-]{1,60}")


@dataclass(frozen=True, slots=True)
class Heard:
    """A provider's answer: the reply its code means, the code, its number for the call, and the whole body.

    `of_this_one` as in `OwnerAnswer`.
    """

    reply: Reply
    code: str = ""
    trace: str = ""
    fields: Fields = field(default_factory=dict, repr=False)
    of_this_one: bool = False

    def about_owner(self) -> OwnerAnswer:
        """The answer to the question about the owner if the body need not be read."""
        return OwnerAnswer(self.reply, trace=self.trace, code=self.code, of_this_one=self.of_this_one)

    def about_person(self) -> PersonAnswer:
        """As `about_owner`."""
        return PersonAnswer(self.reply, trace=self.trace, code=self.code, of_this_one=self.of_this_one)

    def but(self, code: str, *, of_this_one: bool = False) -> Heard:
        """The same answer as one that cannot be used after all."""
        return replace(self, reply=Reply.UNAVAILABLE, code=self.code or code, of_this_one=of_this_one)


class Silent(Exception):
    """There is no answer that can be read; the text is a word for why."""


def deadline() -> float:
    """The time at which a call that begins now, with all that belongs to it, must end."""
    return time.monotonic() + limits.REGISTRY_ANSWER_WITHIN


class Web:
    """One provider's server. `url` may have a path, which goes before every other. Raises ValueError for no URL."""

    def __init__(self, url: str) -> None:
        self._client = Client(url, keep=False)
        self._prefix = urlsplit(url).path.rstrip("/")

    def get(
        self, path: str, query: Mapping[str, str], headers: Mapping[str, str], *, ends: float | None = None
    ) -> tuple[int, Fields]:
        """HTTP status and JSON object of the answer, before `ends` (`deadline`). Raises Silent."""
        return self._ask("GET", f"{path}?{urlencode(query)}", b"", headers, ends or deadline())

    def post(
        self, path: str, body: Fields, headers: Mapping[str, str] | None = None, *, ends: float | None = None
    ) -> tuple[int, Fields]:
        """As `get`, with a JSON body."""
        json_body = json.dumps(body, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
        return self._ask("POST", path, json_body, headers, ends or deadline())

    def _ask(
        self, method: str, target: str, body: bytes, headers: Mapping[str, str], ends: float
    ) -> tuple[int, Fields]:
        if time.monotonic() >= ends:  # an earlier request of the same call took all the time
            raise Silent(LATE)
        try:
            answer = self._once(method, target, body, headers, ends)
        except NotSent as fault:
            if str(fault) == WRONG_CERTIFICATE:  # a second try would find the same certificate
                raise Silent(str(fault)) from None
            answer = self._once_more(method, target, body, headers, ends)
        except NoAnswer as fault:
            raise Silent(str(fault)) from None
        return answer.status, _object(answer)

    def _once(self, method: str, target: str, body: bytes, headers: Mapping[str, str], ends: float) -> Answer:
        return self._client.request(
            method,
            self._prefix + target,
            body=body,
            headers={"Accept": "application/json", **headers},
            connect_within=limits.REGISTRY_CONNECT_WITHIN,
            answer_within=max(ends - time.monotonic(), 0.001),
        )

    def _once_more(self, method: str, target: str, body: bytes, headers: Mapping[str, str], ends: float) -> Answer:
        try:
            return self._once(method, target, body, headers, ends)
        except (NotSent, NoAnswer) as fault:
            raise Silent(str(fault)) from None


def _object(answer: Answer) -> Fields:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):  # HTML, half an answer, nothing
        found = None
    if not isinstance(found, dict):
        raise Silent(f"http_{answer.status}" if answer.status != 200 else "not_json")
    return found


def part(fields: Fields, name: str) -> Fields:
    """The object called `name` in `fields`; empty if there is none."""
    found = fields.get(name)
    return found if isinstance(found, dict) else {}


def word(value: object) -> str:
    """A provider's code or call number, as logs and rows take it: empty if it is anything else."""
    text = str(value) if type(value) in (int, str) else ""
    return text if _WORD.fullmatch(text) else ""
