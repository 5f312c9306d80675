"""Labels of two choices say "administrator", no longer "operator"; nothing is done to the tables."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_accounts_by_mobile"),
    ]

    operations = [
        migrations.AlterField(
            model_name="accountevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("signed_in", "Signed in"),
                    ("device_trusted", "Signed in on a device that is remembered from now on"),
                    ("device_forgotten", "A remembered device was forgotten"),
                    ("closed_sign_in", "Somebody tried to get in while it was closed"),
                    ("many_failures", "Many wrong passwords were tried"),
                    ("password_changed", "The password was changed"),
                    ("answer_tried", "The security answer was wrong"),
                    ("answer_right", "The security answer was right"),
                    ("recovered", "The password was recovered"),
                    ("recovery_ready", "The recovery can go on"),
                    ("recovery_refused", "The recovery ended: the mobile is not in the owner's name"),
                    ("email_asked", "A link was sent to an e-mail address"),
                    ("email_changed", "The e-mail address was confirmed"),
                    ("mobile_asked", "A change of the mobile number was begun"),
                    ("mobile_refused", "The new mobile number is not in the owner's name"),
                    ("mobile_late", "The registry did not answer in time about the new mobile number"),
                    ("mobile_changed", "The mobile number was changed"),
                    ("question_changed", "The security question was changed"),
                    ("code_on", "A code is asked for on new devices from now on"),
                    ("code_off", "Two-step sign-in was switched off"),
                    ("session_ended", "One session was ended"),
                    ("sessions_ended", "All sessions were ended"),
                    ("session_elsewhere", "A session was used from another browser and was ended"),
                    ("frozen", "The account was frozen by its owner"),
                    ("deactivated", "The account was deactivated"),
                    ("reactivated", "The account was opened again"),
                    ("looked_at", "An administrator looked at the history"),
                ],
                max_length=20,
                verbose_name="what",
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="closure",
            field=models.CharField(
                blank=True,
                choices=[("frozen", "frozen by its owner"), ("deactivated", "deactivated by an administrator")],
                default="",
                max_length=12,
                verbose_name="closed",
            ),
        ),
    ]
