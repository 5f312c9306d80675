"""The tables of sessions with their accounts, and of trusted devices."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone

from accounts.models.people import User


class Session(AbstractBaseSession):
    """A session of the portal, read and written by the store of `SESSION_ENGINE`. Without an account: a registration, a
    recovery, a sign-in or a look at a status is under way.

    `expire_date` is the absolute end; `seen_at` is the last use, from which idleness is counted.
    """

    account = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    began_at = models.DateTimeField(default=timezone.now)  # at the sign-in; a new key does not change it
    seen_at = models.DateTimeField(default=timezone.now)
    browser = models.CharField(max_length=80, blank=True)  # in words: "Chrome, Android"
    portal_sid = models.CharField(max_length=32, blank=True, default="", db_default="")  # its name; a new key keeps it

    @classmethod
    def get_session_store_class(cls):  # type: ignore[no-untyped-def]
        return import_module(settings.SESSION_ENGINE).SessionStore


class TrustedDevice(models.Model):
    """A browser whose owner ticked "remember me" at a sign-in. Its cookie holds the secret."""

    PURPOSE = "trusted device"  # of the secret's keyed hash

    account = models.ForeignKey(User, on_delete=models.CASCADE, related_name="trusted_devices")
    secret_hash = models.CharField(max_length=64)  # keyed
    browser = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(default=timezone.now)  # the last sign-in there

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "secret_hash"], name="one_trust_per_device")]
