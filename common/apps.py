from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CommonConfig(AppConfig):
    """The label is "portal", not "common", because tables, permissions and migrations are named by it."""

    name = "common"
    label = "portal"
    verbose_name = _("The portal itself")

    def ready(self) -> None:
        from common.thread_locals import keep_by_thread

        keep_by_thread()
