from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts and branches")

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from accounts.signed_in import mark_session

        user_logged_in.connect(mark_session, dispatch_uid="accounts.mark_session")
