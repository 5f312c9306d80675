"""What the portal sends to phones. Knows mobiles and texts, never people."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from tamin_portal.leases import Leased


class MessageKind(models.TextChoices):
    CODE = "code", _("Code")
    RESULT = "result", _("Result")
    NOTICE = "notice", _("Notice")


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
    """One SMS. Written in the transaction of whoever needs it (`sms.outbox`), sent by `sms.delivery`.

    `key` is the client key a gateway may deduplicate by. `sent_at` is when a gateway accepted it,
    or, in state unknown, when the doubtful attempt began: what a code's life is counted from.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    dedupe_key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=MessageKind)
    priority = models.PositiveSmallIntegerField()  # `outbox.PRIORITY`: lower goes first
    to = models.CharField(_("mobile"), max_length=13)
    operator = models.CharField(_("operator"), max_length=20, blank=True)
    text = models.TextField(_("text"), blank=True)  # blank once scrubbed
    parts = models.PositiveSmallIntegerField(_("parts"))
    state = models.CharField(_("state"), max_length=12, choices=MessageState, default=MessageState.QUEUED)
    gateway = models.CharField(_("gateway"), max_length=30, blank=True)  # the last one tried
    provider_id = models.CharField(max_length=255, blank=True)  # several, one a part: blank between them
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)  # not sent from this moment on
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    final_at = models.DateTimeField(_("final"), null=True, blank=True)

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
    """What came of one call (`gateways.base.Outcome`); NOT_SENT is what a look-up found out later."""

    UNFINISHED = "", _("No answer on record")
    ACCEPTED = "accepted", _("Accepted by the gateway")
    TRY_AGAIN = "try_again", _("Not sent, can be tried again")
    REFUSED = "refused", _("Refused for good")
    OUT_OF_ORDER = "out_of_order", _("Gateway out of order")
    UNKNOWN = "unknown", _("Unknown")
    NOT_SENT = "not_sent", _("Not sent, as a look-up found")


class Attempt(models.Model):
    """One call of a gateway, committed before the network is touched."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="tries")
    gateway = models.CharField(_("gateway"), max_length=30)
    started_at = models.DateTimeField(_("started"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=20, choices=AttemptOutcome, blank=True, default="")
    detail = models.CharField(_("detail"), max_length=120, blank=True)  # the gateway's code, never a number or a text

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")

    def __str__(self) -> str:
        return f"{self.gateway} {self.outcome}"


class InboxMessage(models.Model):
    """What the inbox gateway "sent": its own copy, as a phone would hold it."""

    key = models.UUIDField(unique=True)
    to = models.CharField(max_length=13, db_index=True)
    kind = models.CharField(max_length=10)
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
