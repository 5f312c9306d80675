"""The tables of proofs by people who are not signed in: challenges, questions about the owner of a mobile, failed
sign-ins."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from accounts.models.changes import MobileChange
from accounts.models.codes import CodePurpose
from accounts.models.people import User
from common.leases import Leased


class ChallengeStage(models.TextChoices):
    """The stages of a challenge, in their order; only a recovery goes beyond PROVEN."""

    ASKED = "asked"  # a worker looks for the account, and sends the code
    CODE_SENT = "code_sent"  # or nothing was sent, which looks the same to the browser
    PROVEN = "proven"  # the code was right
    OWNER_ASKED = "owner_asked"  # the answer was right; a worker asks whose the mobile is
    OWNER_MATCHED = "owner_matched"  # a new password may be set
    OWNER_MISMATCHED = "owner_mismatched"  # only a branch can help
    DONE = "done"
    ENDED = "ended"  # overtaken: another recovery, a new password, a frozen account


class Challenge(Leased):
    """A browser gives a national ID and has to prove that it holds the mobile on record.

    The same row is written for every ID; a worker finds the account (`account`), so that no page and no delay tells
    whether there is one.
    """

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)  # in that browser's session
    purpose = models.CharField(max_length=12, choices=CodePurpose)
    national_id = models.CharField(max_length=10)
    account = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    mobile = models.CharField(max_length=13, blank=True)  # where the code went; a decoy without an account
    stage = models.CharField(max_length=16, choices=ChallengeStage, default=ChallengeStage.ASKED)
    created_at = models.DateTimeField(default=timezone.now)
    asked_at = models.DateTimeField(default=timezone.now)  # for the code, the last time
    proven_at = models.DateTimeField(null=True)
    address = models.CharField(max_length=32, blank=True)  # who asked: common.abuse.origins
    network = models.CharField(max_length=32, blank=True)
    is_good = models.BooleanField(default=True)  # the address's conduct when it asked
    is_trusted = models.BooleanField(default=False)  # asked for on a trusted device of this account
    is_held = models.BooleanField(default=False)  # waits for its turn, or for a proof of work

    class Meta:
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="challenge_due",
                condition=models.Q(next_attempt_at__isnull=False),
            ),
            models.Index(fields=["created_at"], name="challenge_by_age"),
        ]


class OwnerCheck(Leased):
    """A question to the registry of mobile owners: does `mobile` belong to the account's owner? One challenge or one
    change waits for the answer."""

    account = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    mobile = models.CharField(max_length=13)
    challenge = models.OneToOneField(Challenge, null=True, on_delete=models.CASCADE, related_name="owner_check")
    change = models.OneToOneField(MobileChange, null=True, on_delete=models.CASCADE, related_name="owner_check")
    created_at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=16, blank=True)  # of the last inquiry: an Outcome of identity.matching

    class Meta:
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="owner_check_due",
                condition=models.Q(next_attempt_at__isnull=False),
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(challenge__isnull=False, change__isnull=True)
                | models.Q(challenge__isnull=True, change__isnull=False),
                name="owner_check_is_for_one_thing",
            )
        ]


class FailedSignIn(Leased):
    """A refused sign-in, or one whose password is compared at this moment: the same row for every ID. A worker notifies
    the owner (`accounts.sign_in.refusals`)."""

    national_id = models.CharField(max_length=10)
    right_password = models.BooleanField(default=False)  # the account is closed
    browser = models.CharField(max_length=64, blank=True)  # keyed hash: accounts.sign_in.risk
    stopped_at_code = models.BooleanField(default=False)  # the password was right, and `risk` asked for a code
    counts = models.BooleanField(default=True)  # no good sign-in since; for a stopped one: none in the same browser
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="failed_sign_in_due",
                condition=models.Q(next_attempt_at__isnull=False),
            ),
            models.Index(fields=["national_id", "created_at"], name="failed_sign_ins_of_one"),
        ]
