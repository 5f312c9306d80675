"""Connects the demo's own service (docs/clients/python), which `make run` starts beside the portal."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from accounts.demo import write_privately
from accounts.models import Service
from common.links import absolute
from openid import credentials, services
from openid.models import AuthMethod, ConnectedService
from openid.service_facts import Facts

CLIENT_ID, SECTOR = "de305e41ce0f1ab8c2d94e70", "insurance-records-demo"  # the ID has the shape of all others
KEPT_IN = "demo-service.json"  # in the home: what the service knows of itself; tools/demo_service.py reads it too
MADE_UP = "https://services.example/records"  # the entry of the demo's catalogue that this one takes the place of
_BY, _REASON = "make run", "demo"
_ORIGIN = re.compile(r"^http://127\.0\.0\.1:\d+(?=/)")


@transaction.atomic
def ensure_service(home: Path, url: str) -> None:
    """Make sure that the demo's service is connected at `url`, like http://127.0.0.1:9191, and that `home`/KEPT_IN
    (mode 0600) has its client_id, client_secret and url, and the portal's issuer.

    Again it changes only what is different: addresses after a change of port, the secret if the home's is not the
    database's. What an administrator set stays. Raises ImproperlyConfigured outside demo mode.
    """
    if not settings.DEMO:
        raise ImproperlyConfigured("the demo's service belongs to demo mode only")
    kept = _kept(home / KEPT_IN)
    secret = str(kept.get("client_secret", ""))
    row = ConnectedService.objects.filter(client_id=CLIENT_ID).first()
    if row is None:
        secret = _add(url)
    else:
        _move(row, url)
        if row.auth_method == AuthMethod.SECRET and not _is_its_secret(row, secret):
            secret = services.rotate_secret(service=row, by=_BY, reason=_REASON, at_once=True)
    now = {"client_id": CLIENT_ID, "client_secret": secret, "url": url, "issuer": absolute("")}
    if kept != now:
        write_privately(home / KEPT_IN, json.dumps(now, indent=2) + "\n")


def _add(url: str) -> str:
    made_up = json.loads(Path(__file__).with_name("demo_service.json").read_text(encoding="utf-8"))
    facts = Facts(
        name=made_up["name"],
        contact=made_up["contact"],
        scopes=made_up["scopes"],
        sector=SECTOR,
        redirect_uris=[f"{url}/callback"],
        post_logout_redirect_uris=[f"{url}/signed-out"],
        backchannel_logout_uri=f"{url}/backchannel-logout",
        initiate_login_uri=f"{url}/login",
        home_page=f"{url}/",
    )
    _row, secret = services.add(facts=facts, by=_BY, reason=_REASON, client_id=CLIENT_ID)
    Service.objects.filter(link=MADE_UP).delete()
    Service.objects.create(link=facts.home_page, **made_up["entry"])
    return secret


def _move(row: ConnectedService, url: str) -> None:
    """Put `url` in the place of an earlier port, everywhere."""

    def moved(address: str) -> str:
        return _ORIGIN.sub(url, address)

    Service.objects.filter(link=row.home_page).update(link=moved(row.home_page))
    facts = Facts(
        name=row.name,
        contact=row.contact,
        scopes=row.scopes,
        auth_method=row.auth_method,
        jwks=row.jwks,
        is_third_party=row.is_third_party,
        required_level=row.required_level,
        id_token_algorithm=row.id_token_algorithm,
        redirect_uris=[moved(each) for each in row.redirect_uris],
        post_logout_redirect_uris=[moved(each) for each in row.post_logout_redirect_uris],
        backchannel_logout_uri=moved(row.backchannel_logout_uri),
        initiate_login_uri=moved(row.initiate_login_uri),
        home_page=moved(row.home_page),
    )
    services.change(service=row, revision=row.revision, facts=facts, by=_BY, reason=_REASON)
    row.refresh_from_db()


def _is_its_secret(row: ConnectedService, secret: str) -> bool:
    return bool(secret) and credentials.matches(credentials.CLIENT_SECRET, secret, row.secret_hash)


def _kept(file: Path) -> dict[str, Any]:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not there yet, or broken: another secret mends it
        return {}
    return kept if isinstance(kept, dict) else {}
