"""One-time codes, and tries that are counted."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class CodePurpose(models.TextChoices):
    REGISTER = "register", _("registration")
    DESK = "desk", _("activation at the branch")
    SIGN_IN = "sign_in", _("sign-in")
    SECOND_STEP = "second_step", _("sign-in")  # after the right password
    RECOVERY = "recovery", _("password recovery")
    NEW_MOBILE = "new_mobile", _("change of mobile")


class OneTimeCode(models.Model):
    """A code that was asked for: bound to purpose, mobile and the session that asked (`asker`).

    Without a message: the number had a code less than a minute ago, so none was sent for this
    session; the row still counts this session's tries.
    """

    purpose = models.CharField(max_length=12, choices=CodePurpose)
    mobile = models.CharField(max_length=13)
    asker = models.CharField(max_length=64)  # keyed hash
    code_hash = models.CharField(max_length=64, blank=True)
    message = models.OneToOneField("sms.Message", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    tries = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)
    used_for = models.CharField(max_length=64, blank=True)  # what it proved; a retry proves the same again
    # Not stored: the hashes of its asker under every key, once it was tried. The key may have been changed meanwhile.
    askers: Sequence[str] = ()

    class Meta:
        indexes = [models.Index(fields=["mobile", "purpose", "created_at"], name="code_by_mobile")]


class SignInFailures(models.Model):
    """Tries in a row, none of them right, for one account on one device (both keyed hashes): sign-ins, and
    looks at a status. Written by `accounts.throttle` before the try is looked at.
    """

    account = models.CharField(max_length=64)
    device = models.CharField(max_length=64)
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()
    blocked_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "device"], name="sign_in_failures_key")]
