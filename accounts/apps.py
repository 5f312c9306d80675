from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core import checks
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts and branches")

    def ready(self) -> None:
        from accounts.checks import (
            map_link_is_one,
            sign_ins_are_known,
            staff_type_a_code,
            templates_take_every_label,
        )
        from accounts.sessions.binding import bind_session
        from accounts.sessions.middleware import note_sign_out
        from accounts.sessions.store import begin_life

        # In this order: the binding is written into the new life of the session.
        user_logged_in.connect(begin_life, dispatch_uid="begin_life")
        user_logged_in.connect(bind_session, dispatch_uid="mark_session")
        user_logged_out.connect(note_sign_out, dispatch_uid="note_sign_out")
        checks.register(sign_ins_are_known, "portal")
        checks.register(templates_take_every_label, "portal")
        checks.register(map_link_is_one, "portal")
        checks.register(staff_type_a_code, "portal")
