"""Deletes what is over: tokens, grants, requests, assertions."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from common import purging
from openid.models import AuthorizationRequest, Grant, Token, UsedAssertion

BATCH = 2_000  # grants whose tokens are deleted together: Django reads the keys of both


def purge_tokens(*, before: datetime, dry_run: bool) -> int:
    """Delete the tokens that ended before this moment; returns how many.

    A refresh token that was used stays until it would have ended: until then its second use ends the family.
    """
    return purging.delete(Token.objects.filter(expires_at__lt=before), dry_run=dry_run)


def purge_grants(*, before: datetime, dry_run: bool) -> int:
    """Delete the grants no token of which can be good after this moment; returns how many."""
    old: QuerySet[Grant] = Grant.objects.filter(expires_at__lt=before)
    if dry_run:
        return old.count()
    count = 0
    while numbers := list(old.values_list("pk", flat=True)[:BATCH]):
        Token.objects.filter(grant__in=numbers).delete()
        # Django would read each row, and delete a hundred at a time, because tokens might hang on it; they are gone.
        count += Grant.objects.filter(pk__in=numbers)._raw_delete(Grant.objects.db)
    return count


def purge_requests(*, before: datetime, dry_run: bool) -> int:
    """Delete the requests that ended before this moment; returns how many."""
    return purging.delete(AuthorizationRequest.objects.filter(expires_at__lt=before), dry_run=dry_run)


def purge_assertions(*, before: datetime, dry_run: bool) -> int:
    """Delete the assertions that would be refused as too old anyway; returns how many."""
    return purging.delete(UsedAssertion.objects.filter(expires_at__lt=before), dry_run=dry_run)
