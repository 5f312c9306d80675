"""An update of a portal whose events did not say which question decided: the tries that were used stay used."""

from __future__ import annotations

import pytest

from registration.services import second_chance
from tests.support.journeys import MATCHES, OTHER_NAME
from tests.support.migrating import migrate, newest

BEFORE = [("registration", "0001_initial")]


@pytest.mark.django_db(transaction=True)
def test_old_referrals_name_the_question_that_decided(an_older_portal):
    rows, events = (an_older_portal.get_model("registration", name) for name in ("Registration", "Event"))
    for person, kind in ((OTHER_NAME, "identity"), (MATCHES, "owner")):
        facts = {"national_id": person.national_id, "mobile": "+989121234567", "operator": "mci"}
        row = rows.objects.create(state="referred", verdict="mismatch", verdict_kind=kind, **facts)
        for state in ("submitted", "referred", "submitted", "referred"):
            events.objects.create(registration=row, actor="portal", to_state=state, why="mismatch")
    new = migrate([("registration", "0004_kinds_of_old_referrals")]).get_model("registration", "Event")
    assert list(new.objects.order_by("pk").values_list("to_state", "kind")) == [
        ("submitted", ""), ("referred", "identity"), ("submitted", ""), ("referred", "identity"),
        ("submitted", ""), ("referred", "owner"), ("submitted", ""), ("referred", "owner"),
    ]  # fmt: skip
    migrate(newest())
    assert second_chance.tries_left(national_id=OTHER_NAME.national_id) == 1
    assert second_chance.tries_left(national_id=MATCHES.national_id) == 2
