"""Rows that belong to the shell itself."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class PostCount(models.Model):
    """POSTs of one address (a keyed hash) in one minute: what the brake counts."""

    address = models.CharField(max_length=64)
    minute = models.PositiveIntegerField()  # minutes since 1970
    posts = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["address", "minute"], name="post_count_key")]


class Installation(models.Model):
    """What this database was made for: one row, written at its first start (tamin_portal/installation.py)."""

    mode = models.CharField(max_length=10)  # PORTAL_MODE of the first start
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="only_one_installation")]


class Breaker(models.Model):
    """The circuit breaker of one service. Read and written by `tamin_portal.breaker` only."""

    name = models.CharField(max_length=100, unique=True)
    recent = models.CharField(max_length=40, blank=True)  # the last results, newest last: 1 good, 0 failed
    open_until = models.DateTimeField(null=True)  # null: closed
    pause = models.DurationField(null=True)  # the present one; the next is twice as long
    trial_until = models.DateTimeField(null=True)  # somebody is trying; then another may
    reason = models.CharField(max_length=120, blank=True)  # why it was opened by hand or at once
    changed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name
