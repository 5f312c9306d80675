"""The table of failed proofs of identity of services, for the limit on them."""

from __future__ import annotations

from django.db import models


class AuthenticationFailure(models.Model):
    """How often, in one minute, something failed to prove that it is a service. `who` is the keyed hash of the
    client ID that was claimed, or of the address it came from."""

    who = models.CharField(max_length=64)
    minute = models.PositiveIntegerField()  # minutes since 1970
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["who", "minute"], name="one_failure_row_a_minute")]
        indexes = [models.Index(fields=["minute"], name="failures_by_minute")]
