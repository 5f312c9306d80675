from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("identity", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Inquiries",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(verbose_name="day")),
                ("registry", models.CharField(max_length=20, verbose_name="registry")),
                ("question", models.CharField(max_length=6, verbose_name="question")),
                ("count", models.PositiveIntegerField(default=0, verbose_name="inquiries")),
                ("cost", models.PositiveBigIntegerField(default=0, verbose_name="cost in rials")),
            ],
            options={
                "verbose_name": "inquiries of a day",
                "verbose_name_plural": "inquiries by day",
                "constraints": [
                    models.UniqueConstraint(fields=("day", "registry", "question"), name="inquiries_key"),
                ],
            },
        ),
    ]
