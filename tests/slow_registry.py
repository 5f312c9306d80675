"""A registry that takes its time and confirms whatever is claimed: for killing workers in the middle."""

from __future__ import annotations

import time

from identity.matching import PersonRecord
from identity.registries.base import Inquiry, OwnerAnswer, PersonAnswer, Reply

SECONDS = 0.25  # each question


class SlowRegistry:
    def owner(self, inquiry: Inquiry) -> OwnerAnswer:
        time.sleep(SECONDS)
        return OwnerAnswer(Reply.ANSWERED, is_owner=True)

    def person(self, inquiry: Inquiry) -> PersonAnswer:
        time.sleep(SECONDS)
        claim = inquiry.claim
        names = PersonRecord.__dataclass_fields__.keys() - {"deceased"}
        return PersonAnswer(Reply.ANSWERED, PersonRecord(**{name: getattr(claim, name) for name in names}))
