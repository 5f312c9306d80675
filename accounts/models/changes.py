"""The tables of changes that wait for a proof: another mobile number, another e-mail address."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from accounts.models.people import User


class MobileChangeStage(models.TextChoices):
    CODE_SENT = "code_sent"
    OWNER_ASKED = "owner_asked"  # the code was right; a worker asks whose the number is
    DONE = "done"
    MISMATCHED = "mismatched"  # not in the owner's name
    LATE = "late"  # no registry answered in time
    ENDED = "ended"  # another change, a new password, a frozen account


class MobileChange(models.Model):
    """A change of the mobile number, from the password until the new number is in force. At most one of an account is
    open."""

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)  # the asker of its codes
    account = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    mobile = models.CharField(max_length=13)
    operator = models.CharField(max_length=20, blank=True)
    stage = models.CharField(max_length=12, choices=MobileChangeStage, default=MobileChangeStage.CODE_SENT)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(stage__in=(MobileChangeStage.CODE_SENT, MobileChangeStage.OWNER_ASKED)),
                name="one_open_mobile_change",
            )
        ]


class EmailChange(models.Model):
    """A link that was sent to an e-mail address. Only the newest one of an account works."""

    account = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    email = models.EmailField()
    token_hash = models.CharField(max_length=64, unique=True)  # keyed
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
