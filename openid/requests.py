"""The request that waits: pushed by a service (RFC 9126), or kept while its citizen signs in, steps up or agrees.

Its handle stands in addresses, and only its hash in the table. Within its life and in the browser that it belongs to,
the request itself goes on; past it, or in another browser, only the service is remembered, and an old `state`, `nonce`
or challenge is never answered. See docs/decisions/0052.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from common import limits
from common.persian import InputError, fold_number, parse_national_id
from common.prepared import Prepared
from common.secrets import keyed_hash, keyed_hash_matches, keyed_hashes
from openid import credentials, id_token_hints
from openid.models import AuthorizationRequest, ConnectedService

URN = "urn:ietf:params:oauth:request_uri:"
# All that is read of a request; anything else is neither kept nor answered.
PARAMETERS = frozenset(
    (
        *("response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce", "claims"),
        *("code_challenge", "code_challenge_method", "prompt", "max_age", "acr_values", "ui_locales"),
        *("id_token_hint", "login_hint"),
    )
)
HINTED = "login_hint_hash"  # instead of a national ID
HINTED_SUBJECT = "id_token_hint_sub"  # instead of an ID token
COOKIE = "openid"  # a browser's secret, behind `settings.COOKIE_PREFIX` like every cookie
_HANDLE = re.compile(r"[A-Za-z0-9_-]{43}")  # of a request, and of a browser's secret
_NUMBER = re.compile(r"[0-9]{8,10}")
_BROWSER, _HINT = "openid-browser", "openid-login-hint"
_rows = Prepared(
    lambda hashes: (
        AuthorizationRequest.objects.select_related("service__sector")
        .defer("service__logo")
        .filter(handle_hash__in=hashes)
    )
)


class Standing(Enum):
    """How a request stands for a browser. `OPEN`: it goes on; `ELSEWHERE`: it belongs to another browser; `ANSWERED`:
    the service has its answer; `OVER`: its time is over."""

    OPEN = "open"
    ELSEWHERE = "elsewhere"
    ANSWERED = "answered"
    OVER = "over"


def push(*, service: ConnectedService, parameters: Mapping[str, str]) -> str:
    """Keep a checked request that the service pushed; returns its handle. It waits for a browser."""
    return _create(service, parameters, life=limits.OPENID_PUSHED, is_pushed=True)


def keep(*, service: ConnectedService, parameters: Mapping[str, str], browser: str = "") -> str:
    """Keep a checked request while its citizen is on the pages in between; returns its handle.

    `browser`: the secret of the browser that it belongs to; without one it belongs to the first that brings the handle.
    """
    return _create(service, parameters, life=limits.OPENID_REQUEST, browser=browser)


def find(handle: str) -> AuthorizationRequest | None:
    """The request with this handle and its service, however it stands."""
    if not _HANDLE.fullmatch(handle):
        return None
    return _rows.first(credentials.hashes_of(credentials.HANDLE, handle))


def browser_in(cookies: Mapping[str, str]) -> str:
    """The secret of the browser that sent these cookies; empty: it holds none."""
    held = cookies.get(settings.COOKIE_PREFIX + COOKIE, "")
    return held if _HANDLE.fullmatch(held) else ""


def is_of(*, row: AuthorizationRequest, browser: str) -> bool:
    """Whether the request belongs to the browser with this secret."""
    return bool(browser) and keyed_hash_matches(_BROWSER, browser, row.browser_hash)


def newest(*, service: ConnectedService, browser: str) -> AuthorizationRequest | None:
    """The request that goes on if the browser with this secret comes from `service` without a handle: its newest one.
    None: that one is over, answered or refused; an older one is not gone back to."""
    mine = AuthorizationRequest.objects.filter(service=service, browser_hash__in=keyed_hashes(_BROWSER, browser))
    row = mine.select_related("service__sector").order_by("-created_at", "-pk").first() if browser else None
    return row if row is not None and row.refused_at is None and _standing(row) == Standing.OPEN else None


def claim(*, row: AuthorizationRequest, browser: str) -> Standing:
    """How the request stands for the browser with this secret, to which it belongs from now on if it belonged to
    none."""
    now = timezone.now()
    if not row.browser_hash and row.expires_at > now:
        fresh = AuthorizationRequest.objects.filter(pk=row.pk, browser_hash="", expires_at__gt=now)
        fresh.update(browser_hash=keyed_hash(_BROWSER, browser), expires_at=now + limits.OPENID_REQUEST)
        row.refresh_from_db(fields=["browser_hash", "expires_at"])
    if not keyed_hash_matches(_BROWSER, browser, row.browser_hash):
        return Standing.ELSEWHERE if row.browser_hash else Standing.OVER
    return _standing(row)


def brought_at(row: AuthorizationRequest) -> datetime:
    """When the browser to which the request belongs brought it."""
    return row.expires_at - limits.OPENID_REQUEST


def choose(*, row: AuthorizationRequest, account: User) -> None:
    """The citizen goes on as the one who was signed in already."""
    AuthorizationRequest.objects.filter(pk=row.pk).update(chosen_by=account)


def agree(*, row: AuthorizationRequest, account: User) -> None:
    """The citizen agrees to what the service is told. Nothing happens to a request that was answered or refused."""
    AuthorizationRequest.objects.filter(pk=row.pk, used_at=None, refused_at=None).update(agreed_by=account)


def refuse(*, row: AuthorizationRequest) -> None:
    """The citizen said no. Nothing happens to a request that was answered."""
    AuthorizationRequest.objects.filter(pk=row.pk, used_at=None).update(refused_at=timezone.now())


def use(*, row: AuthorizationRequest) -> None:
    """The request is answered at this moment. A second answer of a double click does not lengthen its time."""
    AuthorizationRequest.objects.filter(pk=row.pk, used_at=None).update(used_at=timezone.now())


def handle_of(request_uri: str) -> str:
    """The handle in the `request_uri` of a pushed request; empty for any other address."""
    return request_uri.removeprefix(URN) if request_uri.startswith(URN) else ""


def looks_like_national_id(hint: str) -> bool:
    """Whether a `login_hint` may be a national ID, also a mistyped one."""
    return bool(_NUMBER.fullmatch(fold_number(hint)))


def hints_at(*, parameters: Mapping[str, str], national_id: str) -> bool | None:
    """Whether the request's hint is this national ID; None: it hints at no national ID."""
    hinted = parameters.get(HINTED)
    return keyed_hash_matches(_HINT, national_id, hinted) if hinted else None


def _standing(row: AuthorizationRequest) -> Standing:
    """How the request stands for the browser that it belongs to."""
    now = timezone.now()
    if row.used_at is not None and row.used_at + limits.OPENID_ANSWER_AGAIN <= now:
        return Standing.ANSWERED
    return Standing.OPEN if row.expires_at > now else Standing.OVER


def _create(
    service: ConnectedService,
    parameters: Mapping[str, str],
    *,
    life: timedelta,
    browser: str = "",
    is_pushed: bool = False,
) -> str:
    handle, now = credentials.new(), timezone.now()
    AuthorizationRequest.objects.create(
        handle_hash=credentials.hash_of(credentials.HANDLE, handle),
        service=service,
        parameters=_kept(parameters, may_know_numbers="national_id" in service.scopes),
        is_pushed=is_pushed,
        browser_hash=keyed_hash(_BROWSER, browser) if browser else "",
        created_at=now,
        expires_at=now + life,
    )
    return handle


def _kept(parameters: Mapping[str, str], *, may_know_numbers: bool) -> dict[str, str]:
    """What is kept of a request: of a national ID only the hash, to recognise whoever signs in; of an ID token, which
    was checked, only whom it means.

    Not even that for a service that may not know national IDs: it could find out whether its guess at one is right, by
    `prompt=none` or by how long the answer takes.
    """
    kept = {name: value for name, value in parameters.items() if name in PARAMETERS}
    hint = kept.get("login_hint", "")
    if looks_like_national_id(hint):
        del kept["login_hint"]
        with suppress(InputError):  # mistyped: it names nobody
            number = parse_national_id(hint)
            if may_know_numbers:
                kept[HINTED] = keyed_hash(_HINT, number)
    if claims := id_token_hints.read(kept.pop("id_token_hint", "")):
        kept[HINTED_SUBJECT] = str(claims.get("sub", ""))
    return kept
