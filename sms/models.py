"""Tables of SMS: messages with attempts and parts, pushed receipts, gateway switches. They hold mobiles and texts, no
persons."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from common.leases import Leased


class MessageKind(models.TextChoices):
    CODE = "code", _("Code")
    ALERT = "alert", _("Security notice")  # tells an owner of a change that a thief may have made
    RESULT = "result", _("Result")
    NOTICE = "notice", _("Notice")


class Share(models.TextChoices):
    """The share of the daily budget that a message counts to, highest first (`sms.shares`)."""

    RESULTS = "results", _("Results and notices")
    OWN = "own", _("Codes after the password, on a trusted device or at the desk")
    PROVEN = "proven", _("Codes to numbers that were proven once")
    NEW = "new", _("Codes to new numbers")
    REST = "rest", _("All others")


def share_of(kind: str, share: str = "") -> Share:
    """`share`, or, if it is empty, the share of messages of this `kind`. It is empty in rows that were written without
    one."""
    if share:
        return Share(share)
    return Share.REST if kind == MessageKind.CODE else Share.RESULTS


class MessageState(models.TextChoices):
    QUEUED = "queued", _("Queued")
    SENDING = "sending", _("Sending")
    ACCEPTED = "accepted", _("Accepted by the gateway")
    DELIVERED = "delivered", _("Delivered")
    UNDELIVERED = "undelivered", _("Not delivered")
    UNKNOWN = "unknown", _("Unknown")
    FAILED = "failed", _("Failed")
    EXPIRED = "expired", _("Expired")
    CANCELLED = "cancelled", _("Cancelled")


class Message(Leased):
    """One SMS. `sms.outbox` writes it in the transaction of whoever needs it, `sms.sending.drain` sends it.

    `key` is the client key, by which a gateway may recognise a repeated send. `sent_at` is when a gateway accepted it
    or, in state unknown, when the doubtful attempt began; the life of a code counts from it.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    dedupe_key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=MessageKind)
    # Empty: by kind (`share_of`). The default is the database's too: a process of an older version writes no share.
    share = models.CharField(_("share"), max_length=10, choices=Share, blank=True, default="", db_default="")
    priority = models.PositiveSmallIntegerField()  # `outbox.PRIORITY`: lower goes first
    to = models.CharField(_("mobile"), max_length=13)
    operator = models.CharField(_("operator"), max_length=20, blank=True)
    text = models.TextField(_("text"), blank=True)  # blank once scrubbed
    parts = models.PositiveSmallIntegerField(_("parts"))
    state = models.CharField(_("state"), max_length=12, choices=MessageState, default=MessageState.QUEUED)
    gateway = models.CharField(_("gateway"), max_length=30, blank=True)  # the last one tried
    provider_id = models.TextField(blank=True)  # one for each part, with blanks between them; several have a Part each
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)  # not sent from this moment on
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    final_at = models.DateTimeField(_("final"), null=True, blank=True)
    poll_at = models.DateTimeField(null=True, blank=True, editable=False)  # when its gateway is asked next
    # The attempt that was accepted, where its own row does not say so: that one is not written a second time.
    accepted_by = models.BigIntegerField(null=True, editable=False)

    class Meta:
        verbose_name = _("SMS message")
        verbose_name_plural = _("SMS messages")
        indexes = [
            models.Index(
                fields=["priority", "next_attempt_at"],
                name="sms_due",
                condition=models.Q(next_attempt_at__isnull=False),
            ),
            models.Index(fields=["to", "-created_at"], name="sms_by_number"),
            models.Index(
                fields=["provider_id", "gateway"], name="sms_by_provider_id", condition=~models.Q(provider_id="")
            ),
            models.Index(
                fields=["gateway", "poll_at"],
                name="sms_waits_for_receipt",
                condition=models.Q(state=MessageState.ACCEPTED, final_at__isnull=True),
            ),
            models.Index(fields=["sent_at"], name="sms_by_day", condition=models.Q(sent_at__isnull=False)),
            models.Index(
                fields=["final_at"],
                name="sms_dead_letters",
                condition=models.Q(state__in=(MessageState.FAILED, MessageState.EXPIRED)),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=MessageState.values), name="sms_state_is_known"),
            models.CheckConstraint(
                condition=models.Q(final_at__isnull=True) | models.Q(next_attempt_at__isnull=True),
                name="sms_final_is_not_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} {self.state}"


class AttemptOutcome(models.TextChoices):
    """What one call came to (`gateways.base.Outcome`); NOT_SENT is what a look-up found out later."""

    UNFINISHED = "", _("No answer on record")
    ACCEPTED = "accepted", _("Accepted by the gateway")
    TRY_AGAIN = "try_again", _("Not sent, can be tried again")
    REFUSED = "refused", _("Refused for good")
    OUT_OF_ORDER = "out_of_order", _("Gateway out of order")
    UNKNOWN = "unknown", _("Unknown")
    NOT_SENT = "not_sent", _("Not sent, as a look-up found")


DOUBTFUL = (AttemptOutcome.UNFINISHED, AttemptOutcome.UNKNOWN)  # attempts after which the message was perhaps sent


class AttemptQuery(models.QuerySet["Attempt"]):
    def with_ends(self) -> AttemptQuery:
        """With `result`, the outcome, and `ended_at`, also of the attempts that `Message.accepted_by` tells about."""
        accepted = models.Q(outcome=AttemptOutcome.UNFINISHED, message__accepted_by=models.F("pk"))
        result = models.Case(models.When(accepted, then=models.Value(AttemptOutcome.ACCEPTED)), default="outcome")
        ended_at = models.Case(models.When(accepted, then="message__sent_at"), default="finished_at")
        return self.annotate(result=result, ended_at=ended_at)


class Attempt(models.Model):
    """One call of a gateway, committed before the network is used. An accepted one is mostly not written again: its
    message says so (`with_ends`)."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="tries")
    gateway = models.CharField(_("gateway"), max_length=30)
    started_at = models.DateTimeField(_("started"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=20, choices=AttemptOutcome, blank=True, default="")
    detail = models.CharField(_("detail"), max_length=120, blank=True)  # the gateway's code, never a number or a text

    objects = AttemptQuery.as_manager()

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")

    def __str__(self) -> str:
        return f"{self.gateway} {self.outcome}"


class InboxMessage(models.Model):
    """One SMS that the inbox gateway stored: its own copy, as a phone would hold it (demo mode)."""

    key = models.UUIDField(unique=True)
    to = models.CharField(max_length=13, db_index=True)
    kind = models.CharField(max_length=10)
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Part(models.Model):
    """One part of a message whose gateway reports each part; written only if there are several."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")
    gateway = models.CharField(max_length=30)
    provider_id = models.CharField(max_length=100)
    state = models.CharField(max_length=12, choices=MessageState, default=MessageState.ACCEPTED)
    told_at = models.DateTimeField(null=True)  # when its receipt came

    class Meta:
        indexes = [models.Index(fields=["provider_id", "gateway"], name="sms_part_by_id")]


class ReceiptState(models.TextChoices):
    NEW = "new", _("New")
    HELD = "held", _("Held: its message is not known yet")
    DONE = "done", _("Done")
    UNMATCHED = "unmatched", _("Of no message of ours")
    MALFORMED = "malformed", _("Malformed")


class Receipt(Leased):
    """What a gateway pushed to us, unchanged, until it is purged. `sms.reports.pushed` reads it, never the request."""

    gateway = models.CharField(_("gateway"), max_length=30)
    method = models.CharField(max_length=10)
    query = models.TextField(blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    body = models.BinaryField()
    received_at = models.DateTimeField(_("received"), auto_now_add=True)
    state = models.CharField(_("state"), max_length=10, choices=ReceiptState, default=ReceiptState.NEW)
    detail = models.CharField(_("detail"), max_length=120, blank=True)

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        indexes = [
            models.Index(
                fields=["next_attempt_at"], name="receipt_due", condition=models.Q(next_attempt_at__isnull=False)
            ),
            models.Index(fields=["received_at"], name="receipt_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.pk} {self.state}"


class ReceiptHabits(models.Model):
    """What a gateway's receipts have taught: how they write ids (`sms.reports.ids`), whether each part of a message has
    one (`sms.reports.by_part`), and how many of the last ones had a message."""

    gateway = models.CharField(_("gateway"), max_length=30, unique=True)
    form = models.CharField(max_length=30, blank=True, default="")  # of `ids.FORMS`; empty: not known yet
    explained = models.JSONField(default=dict)  # form → number of receipts
    seen = models.PositiveIntegerField(default=0)  # receipts that taught
    recent = models.CharField(max_length=100, blank=True, default="")  # 1 matched, 0 not; the newest last
    per_message = models.BooleanField(null=True)  # one receipt for a whole message; None: not known
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.gateway} {self.form}".strip()

    @property
    def unmatched(self) -> int:
        return self.recent.count("0")


class GatewaySwitch(models.Model):
    """What an administrator changed about a gateway at run time (`sms.switches`)."""

    gateway = models.CharField(_("gateway"), max_length=30)
    operator = models.CharField(_("operator"), max_length=20, blank=True, help_text=_("Empty: for all operators."))
    is_on = models.BooleanField(_("on"), default=True)
    weight = models.PositiveIntegerField(
        _("weight"),
        null=True,
        blank=True,
        help_text=_(
            "Its share among gateways of the same rank. Empty: as in the settings. 0: only if the others fail."
        ),
    )
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("gateway switch")
        verbose_name_plural = _("gateway switches")
        constraints = [models.UniqueConstraint(fields=["gateway", "operator"], name="gateway_switch_key")]

    def __str__(self) -> str:
        return f"{self.gateway} {self.operator}".strip()


class Line(models.Model):
    """The pace of one gateway, shared by all workers (`sms.pace.Pace`, `sms.lines`). Each change raises `version`."""

    gateway = models.CharField(_("gateway"), max_length=30, primary_key=True)
    free_at = models.DateTimeField()
    next_at = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)
    learned = models.FloatField(null=True)  # parts a second
    ceiling = models.FloatField(null=True)  # the same
    cut_at = models.DateTimeField(null=True)
    version = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return self.gateway


class Bind(models.Model):
    """A place for one bind at a gateway that counts them (SMPP), leased by the process that holds it (`sms.binds`)."""

    gateway = models.CharField(_("gateway"), max_length=30)
    number = models.PositiveSmallIntegerField()  # from 1 to SMS_<NAME>_BINDS
    holder = models.UUIDField()
    until = models.DateTimeField()  # then another process may take it

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gateway", "number"], name="sms_bind_key")]

    def __str__(self) -> str:
        return f"{self.gateway} {self.number}"


class SeenHow(models.TextChoices):
    DELIVERED = "delivered", _("It had carried messages before")
    CONFIRMED = "confirmed", _("A test SMS was read and confirmed")
    ASSUMED = "assumed", _("Assumed, without a test SMS")


class GatewaySeen(models.Model):
    """That somebody has seen what a gateway sends, or has said that nobody needs to (`sms.seen`). `kind`: the adapter
    it had then; empty: any. `setup`: how it was set up then (`sms.setups`); empty: as it is now."""

    gateway = models.CharField(_("gateway"), max_length=30, unique=True)
    kind = models.CharField(_("kind"), max_length=30, blank=True)
    setup = models.CharField(max_length=16, blank=True, default="", db_default="")
    how = models.CharField(_("how"), max_length=10, choices=SeenHow)
    by = models.CharField(_("by"), max_length=150, blank=True)
    at = models.DateTimeField(_("at"), auto_now=True)

    class Meta:
        verbose_name = _("seen gateway")
        verbose_name_plural = _("seen gateways")

    def __str__(self) -> str:
        return f"{self.gateway} {self.how}"
