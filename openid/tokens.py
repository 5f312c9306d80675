"""Access and refresh tokens: made, found, used, and refused when they are used again.

A code and a refresh token are used by one conditional UPDATE each, which only one of two at the same instant can win;
the tokens that it gives are kept by the same statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from common import limits
from common.prepared import Prepared
from openid import connections, credentials, ending, sql
from openid.models import EndReason, Grant, Token, TokenKind

# What no answer about a token needs, secrets of the account among it; read by a statement of its own if somebody asks.
_OF_SERVICE = ("logo", "contact", "home_page", "initiate_login_uri", "redirect_uris", "post_logout_redirect_uris")
_OF_ACCOUNT = ("password", "security_question", "security_answer", "last_login", "city", "username")
_UNREAD = (*(f"service__{name}" for name in _OF_SERVICE), *(f"account__{name}" for name in _OF_ACCOUNT))

_tokens = Prepared(
    lambda hashes: (
        Token.objects.select_related("grant__account", "grant__service__sector")
        .defer(*(f"grant__{name}" for name in _UNREAD))
        .filter(token_hash__in=hashes)
    )
)
_grants = Prepared(
    lambda hashes: (
        Grant.objects.select_related("account", "service__sector").defer(*_UNREAD).filter(code_hash__in=hashes)
    )
)


class AlreadyUsedError(Exception):
    """A code or a refresh token was used a second time; holds the grant that has to end."""

    def __init__(self, grant: Grant) -> None:
        super().__init__("used again")
        self.grant = grant


def find(secret: str) -> Token | None:
    """The token with its grant, account, service and sector, good or not."""
    return _tokens.first(credentials.hashes_of(credentials.TOKEN, secret))


def find_code(code: str) -> Grant | None:
    """The grant with this code, with its account, service and sector, good or not."""
    return _grants.first(credentials.hashes_of(credentials.CODE, code))


def is_open(grant: Grant) -> bool:
    """Whether tokens of this grant can be good at all: it has not ended, the service is not suspended, the account is
    active."""
    return grant.ended_at is None and grant.service.suspended_at is None and grant.account.is_active


def code_is_good(grant: Grant) -> bool:
    """Whether the grant's code can be exchanged at this moment."""
    return grant.code_used_at is None and timezone.now() < grant.code_expires_at and is_open(grant)


def is_good(token: Token) -> bool:
    """Whether the token is good at this moment."""
    fresh = token.used_at is None and token.revoked_at is None and timezone.now() < token.expires_at
    return fresh and is_open(token.grant)


@dataclass(frozen=True, slots=True)
class Made:
    """Two tokens that were made together, in clear, and their scopes."""

    access: str
    refresh: str
    access_scope: str
    refresh_scope: str


def use_code(grant: Grant, made: Made) -> None:
    """Use the code of `grant` and keep the hashes of the tokens that were made for it. Raises AlreadyUsedError if it
    was used or the grant ended meanwhile."""
    now = timezone.now()
    ends = _refresh_ends(grant, now)
    if not sql.use_code(grant, ends=ends, made=_rows(made, ends, now), now=now):
        raise AlreadyUsedError(grant)


def rotate(token: Token, made: Made) -> None:
    """Use the refresh `token` and keep the hashes of its successors. Raises AlreadyUsedError if it was used
    meanwhile."""
    now = timezone.now()
    ends = _refresh_ends(token.grant, now)
    with transaction.atomic():
        if not sql.use_refresh_token(token, ends=ends, made=_rows(made, ends, now), now=now):
            raise AlreadyUsedError(token.grant)
        connections.used(grant=token.grant, last=token.created_at, now=now)


def revoke(token: Token) -> None:
    """End an access token; a refresh token ends its grant, and so the whole family."""
    if token.kind == TokenKind.REFRESH:
        end_family(token.grant, EndReason.REVOKED)
    else:
        Token.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())


def end_family(grant: Grant, reason: EndReason) -> None:
    """End the grant and so all its tokens."""
    ending.end(grant=grant, reason=reason)


def _rows(made: Made, ends: datetime, now: datetime) -> list[sql.NewToken]:
    def row(kind: TokenKind, secret: str, scope: str, expires_at: datetime) -> sql.NewToken:
        return sql.NewToken(kind, credentials.hash_of(credentials.TOKEN, secret), scope, expires_at)

    return [
        row(TokenKind.ACCESS, made.access, made.access_scope, min(now + limits.OPENID_ACCESS_TOKEN, ends)),
        row(TokenKind.REFRESH, made.refresh, made.refresh_scope, ends),
    ]


def _refresh_ends(grant: Grant, now: datetime) -> datetime:
    """Each exchange gives new time, but a sign-in does not last for ever."""
    return min(now + limits.OPENID_REFRESH_TOKEN, grant.created_at + limits.OPENID_GRANT)
