from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class RegistrationConfig(AppConfig):
    name = "registration"
    verbose_name = _("Registrations")

    def ready(self) -> None:
        from accounts.recovery.session import register_city_finder
        from registration.checks import policies_are_known
        from registration.session import city_of_journey

        register_city_finder(city_of_journey)
        checks.register(policies_are_known, "portal")
