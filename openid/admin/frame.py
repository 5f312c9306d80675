"""What all pages of one connected service share: their frame, and who is at them."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse

from openid.models import ConnectedService


def who(request: HttpRequest) -> str:
    """The administrator, for the events of the service."""
    return request.user.get_username()


def framed(
    model_admin: ModelAdmin, request: HttpRequest, service: ConnectedService | None, name: str, context: dict[str, Any]
) -> TemplateResponse:
    """The page `name` of `service`; None: of one that is being added."""
    around = {
        **model_admin.admin_site.each_context(request),
        "opts": ConnectedService._meta,
        "service": service,
        "list": reverse("admin:openid_connectedservice_changelist"),
    }
    return TemplateResponse(request, f"admin/openid/service/{name}.html", {**around, **context})
