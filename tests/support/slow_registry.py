"""A registry that takes its time and confirms whatever is claimed: for killing workers in the middle."""

from __future__ import annotations

import time

from identity.person import PersonRecord, fields_of
from identity.registries.base import Inquiry, OwnerAnswer, OwnerInquiry, PersonAnswer, Registry, Reply

SECONDS = 0.25  # each question


class SlowRegistry(Registry):
    on_network = True  # one call at a time

    def owner(self, inquiry: OwnerInquiry) -> OwnerAnswer:
        time.sleep(SECONDS)
        return OwnerAnswer(Reply.ANSWERED, is_owner=True)

    def person(self, inquiry: Inquiry) -> PersonAnswer:
        time.sleep(SECONDS)
        return PersonAnswer(Reply.ANSWERED, PersonRecord(**fields_of(inquiry.claim)))
