from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class IdentityConfig(AppConfig):
    name = "identity"
    verbose_name = _("Identity matching")

    def ready(self) -> None:
        from identity.checks import registries_are_configured, registries_are_named, registries_are_real

        checks.register(registries_are_configured)
        checks.register(registries_are_named, "portal")
        checks.register(registries_are_real, "portal")
