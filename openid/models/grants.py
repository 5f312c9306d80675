"""The tables of requests, of what a citizen granted to a service, and of the tokens for it. Every secret is stored as
its keyed hash (`common.secrets`)."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from openid.models.services import ConnectedService


class AuthorizationRequest(models.Model):
    """A request that was pushed (RFC 9126), or that waits while its citizen signs in or registers. Named by a random
    handle in the address, of which only the hash is kept.

    `parameters` are those of the request as they came, after they were checked. It goes on only in the browser that
    holds the secret of `browser_hash`; one that was pushed or posted belongs to the first browser that brings it.
    """

    handle_hash = models.CharField(max_length=64, unique=True)
    service = models.ForeignKey(ConnectedService, on_delete=models.CASCADE, related_name="+")
    parameters = models.JSONField()
    is_pushed = models.BooleanField(default=False)
    browser_hash = models.CharField(max_length=64, blank=True, default="")
    # Which account went on as the one that was signed in, and which agreed to what is told. Another one is asked anew.
    chosen_by = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    agreed_by = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    refused_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["browser_hash"], name="request_by_browser")]  # its newest of a service


class Connection(models.Model):
    """A citizen and a service that know each other: what the service is told, since when. `ended_at`: disconnected."""

    account = models.ForeignKey(User, on_delete=models.CASCADE, related_name="connections")
    service = models.ForeignKey(ConnectedService, on_delete=models.PROTECT, related_name="connections")
    scopes = models.JSONField(default=list)  # that the citizen agreed to, or that a service of ours was told
    since = models.DateTimeField(_("since"), default=timezone.now)
    last_used_at = models.DateTimeField(_("last used"), default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "service"], name="one_connection_per_service")]


class EndReason(models.TextChoices):
    """Why a grant ended: with it ends every token, and the session at the service is told to end."""

    SIGNED_OUT = "signed_out", _("signed out")
    SESSIONS_ENDED = "sessions_ended", _("its sessions were ended")
    PASSWORD_CHANGED = "password_changed", _("the password was changed")
    CLOSED = "closed", _("the account was closed")
    DISCONNECTED = "disconnected", _("disconnected by the citizen")
    SUSPENDED = "suspended", _("the service was suspended")
    THIRD_PARTY = "third_party", _("the service became another organization's")
    REPLAYED = "replayed", _("a code or a refresh token was used again")
    REVOKED = "revoked", _("revoked by the service")


class Grant(models.Model):
    """One sign-in of a citizen to a service: the code, and the family of tokens that came of it.

    `sid` names the session towards the service: all grants of one portal session and one service have the same.
    `portal_sid` is `accounts`' name of that portal session; it does not change with the session's key. A token is good
    only while its grant has not ended, the service is not suspended and the account is active.
    """

    account = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    service = models.ForeignKey(ConnectedService, on_delete=models.PROTECT, related_name="grants")
    sid = models.CharField(max_length=32)
    portal_sid = models.CharField(max_length=32)
    scope = models.CharField(max_length=200)
    claims = models.JSONField(default=dict)  # the request's `claims` parameter, as far as it was taken
    redirect_uri = models.CharField(max_length=300)
    nonce = models.CharField(max_length=300, blank=True)
    code_challenge = models.CharField(max_length=128)
    acr = models.CharField(max_length=60)
    auth_time = models.DateTimeField()
    code_hash = models.CharField(max_length=64, unique=True)
    code_expires_at = models.DateTimeField()
    code_used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)  # no token of it lives longer; then it can be purged
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=20, choices=EndReason, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["account"], name="open_grant_by_account", condition=models.Q(ended_at__isnull=True)),
            models.Index(
                fields=["portal_sid"], name="open_grant_by_session", condition=models.Q(ended_at__isnull=True)
            ),
            models.Index(fields=["sid"], name="grant_by_sid"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True, end_reason="")
                | (models.Q(ended_at__isnull=False) & ~models.Q(end_reason="")),
                name="ended_grant_has_its_reason",
            )
        ]


class TokenKind(models.TextChoices):
    ACCESS = "access", "access"
    REFRESH = "refresh", "refresh"


class Token(models.Model):
    """An access or a refresh token. `used_at`: a refresh token that was exchanged; using it again ends the grant."""

    grant = models.ForeignKey(Grant, on_delete=models.CASCADE, related_name="tokens")
    kind = models.CharField(max_length=7, choices=TokenKind)
    token_hash = models.CharField(max_length=64, unique=True)
    scope = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)


class UsedAssertion(models.Model):
    """The `jti` of a private_key_jwt that a service has used: it cannot be used again."""

    service = models.ForeignKey(ConnectedService, on_delete=models.CASCADE, related_name="+")
    jti_hash = models.CharField(max_length=64)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "jti_hash"], name="assertion_is_used_once")]
