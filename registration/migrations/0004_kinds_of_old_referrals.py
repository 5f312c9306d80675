"""Events from before `kind` say which question sent a request to a branch: the tries of an ID are counted by it."""

from typing import Any

from django.db import migrations
from django.db.models import OuterRef, Subquery


def name_the_question(apps: Any, _schema_editor: Any) -> None:
    """The row's own verdict is of its last referral; until this version nothing was checked again after one."""
    event, registration = (apps.get_model("registration", name) for name in ("Event", "Registration"))
    of_the_row = registration.objects.filter(pk=OuterRef("registration")).values("verdict_kind")[:1]
    event.objects.filter(to_state="referred", kind="").update(kind=Subquery(of_the_row))


class Migration(migrations.Migration):
    dependencies = [
        ("registration", "0003_decisions_by_time"),
    ]

    operations = [
        migrations.RunPython(name_the_question, migrations.RunPython.noop),
    ]
