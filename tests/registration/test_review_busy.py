"""A review that finds no place to hash while another device goes on with the registration."""

from __future__ import annotations

from typing import Any

import pytest

from common.errors import PortalError
from common.secrets import keyed_hash
from registration.models import Registration
from registration.services import journey
from tests.support.journeys import MATCHES, URL, Answers, code_on

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_busy_review_that_was_continued_elsewhere_meanwhile_leads_on(browser, monkeypatch):
    """The refused page is not drawn, because its browser may not keep what it says any more; and it is no error."""
    browser.step_one()
    browser.step_two(code_on(MATCHES.mobile))

    def busy(*_whose: Any) -> Any:
        Registration.objects.update(grant_hash=keyed_hash("grant", "of another device"))
        raise PortalError("hashing_busy", seconds=5)

    monkeypatch.setattr(journey.hashing_places, "place", busy)
    response = browser.step_three(Answers.of(MATCHES))
    assert (response.status_code, response["Location"]) == (302, URL)
