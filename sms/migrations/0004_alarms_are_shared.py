from django.db import migrations


class Migration(migrations.Migration):
    """The table stays: see portal 0003."""

    dependencies = [("sms", "0003_dead_letters"), ("portal", "0003_alarms")]

    operations = [migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("Alarm")])]
