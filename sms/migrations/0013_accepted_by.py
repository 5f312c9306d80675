from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sms", "0012_line_steps"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="accepted_by",
            field=models.BigIntegerField(editable=False, null=True),
        ),
    ]
