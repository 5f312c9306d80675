"""A name for each session that stays when its key changes; how and when the person of an account was proven."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_not_in_the_certificate"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.AddField(
            model_name="session",
            name="portal_sid",
            field=models.CharField(blank=True, db_default="", default="", max_length=32),
        ),
        migrations.AddField(
            model_name="user",
            name="identity_evidence",
            field=models.CharField(
                blank=True,
                choices=[("registry", "matched by the registries"), ("papers", "papers seen at a branch")],
                db_default="",
                default="",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="identity_proven_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
