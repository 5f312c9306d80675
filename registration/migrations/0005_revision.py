"""The field `corrections` is called `revision` from now on; its column stays, so nothing is done to the table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registration", "0004_kinds_of_old_referrals")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField("registration", "corrections", "revision"),
                migrations.AlterField(
                    "registration",
                    "revision",
                    models.PositiveSmallIntegerField(db_column="corrections", default=0),
                ),
            ]
        )
    ]
