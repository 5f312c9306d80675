"""Local registry: answers from the imported extracts (`identity.extracts`).

Each question, about one claim or a batch, is one statement (`identity.sql`).
"""

from __future__ import annotations

from collections.abc import Sequence

from identity import sql
from identity.person import Claim, PersonRecord, born_of
from identity.registries.base import Inquiry, OwnerAnswer, OwnerInquiry, PersonAnswer, Registry, Reply

NO_EXTRACT = "no_extract"
_THEIRS, _NOT_THEIRS = (OwnerAnswer(Reply.ANSWERED, is_owner=is_owner) for is_owner in (True, False))


class LocalRegistry(Registry):
    """Answers from the database; MISCONFIGURED while no extract of the kind is loaded."""

    KIND = "local"
    takes_part_of_a_date = True

    def owner(self, inquiry: OwnerInquiry) -> OwnerAnswer:
        return self.owners([inquiry])[0]

    def person(self, inquiry: Inquiry) -> PersonAnswer:
        return self.people([inquiry])[0]

    def owners(self, inquiries: Sequence[OwnerInquiry]) -> list[OwnerAnswer]:
        """A mobile that the extract does not list for this ID is not theirs."""
        claims = [inquiry.claim for inquiry in inquiries]
        owned = sql.owners({claim.mobile for claim in claims})
        if owned is None:
            return [OwnerAnswer(Reply.MISCONFIGURED, code=NO_EXTRACT)] * len(claims)
        return [_THEIRS if (one.mobile, one.national_id) in owned else _NOT_THEIRS for one in claims]

    def people(self, inquiries: Sequence[Inquiry]) -> list[PersonAnswer]:
        """The key is ID and birth date, as at the real registries: a wrong date is NOT_FOUND. Of a date that one side
        does not know whole, the rest is the key."""
        known = sql.people({inquiry.claim.national_id for inquiry in inquiries})
        if known is None:
            return [PersonAnswer(Reply.MISCONFIGURED, code=NO_EXTRACT)] * len(inquiries)
        records = (_record(known.get(inquiry.claim.national_id), inquiry.claim) for inquiry in inquiries)
        return [PersonAnswer(Reply.ANSWERED, one) if one else PersonAnswer(Reply.NOT_FOUND) for one in records]


def _record(known: PersonRecord | None, claim: Claim) -> PersonRecord | None:
    """What is known of the claimed ID, if the birth date is the claimed one."""
    born, claimed = known and born_of(known), born_of(claim)
    return known if born and claimed and born.may_be(claimed) else None
