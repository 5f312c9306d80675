"""Tables of e-mail: the queue of letters, and the demo's mailbox. They hold addresses and texts, no persons."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from common.leases import Leased


class LetterState(models.TextChoices):
    QUEUED = "queued", _("Queued")
    SENDING = "sending", _("Sending")
    SENT = "sent", _("Taken by the mail server")
    FAILED = "failed", _("Failed")
    EXPIRED = "expired", _("Expired")


FINAL = (LetterState.SENT, LetterState.FAILED, LetterState.EXPIRED)


class Letter(Leased):
    """One e-mail. `mail.outbox` writes it in the transaction of whoever needs it, `mail.delivery` sends it.

    `message_id` is its Message-ID from the beginning, so that a letter sent twice can be recognised as one.
    `last_error` holds error classes and codes, never the server's words.
    """

    dedupe_key = models.CharField(max_length=120, unique=True)
    message_id = models.CharField(max_length=200, unique=True, editable=False)
    to = models.CharField(_("e-mail"), max_length=254)
    subject = models.CharField(_("subject"), max_length=200, blank=True)  # this and what follows: blank once scrubbed
    text = models.TextField(_("text"), blank=True)
    html = models.TextField(blank=True)
    state = models.CharField(_("state"), max_length=10, choices=LetterState, default=LetterState.QUEUED)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)  # not sent from this moment on
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    final_at = models.DateTimeField(_("final"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("e-mail message")
        verbose_name_plural = _("e-mail messages")
        indexes = [
            models.Index(
                fields=["next_attempt_at"], name="mail_due", condition=models.Q(next_attempt_at__isnull=False)
            ),
            models.Index(fields=["final_at"], name="mail_by_end", condition=models.Q(final_at__isnull=False)),
            models.Index(fields=["created_at"], name="mail_by_age"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=LetterState.values), name="mail_state_is_known"),
            models.CheckConstraint(
                condition=models.Q(final_at__isnull=True, next_attempt_at__isnull=False)
                | models.Q(final_at__isnull=False, next_attempt_at__isnull=True),
                name="mail_is_due_or_final",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=FINAL, final_at__isnull=False)
                | (~models.Q(state__in=FINAL) & models.Q(final_at__isnull=True)),
                name="mail_state_says_final",
            ),
            models.CheckConstraint(
                condition=models.Q(state=LetterState.SENT, sent_at__isnull=False)
                | (~models.Q(state=LetterState.SENT) & models.Q(sent_at__isnull=True)),
                name="mail_sent_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"


class InboxLetter(models.Model):
    """One letter in the demo's mailbox: its own copy. One row for each Message-ID."""

    message_id = models.CharField(max_length=200, unique=True)
    to = models.CharField(max_length=254, db_index=True)
    subject = models.CharField(max_length=200)
    text = models.TextField()
    html = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.pk)
