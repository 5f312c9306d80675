"""The registration, its events, and who was shown a registry's answer about it."""

from __future__ import annotations

import uuid
from typing import cast

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Gender
from common.leases import Leased
from registration.states import OPEN, State


class Registration(Leased):
    """The request of one (national ID, mobile) for an account. Only `services.transitions` changes its state.

    Leased while `submitted`: that is the matching queue. Secrets arrive hashed and leave for the
    account at approval; `draft` holds typed answers without them.
    """

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.STARTED)
    national_id = models.CharField(_("national ID"), max_length=10)
    mobile = models.CharField(_("mobile"), max_length=13)
    operator = models.CharField(_("operator"), max_length=20)
    grant_hash = models.CharField(max_length=64, blank=True)
    draft = models.JSONField(default=dict, blank=True)

    last_name = models.CharField(_("last name"), max_length=80, blank=True)
    first_name = models.CharField(_("first name"), max_length=60, blank=True)
    certificate_number = models.CharField(_("birth certificate number"), max_length=10, blank=True)
    certificate_serial = models.CharField(_("birth certificate serial"), max_length=6, blank=True)
    series_letter = models.CharField(_("series (letter)"), max_length=3, blank=True)
    series_number = models.CharField(_("series (number)"), max_length=2, blank=True)
    birth_date = models.DateField(_("birth date"), null=True, blank=True)
    # A `BirthUnknown` of identity.person; for the desk it is part of the birth date.
    birth_unknown = models.CharField(max_length=5, blank=True, default="", db_default="")
    gender = models.CharField(_("gender"), max_length=6, choices=Gender, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    city = models.CharField(_("city"), max_length=60, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    security_question = models.CharField(max_length=30, blank=True)
    security_answer = models.CharField(max_length=200, blank=True)
    password = models.CharField(max_length=200, blank=True)

    tracking_code = models.CharField(_("tracking code"), max_length=10, unique=True, null=True, blank=True)
    verdict = models.CharField(_("verdict"), max_length=20, blank=True)
    verdict_kind = models.CharField(max_length=10, blank=True)  # owner | identity
    verdict_fields = models.JSONField(default=dict, blank=True)
    verdict_traces = models.JSONField(default=list, blank=True)  # identity.matching.Trace: which registry, which code
    revision = models.PositiveSmallIntegerField(default=0, db_column="corrections")

    created_at = models.DateTimeField(_("created"), default=timezone.now)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(_("submitted"), null=True, blank=True)
    state_since = models.DateTimeField(default=timezone.now)
    touched_at = models.DateTimeField(
        default=timezone.now
    )  # when the citizen last did something; expiry counts from it
    # Which connected service the citizen came from: its client ID, as `accounts.sign_in.destinations` knows it, and no
    # key of a table, because `registration` and `openid` do not know each other.
    came_from = models.CharField(max_length=40, blank=True, default="", db_default="")
    told_of_delay_at = models.DateTimeField(null=True, blank=True)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT)

    class Meta:
        verbose_name = _("registration")
        verbose_name_plural = _("registrations")
        permissions = [("work_the_desk", _("Can check papers, activate and reject"))]
        indexes = [
            # The queue. Nothing in it changes when a row is claimed, held or given back, so that PostgreSQL writes
            # no entry into any index then: `next_attempt_at` stands in none.
            models.Index(
                fields=["submitted_at", "id"], name="matching_queue", condition=models.Q(state=State.SUBMITTED)
            ),
            models.Index(fields=["national_id"], name="registration_by_id"),
            models.Index(fields=["mobile"], name="registration_by_mobile"),
            models.Index(fields=["state", "touched_at"], name="registration_by_state"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["national_id", "mobile"],
                condition=models.Q(state__in=OPEN),
                name="one_open_registration_per_pair",
            ),
            models.UniqueConstraint(
                fields=["national_id"], condition=models.Q(state=State.APPROVED), name="one_approved_per_national_id"
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=(State.APPROVED, State.AWAITING_BRANCH))
                | models.Q(account__isnull=False),
                name="approved_has_an_account",
            ),
            models.CheckConstraint(condition=models.Q(state__in=State.values), name="registration_state_is_known"),
            models.CheckConstraint(
                condition=models.Q(next_attempt_at__isnull=True)
                | models.Q(state=State.SUBMITTED, submitted_at__isnull=False),
                name="only_submitted_is_matched",
            ),
        ]

    def __str__(self) -> str:
        return self.tracking_code or f"#{self.pk}"

    @classmethod
    def column(cls, name: str) -> models.Field:
        """The column `name`, for what it is called and what it holds when it is empty."""
        return cast(models.Field, cls._meta.get_field(name))

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class Event(models.Model):
    """One move of a registration: who, when, from, to, why. Written with the move, never changed."""

    registration = models.ForeignKey(Registration, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(_("at"), default=timezone.now)
    actor = models.CharField(_("by"), max_length=80)  # as `services.transitions` writes it
    from_state = models.CharField(_("from"), max_length=16, blank=True)
    to_state = models.CharField(_("to"), max_length=16)
    why = models.CharField(_("why"), max_length=60)
    kind = models.CharField(max_length=10, blank=True)  # the question that decided: owner | identity
    note = models.TextField(_("note"), blank=True)
    papers = models.JSONField(default=list, blank=True)  # that the clerk saw

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["at", "id"]
        indexes = [
            # For "usually N minutes": finds the newest decisions, also where they are rare.
            models.Index(fields=["at"], name="event_of_a_decision", condition=models.Q(from_state=State.SUBMITTED)),
        ]


class RegistryLook(models.Model):
    """A clerk was shown what a registry says about a registration: who and when, never the answer."""

    registration = models.ForeignKey(Registration, on_delete=models.CASCADE, related_name="looks")
    at = models.DateTimeField(_("at"), default=timezone.now)
    actor = models.CharField(_("by"), max_length=80)  # the clerk's user name
    question = models.CharField(max_length=10)  # person: the civil registry was asked

    class Meta:
        verbose_name = _("look at a registry")
        verbose_name_plural = _("looks at a registry")
        ordering = ["at", "id"]
