"""The tables of citizens, staff and the branches."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Branch(models.Model):
    """A branch of the organisation: where papers are checked."""

    code = models.CharField(_("code"), max_length=10, unique=True)
    name = models.CharField(_("name"), max_length=100)
    city = models.CharField(_("city"), max_length=60)
    province = models.CharField(_("province"), max_length=60, blank=True, default="", db_default="")
    address = models.CharField(_("address"), max_length=250, blank=True)
    hours = models.CharField(_("opening hours"), max_length=160, blank=True, default="", db_default="")
    latitude = models.FloatField(
        _("latitude"), null=True, blank=True, validators=[MinValueValidator(-90), MaxValueValidator(90)]
    )
    longitude = models.FloatField(
        _("longitude"), null=True, blank=True, validators=[MinValueValidator(-180), MaxValueValidator(180)]
    )

    class Meta:
        verbose_name = _("branch")
        verbose_name_plural = _("branches")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if (self.latitude is None) != (self.longitude is None):
            raise ValidationError(_("Enter latitude and longitude, or neither."), code="half_a_place")


class Gender(models.TextChoices):
    FEMALE = "female", _("Female")
    MALE = "male", _("Male")


class Closure(models.TextChoices):
    """Why an activated account is closed. Only a branch can help to open it, in either case."""

    FROZEN = "frozen", _("frozen by its owner")  # "not me"
    DEACTIVATED = "deactivated", _("deactivated by an administrator")


class Evidence(models.TextChoices):
    """How it was proven that the account's person is who it says."""

    REGISTRY = "registry", _("matched by the registries")
    PAPERS = "papers", _("papers seen at a branch")


class UserManager(BaseUserManager["User"]):
    def create_superuser(self, username: str, password: str | None = None, **fields: object) -> User:
        """Create a superuser for Django's `createsuperuser`, which itself would accept a weak password.

        Raises ValidationError with the sentences of the rules that the password breaks.
        """
        user = self.model(username=username, is_staff=True, is_superuser=True, **fields)
        if password is not None:
            validate_password(password, user)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A citizen (has a national ID, signs in on the portal) or a member of staff (signs in at /admin/).

    A citizen's `username` is the subject; nobody types it. The account holds its national ID from its activation on:
    until then another registration may still get it.
    """

    username = models.CharField(_("user name"), max_length=64, unique=True)
    subject = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    national_id = models.CharField(_("national ID"), max_length=10, blank=True, default="")
    mobile = models.CharField(_("mobile"), max_length=13, blank=True, default="")
    first_name = models.CharField(_("first name"), max_length=60, blank=True)
    last_name = models.CharField(_("last name"), max_length=80, blank=True)
    gender = models.CharField(_("gender"), max_length=6, choices=Gender, blank=True)
    birth_date = models.DateField(_("birth date"), null=True, blank=True)
    # "day" or "month": from there on the certificate does not say it, and the date is the first day of what it says.
    birth_unknown = models.CharField(max_length=5, blank=True, default="", db_default="")
    city = models.CharField(_("city"), max_length=60, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    security_question = models.CharField(max_length=30, blank=True)
    security_answer = models.CharField(max_length=200, blank=True)  # as `accounts.passwords.answers` stores it
    branch = models.ForeignKey(Branch, null=True, blank=True, on_delete=models.PROTECT, verbose_name=_("branch"))
    email_confirmed_at = models.DateTimeField(null=True, blank=True)  # by a link; until then no notice goes there
    code_at_sign_in = models.BooleanField(default=False)  # the citizen's own choice: a code on every new device
    password_changed_at = models.DateTimeField(null=True, blank=True)  # recoveries that were begun before are over
    # Until when recovery needs no answer: a branch has seen the papers of an owner who forgot it.
    recovery_without_answer_until = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    closure = models.CharField(_("closed"), max_length=12, choices=Closure, blank=True, default="")
    closed_at = models.DateTimeField(null=True, blank=True)
    is_staff = models.BooleanField(_("staff"), default=False)
    date_joined = models.DateTimeField(default=timezone.now)
    activated_at = models.DateTimeField(null=True, blank=True)
    # How the person was proven at the activation, and when; a reopening or another mobile changes neither.
    identity_evidence = models.CharField(max_length=10, choices=Evidence, blank=True, default="", db_default="")
    identity_proven_at = models.DateTimeField(null=True, blank=True)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        indexes = [models.Index(fields=["mobile"], name="account_by_mobile")]
        constraints = [
            models.UniqueConstraint(
                fields=["national_id"],
                condition=models.Q(activated_at__isnull=False) & ~models.Q(national_id=""),
                name="one_activated_account_per_national_id",
            ),
            # A clerk who is insured has two accounts: a citizen's password never gives rights at the desk.
            models.CheckConstraint(
                condition=models.Q(is_staff=False) | models.Q(national_id=""), name="staff_is_no_citizen"
            ),
            models.CheckConstraint(
                condition=models.Q(is_superuser=False) | models.Q(is_staff=True), name="superuser_is_staff"
            ),
            models.CheckConstraint(
                condition=models.Q(closure="") | models.Q(is_active=False), name="closed_account_is_not_active"
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    def get_full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        return self.first_name
