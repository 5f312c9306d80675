"""Adds, changes, suspends and resumes connected services, and gives them new secrets. Each writes who did it and why,
in the same transaction (docs/decisions/0053)."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import transaction
from django.utils import timezone

from common import limits
from common.errors import PortalError
from openid import credentials, ending, service_facts, subjects, ways_back
from openid.models import (
    AuthMethod,
    ConnectedService,
    Connection,
    EndReason,
    Sector,
    ServiceEvent,
    ServiceEventKind,
)
from openid.models.services import new_client_id
from openid.service_facts import Facts


@transaction.atomic
def add(*, facts: Facts, by: str, reason: str, client_id: str = "") -> tuple[ConnectedService, str]:
    """A new service and its secret, which is nowhere to be read again; "" for one that has none. `client_id`: a new
    one that a page was made with, so that the page sent twice adds one service. Another one is made if it begins like
    an older service's: that one would lose its short address (`openid.ways_back`).

    Raises PortalError: codes of `openid.service_texts`.
    """
    columns, client_id = service_facts.checked(facts), client_id or new_client_id()
    while ways_back.has_key_of_another(client_id):
        client_id = new_client_id()
    sector = _sector(service_facts.sector_name(facts.sector, columns["redirect_uris"], client_id))
    secret = credentials.new() if columns["auth_method"] == AuthMethod.SECRET else ""
    service = ConnectedService.objects.create(
        client_id=client_id, sector=sector, secret_hash=_hashed(secret), **columns
    )
    _write(service, ServiceEventKind.ADDED, by, reason, {"facts": _told(columns | {"sector": sector.name})})
    return service, secret


@transaction.atomic
def change(*, service: ConnectedService, revision: int, facts: Facts, by: str, reason: str) -> bool:
    """Change `service`, which the administrator saw at `revision`; whether anything was different.

    A way to prove itself that the service no longer has ends at once; if it now needs a secret, `rotate_secret` makes
    one. Raises PortalError: changed_meanwhile, sector_is_used, and the codes of `add`.
    """
    columns = service_facts.checked(facts)
    row = _locked(service, revision, against_sign_ins=facts.is_third_party)
    wanted = service_facts.sector_name(facts.sector or row.sector.name, columns["redirect_uris"], row.client_id)
    before = {name: getattr(row, name) for name in (*columns, "sector")}
    columns["sector"] = _other_sector(row, wanted)
    if different := [name for name in columns if _plain(before[name]) != _plain(columns[name])]:
        _let_go(row, columns)
        _save(row, **{name: columns[name] for name in different})
        changed = {name: [_shown(before[name]), _shown(columns[name])] for name in different}
        _write(row, ServiceEventKind.CHANGED, by, reason, {"changed": changed})
    return bool(different)


def suspend(*, service: ConnectedService, by: str, reason: str) -> bool:
    """From this moment on nothing of `service` works, and its sessions are told to end; whether it worked before.

    First of all it is suspended, which makes every code and token void. Then its grants end, which may take minutes;
    whoever suspends it again ends what a stop in the middle has left.
    """
    with transaction.atomic():
        row = _locked(service, against_sign_ins=True)
        worked = row.suspended_at is None
        if worked:
            _save(row, suspended_at=timezone.now())
            _write(row, ServiceEventKind.SUSPENDED, by, reason, {})
    ending.end_all_of(service=row, reason=EndReason.SUSPENDED)
    return worked


@transaction.atomic
def resume(*, service: ConnectedService, by: str, reason: str) -> bool:
    """Citizens can sign in to `service` again; what ended with the suspension stays ended. Whether it was suspended."""
    row = _locked(service)
    if not row.suspended_at:
        return False
    ending.end(service=row, reason=EndReason.SUSPENDED)  # what is still open was granted at that very moment
    _save(row, suspended_at=None)
    _write(row, ServiceEventKind.RESUMED, by, reason, {})
    return True


@transaction.atomic
def rotate_secret(
    *, service: ConnectedService, by: str, reason: str, at_once: bool = False, revision: int | None = None
) -> str:
    """A new secret for `service`, which is nowhere to be read again. The one before works on for a while, unless
    `at_once`: then it ends now, because a stranger may have it.

    Raises PortalError: no_secret, changed_meanwhile (`revision`: what a page showed), rotated_just_now (a second new
    one would end the one that the service still uses).
    """
    row, now = _locked(service, revision), timezone.now()
    if row.auth_method != AuthMethod.SECRET:
        raise PortalError("no_secret")
    if not at_once and row.earlier_secret_until and now < row.earlier_secret_until:
        raise PortalError("rotated_just_now", until=row.earlier_secret_until)
    secret, works_on = credentials.new(), bool(row.secret_hash) and not at_once
    _save(
        row,
        secret_hash=_hashed(secret),
        earlier_secret_hash=row.secret_hash if works_on else "",
        earlier_secret_until=now + limits.OPENID_SECRET_OVERLAP if works_on else None,
    )
    _write(row, ServiceEventKind.SECRET_ROTATED, by, reason, {"at_once": at_once})
    return secret


def note_trial(*, service: ConnectedService, by: str, report: list[Any]) -> None:
    """Keep who tried `service`, and what came of it (`openid.trial.report`)."""
    _write(service, ServiceEventKind.TRIED, by, "", {"report": report})


def of_client_id(client_id: str) -> ConnectedService:
    """The service with this client_id. Raises PortalError("no_service")."""
    service = ConnectedService.objects.filter(client_id=client_id[:100].replace("\0", "")).first()
    if service is None:
        raise PortalError("no_service")
    return service


def _locked(
    service: ConnectedService, revision: int | None = None, *, against_sign_ins: bool = False
) -> ConnectedService:
    """The row, locked against other administrators; `against_sign_ins`: also until new grants of it are written."""
    rows = ConnectedService.objects.select_for_update(of=("self",), no_key=not against_sign_ins)
    row = rows.select_related("sector").get(pk=service.pk)
    if revision is not None and row.revision != revision:
        raise PortalError("changed_meanwhile")
    return row


def _save(row: ConnectedService, **columns: Any) -> None:
    row.revision += 1
    for name, value in columns.items():
        setattr(row, name, value)
    row.save(update_fields=["revision", *columns])


def _sector(name: str) -> Sector:
    return Sector.objects.get_or_create(name=name)[0]


def _other_sector(row: ConnectedService, wanted: str) -> Sector:
    """The sector of that name, in which `row` is from now on."""
    if wanted != row.sector.name:
        subjects.move_service(service=row, sector=_sector(wanted))
    return row.sector


def _let_go(row: ConnectedService, columns: dict[str, Any]) -> None:
    """What `columns` take away from the service."""
    if columns["auth_method"] != AuthMethod.SECRET and row.secret_hash:
        _save(row, secret_hash="", earlier_secret_hash="", earlier_secret_until=None)
    if columns["is_third_party"] and not row.is_third_party:  # what it was told until now, nobody had agreed to
        Connection.objects.filter(service=row).update(scopes=[])
        ending.end(service=row, reason=EndReason.THIRD_PARTY)


def _hashed(secret: str) -> str:
    return credentials.hash_of(credentials.CLIENT_SECRET, secret) if secret else ""


def _plain(value: Any) -> Any:
    """A value that can be compared: databases give bytes in several types."""
    return bytes(value) if isinstance(value, bytes | memoryview) else value


def _shown(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return f"PNG {hashlib.sha256(bytes(value)).hexdigest()[:12]}"
    return value.name if isinstance(value, Sector) else value


def _told(columns: dict[str, Any]) -> dict[str, Any]:
    return {name: _shown(value) for name, value in columns.items() if value not in (None, "", [], {})}


def _write(service: ConnectedService, kind: str, by: str, reason: str, details: dict[str, Any]) -> None:
    ServiceEvent.objects.create(service=service, kind=kind, actor=by, reason=reason, details=details)
