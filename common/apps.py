from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CommonConfig(AppConfig):
    """The label is from when these rows were the shell's: tables and permissions keep their names."""

    name = "common"
    label = "portal"
    verbose_name = _("The portal itself")
