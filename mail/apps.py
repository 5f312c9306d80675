from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class MailConfig(AppConfig):
    name = "mail"
    verbose_name = _("E-mail")

    def ready(self) -> None:
        from mail.checks import mail_is_configured

        checks.register(mail_is_configured)
