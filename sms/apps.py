from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class SmsConfig(AppConfig):
    name = "sms"
    verbose_name = _("SMS")

    def ready(self) -> None:
        from sms.checks import gateways_are_seen, gateways_reach_phones, sending_is_configured

        checks.register(sending_is_configured)
        checks.register(gateways_reach_phones, "portal")
        checks.register(gateways_are_seen, checks.Tags.database)
