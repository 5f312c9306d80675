from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core import checks
from django.utils.translation import gettext_lazy as _


def note_staff_sign_in(sender: Any, user: Any, **_said: Any) -> None:
    from django.contrib.auth.models import update_last_login

    if user.is_staff:
        update_last_login(sender, user)


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

        # A citizen's last sign-in is written with all the rest of it (accounts/sign_in/sql.py).
        user_logged_in.disconnect(dispatch_uid="update_last_login")
        user_logged_in.connect(note_staff_sign_in, dispatch_uid="note_staff_sign_in")
        # In this order: the binding is written into the new life of the session.
        user_logged_in.connect(begin_life, dispatch_uid="begin_life")
        user_logged_in.connect(bind_session, dispatch_uid="mark_session")
        user_logged_out.connect(note_sign_out, dispatch_uid="note_sign_out")
        checks.register(sign_ins_are_known, "portal")
        checks.register(templates_take_every_label, "portal")
        checks.register(map_link_is_one, "portal")
        checks.register(staff_type_a_code, "portal")
