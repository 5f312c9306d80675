"""A misspelt gateway is refused at the start, not by the first citizen's missing code."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks


@pytest.mark.parametrize(
    ("names", "faults"), [(["inbox"], []), (["inbx"], ["sms.E001"]), (["inbox", "a", "b"], ["sms.E001", "sms.E001"])]
)
def test_every_gateway_named_in_the_settings_must_exist(settings, names, faults):
    settings.SMS_GATEWAYS = names

    assert [found.id for found in run_checks() if found.id.startswith("sms.")] == faults
