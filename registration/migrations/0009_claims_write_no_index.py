from django.db import migrations, models

from common.concurrent_indexes import AddIndexConcurrently, RemoveIndexConcurrently

# Room on each page for the version of a row that a claim writes; only pages that are written from now on have it.
_ROOM = "ALTER TABLE registration_registration SET (fillfactor = {})"


def leave_room(_apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_ROOM.format(80))


def leave_none(_apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_ROOM.format(100))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("registration", "0008_came_from"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="registration",
            index=models.Index(
                condition=models.Q(("state", "submitted")), fields=["submitted_at", "id"], name="matching_queue"
            ),
        ),
        RemoveIndexConcurrently(model_name="registration", name="matching_due"),
        RemoveIndexConcurrently(model_name="registration", name="matching_oldest"),
        migrations.RunPython(leave_room, leave_none),
    ]
