from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class OpenidConfig(AppConfig):
    name = "openid"
    verbose_name = _("Connected services")

    def ready(self) -> None:
        from accounts.home import catalogue
        from accounts.profile import menu
        from accounts.sessions import listeners
        from accounts.sign_in import destinations
        from openid.catalogue import look
        from openid.checks import services_have_keys, signing_keys_are_there
        from openid.ending import end_of_sessions
        from openid.logout import admin  # noqa: F401 - registers its page
        from openid.ways_back import came_from, name_of, ways_back

        listeners.register(end_of_sessions)
        destinations.register(name_of, came_from=came_from, ways_back=ways_back)
        catalogue.register(look)
        menu.register(_("Connected services"), "connected_services")
        checks.register(signing_keys_are_there, "portal")
        checks.register(services_have_keys, checks.Tags.database)
