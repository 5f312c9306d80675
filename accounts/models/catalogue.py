"""The table of the organisation's services on the home page, as administrators list them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Icon(models.TextChoices):
    """The icons to choose from; each is drawn in templates/accounts/_icons.html."""

    RECORD = "record", _("record")
    MONEY = "money", _("money")
    HEALTH = "health", _("health")
    FAMILY = "family", _("family")
    WORK = "work", _("work")
    PENSION = "pension", _("pension")
    DOCUMENT = "document", _("document")
    BRANCH = "branch", _("branch")


class Service(models.Model):
    """One service of the organisation on the home page: a title, a text and a link. (Not the code's `service`
    modules.)"""

    title = models.CharField(_("title"), max_length=60)
    text = models.CharField(_("text"), max_length=200)
    link = models.CharField(_("link"), max_length=300)
    icon = models.CharField(_("icon"), max_length=12, choices=Icon)
    order = models.PositiveSmallIntegerField(_("order"), default=100)
    is_shown = models.BooleanField(_("shown"), default=True)

    class Meta:
        verbose_name = _("service")
        verbose_name_plural = _("services")
        ordering = ["order", "pk"]

    def __str__(self) -> str:
        return self.title
