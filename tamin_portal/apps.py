from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    name = "tamin_portal"
    label = "portal"
    verbose_name = _("The portal itself")

    def ready(self) -> None:
        from tamin_portal import checks, network_checks  # noqa: F401 - registers them
