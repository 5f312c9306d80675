from django.apps import AppConfig
from django.core import checks


class IdentityConfig(AppConfig):
    name = "identity"

    def ready(self) -> None:
        from identity.checks import registries_exist

        checks.register(registries_exist)
