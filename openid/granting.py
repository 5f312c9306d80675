"""Grants what a citizen agreed to: a code for the service, once and for a minute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from common import limits
from openid import connections, credentials
from openid.claims import scopes_of
from openid.models import ConnectedService, Grant


@dataclass(frozen=True, slots=True)
class SignIn:
    """Who signed in, in which session of the portal, how surely and when."""

    account: User
    portal_sid: str
    acr: str
    auth_time: datetime


def grant(
    *,
    account: User,
    service: ConnectedService,
    parameters: Mapping[str, Any],
    portal_sid: str,
    acr: str,
    auth_time: datetime,
) -> str:
    """Give `service` a grant for this citizen; returns its code.

    `parameters` are those of the checked request: `redirect_uri`, `code_challenge`, `scope` (as far as the service may
    have it), perhaps `nonce` and `claims` (already read). Also writes the citizen's connection with the service.
    """
    now, code, claims = timezone.now(), credentials.new(), parameters.get("claims") or {}
    with transaction.atomic(savepoint=False):
        connections.connect(
            account=account,
            service=service,
            scopes=scopes_asked(service=service, scope=parameters["scope"], claims=claims),
            now=now,
        )
        Grant.objects.create(
            account=account,
            service=service,
            sid=sid_of(portal_sid=portal_sid, service=service),
            portal_sid=portal_sid,
            scope=parameters["scope"],
            claims=claims,
            redirect_uri=parameters["redirect_uri"],
            nonce=parameters.get("nonce") or "",
            code_challenge=parameters["code_challenge"],
            acr=acr,
            auth_time=auth_time,
            code_hash=credentials.hash_of(credentials.CODE, code),
            code_expires_at=now + limits.OPENID_CODE,
            created_at=now,
            expires_at=now + limits.OPENID_CODE,
        )
    return code


def scopes_asked(*, service: ConnectedService, scope: str, claims: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The scopes that a citizen is asked about: those of the request, and those of the claims that it names, as far as
    the service may have them."""
    named = {name for wanted in claims.values() for name in scopes_of(wanted)} & set(service.scopes)
    return [*scope.split(), *sorted(named - set(scope.split()))]


def sid_of(*, portal_sid: str, service: ConnectedService) -> str:
    """The name of a portal session towards a service: always the same one, and another one to each service."""
    return credentials.hash_of(credentials.SESSION, f"{service.client_id} {portal_sid}")[:32]
