"""Gateways that had carried messages before this rule count as seen: those that delivered one, and those that report no
deliveries and accepted one. A test SMS is no message: it may have shown that the gateway is set up wrongly. An upgrade
must not stop a portal that works."""

from django.db import migrations, models
from django.db.models import Q


def count_as_seen(apps, schema_editor):
    message, seen = apps.get_model("sms", "Message"), apps.get_model("sms", "GatewaySeen")
    carried = message.objects.filter(Q(state="delivered") | Q(state="accepted", final_at__isnull=False))
    carried = carried.exclude(gateway="").exclude(dedupe_key__startswith="test:")
    names = carried.values_list("gateway", flat=True).distinct()
    rows = [seen(gateway=name, how="delivered", by="") for name in names]
    seen.objects.bulk_create(rows, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("sms", "0007_lines_and_binds")]

    operations = [
        migrations.CreateModel(
            name="GatewaySeen",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("gateway", models.CharField(max_length=30, unique=True, verbose_name="gateway")),
                ("kind", models.CharField(blank=True, max_length=30, verbose_name="kind")),
                (
                    "how",
                    models.CharField(
                        choices=[
                            ("delivered", "It had carried messages before"),
                            ("confirmed", "A test SMS was read and confirmed"),
                            ("assumed", "Assumed, without a test SMS"),
                        ],
                        max_length=10,
                        verbose_name="how",
                    ),
                ),
                ("by", models.CharField(blank=True, max_length=150, verbose_name="by")),
                ("at", models.DateTimeField(auto_now=True, verbose_name="at")),
            ],
            options={"verbose_name": "seen gateway", "verbose_name_plural": "seen gateways"},
        ),
        migrations.RunPython(count_as_seen, migrations.RunPython.noop),
    ]
