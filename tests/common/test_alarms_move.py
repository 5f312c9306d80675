"""The table of alarms belongs to all rooms now: an update keeps its rows, and who may end them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from tests.support.migrating import migrate

BEFORE = [("portal", "0002_breaker"), ("sms", "0003_dead_letters")]
AFTER = [("portal", "0003_alarms"), ("sms", "0004_alarms_are_shared")]


def rooms_of_the_permission() -> list[str]:
    return [one.content_type.app_label for one in Permission.objects.filter(codename="change_alarm")]


@pytest.mark.django_db(transaction=True)
def test_standing_alarms_and_permissions_survive_the_update_and_its_reversal(an_older_portal):
    an_older_portal.get_model("sms", "Alarm").objects.create(code="budget", subject="x", detail="80 of 100")
    for app, step in (("portal", AFTER), ("sms", BEFORE)):
        [alarm] = migrate(step).get_model(app, "Alarm").objects.all()
        assert (alarm.code, alarm.subject, alarm.detail) == ("budget", "x", "80 of 100")
        assert rooms_of_the_permission() == [app]
