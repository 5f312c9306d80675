"""The tables of one-time codes, and of counted tries."""

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


class Allowance(models.TextChoices):
    """A kind of requester, whose codes of a number are counted separately: requests of one kind never use up the codes
    of another (`accounts.codes.allowances`)."""

    ASKED = "asked"  # anybody can ask for these: registration, recovery, sign-in by code
    TRUSTED = "trusted"  # asked for on a device that the account's owner called their own
    PASSWORD = "password"  # noqa: S105 - after the right password
    SIGNED_IN = "signed_in"  # for a new mobile, by who is signed in and has typed the password again
    DESK = "desk"  # by a member of staff, with the citizen there


class OneTimeCode(models.Model):
    """A code that was asked for, bound to its purpose, its mobile and the session that asked (`asker`).

    Without a hash none was sent (yet) for this session. With `next_attempt_at` the row is then a place in the number's
    queue, and gets a code by itself; without it, the row only counts the session's tries. When a code is sent,
    `created_at` becomes the moment of sending.
    """

    purpose = models.CharField(max_length=12, choices=CodePurpose)
    mobile = models.CharField(max_length=13)
    asker = models.CharField(max_length=64)  # keyed hash
    code_hash = models.CharField(max_length=64, blank=True)
    message = models.OneToOneField("sms.Message", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    allowance = models.CharField(max_length=10, choices=Allowance, default=Allowance.ASKED)
    is_kept = models.BooleanField(default=False)  # one of the codes kept for addresses that have had none
    address = models.CharField(max_length=32, blank=True)  # who asked: common.abuse.origins
    network = models.CharField(max_length=32, blank=True)
    is_good = models.BooleanField(default=True)  # the address's conduct when it asked: which share of the budget pays
    operator = models.CharField(max_length=20, blank=True)
    next_attempt_at = models.DateTimeField(null=True)  # of a place: when it is due
    is_held = models.BooleanField(default=False)  # a place that waits for its turn, or for a proof of work
    tries = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)
    used_for = models.CharField(
        max_length=64, blank=True
    )  # what it was used for; a retry may use it for the same again
    # Not stored: the hashes of its asker under every key, once it was tried. The key may have been changed meanwhile.
    askers: Sequence[str] = ()

    class Meta:
        indexes = [
            models.Index(fields=["mobile", "purpose", "created_at"], name="code_by_mobile"),
            models.Index(
                fields=["next_attempt_at"], name="code_due", condition=models.Q(next_attempt_at__isnull=False)
            ),
        ]


class SignInFailures(models.Model):
    """How many tries in a row failed for one account on one device (both keyed hashes): sign-ins, and looks at a
    status. `accounts.sign_in.throttle` writes a row before the try is compared."""

    account = models.CharField(max_length=64)
    device = models.CharField(max_length=64)
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()
    blocked_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "device"], name="sign_in_failures_key")]
