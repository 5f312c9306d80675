"""Tables of identity: imported extracts (civil registry, owners of mobiles) and the daily counts of inquiries."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ExtractKind(models.TextChoices):
    CIVIL = "civil", _("Civil registry")
    OWNERS = "owners", _("Owners of mobiles")


class ExtractState(models.TextChoices):
    LOADING = "loading", _("Being loaded")
    CURRENT = "current", _("In use")
    RETIRED = "retired", _("To be deleted")


class Extract(models.Model):
    """One load of one kind of extract. Its rows are used only while it is `current`; at most one of each kind is.

    `touched_at` moves with every batch, so that a load that was killed can be told from a slow one; `rows` is the
    number of lines it was made from.
    """

    kind = models.CharField(max_length=6, choices=ExtractKind)
    state = models.CharField(max_length=7, choices=ExtractState, default=ExtractState.LOADING)
    created_at = models.DateTimeField(default=timezone.now)
    touched_at = models.DateTimeField(default=timezone.now)
    rows = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("extract")
        verbose_name_plural = _("extracts")
        constraints = [
            models.UniqueConstraint(
                fields=["kind"], condition=models.Q(state=ExtractState.CURRENT), name="one_current_extract_per_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk} {self.state}"


class CivilRecord(models.Model):
    """What the civil registry's extract says about one person. The unique key is also the look-up index.

    PostgreSQL does not check the foreign key: checking took two thirds of a load's time. A load writes only while it
    has locked the row of its extract.
    """

    extract = models.ForeignKey(
        Extract, on_delete=models.CASCADE, related_name="people", db_index=False, db_constraint=False
    )
    national_id = models.CharField(max_length=10)
    first_name = models.CharField(max_length=100)
    last_name = models.CharField(max_length=100)
    birth_date = models.DateField()
    # A BirthUnknown. The version before writes no such column while it still runs.
    birth_unknown = models.CharField(max_length=5, blank=True, default="", db_default="")
    gender = models.CharField(max_length=6)
    certificate_number = models.CharField(max_length=10, blank=True)
    series_letter = models.CharField(max_length=3, blank=True)
    series_number = models.CharField(max_length=2, blank=True)
    certificate_serial = models.CharField(max_length=6, blank=True)
    deceased = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("civil record")
        verbose_name_plural = _("civil records")
        constraints = [
            models.UniqueConstraint(fields=["extract", "national_id"], name="one_civil_record_per_national_id"),
        ]

    def __str__(self) -> str:
        return f"civil record #{self.pk}"


class MobileOwner(models.Model):
    """One mobile of one person (a person may own several). The unique key begins with the columns of the look-up.

    The foreign key is not checked, as in `CivilRecord`.
    """

    extract = models.ForeignKey(
        Extract, on_delete=models.CASCADE, related_name="owners", db_index=False, db_constraint=False
    )
    mobile = models.CharField(max_length=13)  # E.164
    national_id = models.CharField(max_length=10)

    class Meta:
        verbose_name = _("owner of a mobile")
        verbose_name_plural = _("owners of mobiles")
        constraints = [
            models.UniqueConstraint(fields=["extract", "mobile", "national_id"], name="one_row_per_owner_of_a_mobile"),
        ]

    def __str__(self) -> str:
        return f"owner of a mobile #{self.pk}"


class Inquiries(models.Model):
    """How often one registry was asked one question on one day, and at what cost (`identity.metering`)."""

    day = models.DateField(_("day"))  # in Tehran
    registry = models.CharField(_("registry"), max_length=20)
    question = models.CharField(_("question"), max_length=6)  # owner | person
    count = models.PositiveIntegerField(_("inquiries"), default=0)
    cost = models.PositiveBigIntegerField(_("cost in rials"), default=0)

    class Meta:
        verbose_name = _("inquiries of a day")
        verbose_name_plural = _("inquiries by day")
        constraints = [models.UniqueConstraint(fields=["day", "registry", "question"], name="inquiries_key")]

    def __str__(self) -> str:
        return f"{self.day} {self.registry} {self.question}"
