"""The queue of back-channel logouts: who has to be told that a session is over."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.leases import Leased
from openid.models.grants import EndReason
from openid.models.services import ConnectedService


class LogoutState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    TOLD = "told", _("told")
    GIVEN_UP = "given_up", _("given up")


class LogoutNotice(Leased):
    """One logout token to one service about one of its sessions (OpenID Connect Back-Channel Logout 1.0). The token is
    made anew for each try."""

    service = models.ForeignKey(
        ConnectedService, on_delete=models.CASCADE, related_name="logout_notices", verbose_name=_("service")
    )
    sid = models.CharField(max_length=32)
    subject = models.CharField(max_length=64)  # pairwise, as the service knows it; empty: only the session is named
    reason = models.CharField(_("reason"), max_length=20, choices=EndReason)
    state = models.CharField(_("state"), max_length=10, choices=LogoutState, default=LogoutState.WAITING)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    final_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("sign-out to be told")
        verbose_name_plural = _("sign-outs to be told")
        indexes = [
            models.Index(  # each service has turns of its own
                fields=["service", "next_attempt_at"],
                name="logout_due_by_service",
                condition=models.Q(next_attempt_at__isnull=False),
            ),
            models.Index(fields=["final_at"], name="logout_by_end", condition=models.Q(final_at__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(final_at__isnull=True, next_attempt_at__isnull=False)
                | models.Q(final_at__isnull=False, next_attempt_at__isnull=True),
                name="logout_is_due_or_final",
            )
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.state}"
