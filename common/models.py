"""Tables that all apps share: request counts, conduct, proofs, turns, the installation's mode, maintenance, breakers,
alarms."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common import limits
from common.sentences import in_words, when_read


class PostCount(models.Model):
    """POSTs of one address (a keyed hash) in one minute: counted by `PostBrake`, read by `proxies.watch`."""

    address = models.CharField(max_length=64)
    minute = models.PositiveIntegerField()  # minutes since 1970
    posts = models.PositiveIntegerField(default=0)
    private = models.BooleanField(default=False, db_default=False)  # an address that nobody on the Internet has

    class Meta:
        constraints = [models.UniqueConstraint(fields=["address", "minute"], name="post_count_key")]


class Tally(models.Model):
    """Tries and good ends in one time slot of one scope (a keyed hash: of an address, a network, …). Written and read
    by `common.abuse.conduct` only."""

    scope = models.CharField(max_length=32)
    slot = models.PositiveIntegerField()  # limits.CONDUCT_SLOT since 1970
    shard = models.PositiveSmallIntegerField(default=0)
    tried = models.IntegerField(default=0)  # may be negative: what is taken back may belong to the slot before
    good = models.IntegerField(default=0)
    about = models.CharField(max_length=20, default="", db_default="")  # of an address or a network: "password:address"

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "slot", "shard"], name="tally_key")]
        indexes = [models.Index(fields=["slot"], name="tally_by_age")]


class SpentProof(models.Model):
    """A proof of work that was used; each is good once. Written by `common.abuse.proof_of_work` only."""

    nonce = models.CharField(max_length=64, unique=True)
    used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["used_at"], name="spent_proof_by_age")]


class Turn(models.Model):
    """A place in the queue of requests without proof of work (`common.abuse.turns`). `name`: a keyed hash of what
    waits; `reference`: how its owner finds it."""

    queue = models.CharField(max_length=10)
    name = models.CharField(max_length=32)
    reference = models.CharField(max_length=40, blank=True)
    address = models.CharField(max_length=32, blank=True)
    network = models.CharField(max_length=32)
    rank = models.PositiveIntegerField()  # the lowest comes first
    created_at = models.DateTimeField(default=timezone.now)
    called_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["queue", "name"], name="turn_key")]
        indexes = [
            models.Index(
                fields=["queue", "rank", "created_at"], name="turn_order", condition=models.Q(called_at__isnull=True)
            ),
            models.Index(fields=["queue", "called_at"], name="turn_called"),
            models.Index(fields=["created_at"], name="turn_by_age"),
        ]


class Installation(models.Model):
    """The mode that this database was made for: one row, written at the first start (common/installation.py)."""

    mode = models.CharField(max_length=10)  # PORTAL_MODE of the first start
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="only_one_installation")]


class Maintenance(models.Model):
    """The one row, while citizens are told that the portal is being worked on (`common.maintenance`)."""

    until = models.DateTimeField()  # when it will be over, as far as one knows: what pages say
    began_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="only_one_maintenance")]


class Breaker(models.Model):
    """The circuit breaker of one service. Read and written by `common.breaker` only."""

    name = models.CharField(max_length=100, unique=True)
    recent = models.CharField(max_length=40, blank=True)  # the last results, newest last: 1 good, 0 failed
    open_until = models.DateTimeField(null=True)  # null: closed
    pause = models.DurationField(null=True)  # the current pause; the next is twice as long
    trial_until = models.DateTimeField(null=True)  # until then a trial call is under way; after it another may be made
    reason = models.CharField(max_length=120, blank=True)  # why it was opened by hand or at once
    changed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class AlarmCode(models.TextChoices):
    """What an alarm is about. The codes are stable for log watchers, after the app's name."""

    OUT_OF_ORDER = "out_of_order", _("A gateway refuses our account: credit, key or line")
    GIVEN_UP = (
        "given_up",
        when_read(lambda: _("A result could not be sent for %(span)s") % {"span": in_words(limits.SMS_RESULT_GIVE_UP)}),
    )
    BUDGET = "budget", _("The day's budget is nearly used")
    PUMPING = "pumping", _("Codes are asked for and not used")
    PREFIX = "prefix", _("Very many codes to numbers that begin alike")
    SPRAYING = "spraying", _("Very many sign-ins fail")
    RECEIPTS = "receipts", _("Receipts arrive that cannot be read")
    UNSEEN = "unseen", _("A new gateway gets no messages until a test SMS has been read and confirmed")
    REGISTRY = "registry", _("A registry cannot be asked: key, quota or extract")
    CERTIFICATE = "certificate", _("A registry's certificate is not right")
    DAILY_CAP = "daily_cap", _("The day's inquiries are used up; requests wait")
    SERVER = "server", _("The mail server cannot be reached, or refuses us; letters wait")
    LETTER_GIVEN_UP = (
        "letter_given_up",
        when_read(lambda: _("A letter could not be sent for %(span)s") % {"span": in_words(limits.MAIL_GIVE_UP)}),
    )
    PROXIES = "proxies", _("All requests come from one private address: a proxy is not trusted")
    LOGOUT = "logout", _("A connected service does not take sign-outs; its sessions go on")

    @property
    def room(self) -> str:
        """The app of the alarm: the first word of the line in the log."""
        if self in (self.SERVER, self.LETTER_GIVEN_UP):
            return "mail"
        if self in (self.PROXIES, self.LOGOUT):
            return "portal" if self == self.PROXIES else "openid"
        return "identity" if self in (self.REGISTRY, self.CERTIFICATE, self.DAILY_CAP) else "sms"


def alarm_codes() -> list[tuple[str, Any]]:
    """The choices of `Alarm.code`: a function, so that no migration contains labels with limits."""
    return AlarmCode.choices


class Alarm(models.Model):
    """Something an administrator must look at (`common.alarms`); over when `ended_at` is set."""

    code = models.CharField(_("alarm"), max_length=20, choices=alarm_codes)
    subject = models.CharField(_("about"), max_length=50, blank=True)
    detail = models.CharField(_("detail"), max_length=200, blank=True)
    count = models.PositiveIntegerField(_("times"), default=1)
    first_at = models.DateTimeField(_("first"), auto_now_add=True)
    last_at = models.DateTimeField(_("last"), auto_now_add=True)
    said_at = models.DateTimeField(auto_now_add=True)  # when the line was last written
    ended_at = models.DateTimeField(_("over since"), null=True)

    class Meta:
        db_table = "sms_alarm"  # the table's name is older than the alarms of other apps
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")
        constraints = [models.UniqueConstraint(fields=["code", "subject"], name="sms_alarm_key")]

    def __str__(self) -> str:
        return f"{self.code} {self.subject}".strip()
