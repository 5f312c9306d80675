"""The tables of the services that sign their citizens in here."""

from __future__ import annotations

import secrets

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class AuthMethod(models.TextChoices):
    """How a service proves at our endpoints that it is itself (the protocol's `token_endpoint_auth_method`)."""

    SECRET = "client_secret_basic", _("a secret")
    KEY = "private_key_jwt", _("a key of its own (private_key_jwt)")
    PUBLIC = "none", _("nothing: a public client, such as an app on a phone")


class Level(models.TextChoices):
    """How sure a sign-in is, from the lowest: the values of `acr`. docs/levels.md says what each one means."""

    PASSWORD = "urn:tamin:acr:password", _("password")
    CODE = "urn:tamin:acr:code", _("password and a code by SMS")

    @property
    def rank(self) -> int:
        """Higher is surer."""
        return list(Level).index(self)


class SigningAlgorithm(models.TextChoices):
    ES256 = "ES256", "ES256"
    RS256 = "RS256", "RS256"


def new_client_id() -> str:
    return secrets.token_hex(12)


class Sector(models.Model):
    """Services of one sector know a citizen by the same subject; services of two sectors cannot match citizens."""

    name = models.CharField(_("sector"), max_length=100, unique=True)
    used_at = models.DateTimeField(null=True, editable=False)  # since then a subject has been handed out in it
    mark = models.CharField(max_length=64, blank=True, editable=False)  # of its name and the key (openid/subjects.py)

    class Meta:
        verbose_name = _("sector")
        verbose_name_plural = _("sectors")

    def __str__(self) -> str:
        return self.name


class ConnectedService(models.Model):
    """A service that signs its citizens in here: in the protocol's words a client, or relying party.

    `scopes` holds the reason for each scope that the service may ask for. Addresses are compared exactly.
    """

    client_id = models.CharField(max_length=40, unique=True, default=new_client_id, editable=False)
    name = models.CharField(_("name"), max_length=80)
    logo = models.BinaryField(null=True, blank=True, editable=False)  # a small PNG
    contact = models.CharField(_("contact"), max_length=200, blank=True)
    home_page = models.CharField(_("home page"), max_length=300, blank=True)
    initiate_login_uri = models.CharField(_("address that starts a sign-in"), max_length=300, blank=True)
    sector = models.ForeignKey(Sector, on_delete=models.PROTECT, related_name="services", verbose_name=_("sector"))
    auth_method = models.CharField(_("proves itself by"), max_length=30, choices=AuthMethod, default=AuthMethod.SECRET)
    secret_hash = models.CharField(max_length=64, blank=True, editable=False)  # keyed, as `common.secrets` does
    earlier_secret_hash = models.CharField(max_length=64, blank=True, editable=False)
    earlier_secret_until = models.DateTimeField(null=True, editable=False)  # both work until then
    jwks = models.JSONField(_("public keys"), null=True, blank=True)  # of private_key_jwt
    redirect_uris = models.JSONField(_("redirect addresses"), default=list)
    post_logout_redirect_uris = models.JSONField(_("addresses after the sign-out"), default=list, blank=True)
    backchannel_logout_uri = models.CharField(_("address for sign-outs"), max_length=300, blank=True)
    scopes = models.JSONField(_("scopes, and why"), default=dict)
    is_third_party = models.BooleanField(_("of another organisation"), default=False)  # then the citizen is asked
    required_level = models.CharField(_("required level"), max_length=60, choices=Level, default=Level.PASSWORD)
    id_token_algorithm = models.CharField(
        _("ID tokens signed by"), max_length=5, choices=SigningAlgorithm, default=SigningAlgorithm.ES256
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    suspended_at = models.DateTimeField(_("suspended"), null=True, blank=True, editable=False)
    revision = models.PositiveIntegerField(default=0, editable=False)  # a page of an older one changes nothing

    class Meta:
        verbose_name = _("connected service")
        verbose_name_plural = _("connected services")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class ServiceEventKind(models.TextChoices):
    ADDED = "added", _("added")
    CHANGED = "changed", _("changed")
    SUSPENDED = "suspended", _("suspended")
    RESUMED = "resumed", _("resumed")
    SECRET_ROTATED = "secret_rotated", _("given a new secret")
    TRIED = "tried", _("tried by a test citizen")
    KEY_ROTATED = "key_rotated", _("the portal's signing key was changed")


class ServiceEvent(models.Model):
    """What an administrator or a command did to a service, or to the signing keys. `details` holds no secret."""

    service = models.ForeignKey(ConnectedService, null=True, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(_("what"), max_length=20, choices=ServiceEventKind)
    at = models.DateTimeField(_("when"), default=timezone.now)
    actor = models.CharField(_("who"), max_length=80)
    reason = models.CharField(_("why"), max_length=500, blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("event of a service")
        verbose_name_plural = _("events of services")

    def __str__(self) -> str:
        return str(self.get_kind_display())


class Usage(models.Model):
    """How often a service did something on a day (Tehran). `what`: sign_in, token, refresh, userinfo, introspection,
    logout (told), or error:<code of the protocol>. The same thing is counted in several rows (`shard`), so that
    requests do not wait for each other's row; their sum is what counts."""

    service = models.ForeignKey(ConnectedService, on_delete=models.CASCADE, related_name="usage")
    day = models.DateField(_("day"))
    what = models.CharField(_("what"), max_length=60)
    shard = models.PositiveSmallIntegerField(default=0)
    count = models.PositiveBigIntegerField(_("count"), default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "day", "what", "shard"], name="one_usage_row_a_day")]
