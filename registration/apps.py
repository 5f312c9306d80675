from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class RegistrationConfig(AppConfig):
    name = "registration"
    verbose_name = _("Registrations")

    def ready(self) -> None:
        from registration.checks import policies_are_known

        checks.register(policies_are_known, "portal")
