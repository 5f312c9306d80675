from django.apps import AppConfig


class ShellConfig(AppConfig):
    name = "tamin_portal"

    def ready(self) -> None:
        from tamin_portal import checks, network_checks  # noqa: F401 - registers them
