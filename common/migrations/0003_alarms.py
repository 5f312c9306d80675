from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def _move_permissions(old: str, new: str):
    """Whoever was allowed to see or end alarms still is: permissions hang on the content type."""

    def move(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
        types = apps.get_model("contenttypes", "ContentType").objects.filter(model="alarm")
        if not types.filter(app_label=new).exists():
            types.filter(app_label=old).update(app_label=new)

    return move


class Migration(migrations.Migration):
    """The table of alarms stays where it is, with its rows; registries have alarms too, so all rooms share it."""

    dependencies = [
        ("contenttypes", "0002_remove_content_type_name"),
        ("portal", "0002_breaker"),
        ("sms", "0003_dead_letters"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Alarm",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "code",
                            models.CharField(
                                choices=[
                                    ("out_of_order", "A gateway refuses our account: credit, key or line"),
                                    ("given_up", "A result could not be sent for three days"),
                                    ("budget", "The day's budget is nearly used"),
                                    ("pumping", "Codes are asked for and not used"),
                                    ("prefix", "Very many codes to numbers that begin alike"),
                                    ("receipts", "Receipts arrive that cannot be read"),
                                    ("registry", "A registry cannot be asked: key, quota or extract"),
                                    ("certificate", "A registry's certificate is not right"),
                                    ("daily_cap", "The day's inquiries are used up; requests wait"),
                                ],
                                max_length=20,
                                verbose_name="alarm",
                            ),
                        ),
                        ("subject", models.CharField(blank=True, max_length=50, verbose_name="about")),
                        ("detail", models.CharField(blank=True, max_length=200, verbose_name="detail")),
                        ("count", models.PositiveIntegerField(default=1, verbose_name="times")),
                        ("first_at", models.DateTimeField(auto_now_add=True, verbose_name="first")),
                        ("last_at", models.DateTimeField(auto_now_add=True, verbose_name="last")),
                        ("said_at", models.DateTimeField(auto_now_add=True)),
                        ("ended_at", models.DateTimeField(null=True, verbose_name="over since")),
                    ],
                    options={
                        "verbose_name": "alarm",
                        "verbose_name_plural": "alarms",
                        "db_table": "sms_alarm",
                        "constraints": [models.UniqueConstraint(fields=("code", "subject"), name="sms_alarm_key")],
                    },
                ),
            ]
        ),
        migrations.RunPython(_move_permissions("sms", "portal"), _move_permissions("portal", "sms")),
    ]
