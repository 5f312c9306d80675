"""The tables of an account's history, and of the "not me" links by which its owner freezes it."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User


class EventKind(models.TextChoices):
    """All kinds of events in the history of an account; `accounts.life.notices` says who is told of each.

    The creation and the activation are in the account's own columns.
    """

    SIGNED_IN = "signed_in", _("Signed in")
    DEVICE_TRUSTED = "device_trusted", _("Signed in on a device that is remembered from now on")
    DEVICE_FORGOTTEN = "device_forgotten", _("A remembered device was forgotten")
    CLOSED_SIGN_IN = "closed_sign_in", _("Somebody tried to get in while it was closed")
    MANY_FAILURES = "many_failures", _("Many wrong passwords were tried")
    PASSWORD_CHANGED = "password_changed", _("The password was changed")
    ANSWER_TRIED = "answer_tried", _("The security answer was wrong")  # written before it is compared
    ANSWER_RIGHT = "answer_right", _("The security answer was right")
    RECOVERED = "recovered", _("The password was recovered")
    RECOVERY_READY = "recovery_ready", _("The recovery can go on")
    RECOVERY_REFUSED = "recovery_refused", _("The recovery ended: the mobile is not in the owner's name")
    EMAIL_ASKED = "email_asked", _("A link was sent to an e-mail address")
    EMAIL_CHANGED = "email_changed", _("The e-mail address was confirmed")
    MOBILE_ASKED = "mobile_asked", _("A change of the mobile number was begun")
    MOBILE_REFUSED = "mobile_refused", _("The new mobile number is not in the owner's name")
    MOBILE_LATE = "mobile_late", _("The registry did not answer in time about the new mobile number")
    MOBILE_CHANGED = "mobile_changed", _("The mobile number was changed")
    QUESTION_CHANGED = "question_changed", _("The security question was changed")
    CODE_ON = "code_on", _("A code is asked for on new devices from now on")
    CODE_OFF = "code_off", _("Two-step sign-in was switched off")
    SESSION_ENDED = "session_ended", _("One session was ended")
    SESSIONS_ENDED = "sessions_ended", _("All sessions were ended")
    SESSION_ELSEWHERE = "session_elsewhere", _("A session was used from another browser and was ended")
    FROZEN = "frozen", _("The account was frozen by its owner")
    DEACTIVATED = "deactivated", _("The account was deactivated")
    REACTIVATED = "reactivated", _("The account was opened again")
    SERVICE_CONNECTED = "service_connected", _("A service of another organization was connected")
    SERVICE_DISCONNECTED = "service_disconnected", _("A service was disconnected")
    LOOKED_AT = "looked_at", _("An administrator looked at the history")


class AccountEvent(models.Model):
    """One event in an account's history. `details` never holds a secret or a whole number, only masked numbers and
    counts."""

    account = models.ForeignKey(User, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(_("what"), max_length=20, choices=EventKind)
    at = models.DateTimeField(_("when"), default=timezone.now)
    actor = models.CharField(_("who"), max_length=80)  # as `accounts.life.notices` writes it
    reason = models.CharField(_("why"), max_length=500, blank=True)
    browser = models.CharField(max_length=80, blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [models.Index(fields=["account", "-at"], name="event_by_account")]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class FreezeLink(models.Model):
    """The "not me" link of one message: it can only freeze the account."""

    account = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    event = models.ForeignKey(AccountEvent, on_delete=models.CASCADE, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True)  # keyed
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True)
