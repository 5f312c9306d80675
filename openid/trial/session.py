"""The browser of the test citizen, and the service's machine: their requests go through all of the portal's middleware
and views, in this process and in the caller's transaction.

No request leaves the machine: over a socket, another process would answer, which sees nothing of what is not committed.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import DatabaseError, transaction
from django.http import HttpResponseBase
from django.utils import timezone

from accounts.models import User
from accounts.sessions import sign_in_facts
from accounts.sessions.store import SessionStore
from common.links import absolute

_BACKEND = "accounts.backends.CitizenBackend"
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of the portal. `leads_to`: where it leads the browser, at once or by a page that leads on."""

    status: int
    leads_to: str
    text: str

    @property
    def data(self) -> dict[str, Any]:
        """What the JSON of an endpoint of machines says; empty for anything else."""
        try:
            said = json.loads(self.text)
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}


class Browser:
    """One browser, or one machine: it keeps its cookies."""

    def __init__(self) -> None:
        self._handler = WSGIHandler()
        self._cookies: dict[str, str] = {}

    def get(self, address: str, headers: Mapping[str, str] | None = None) -> Page:
        return self._send(self._request("GET", address, headers=headers))

    def post(self, address: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Page:
        return self._send(self._request("POST", address, form, headers))

    def press(self, address: str, form: Mapping[str, str]) -> Page:
        """Send a form of a page of ours, with the token that Django wants in it."""
        token = {"csrfmiddlewaretoken": self._cookies.get(settings.CSRF_COOKIE_NAME, "")}
        return self.post(address, {**token, **form})

    def sign_in(self, account: User) -> None:
        """As after a right password. The page of the sign-in itself works in no transaction, on purpose."""
        request = self._request("GET", "/")
        request.session = SessionStore()
        request.user = AnonymousUser()
        login(request, account, backend=_BACKEND)
        sign_in_facts.begin(request, password_at=timezone.now(), code_at=None)
        self._keep(request.session)

    def prove_code(self) -> None:
        """As after a right code by SMS."""
        request = self._request("GET", "/")
        request.session = SessionStore(self._cookies[settings.SESSION_COOKIE_NAME])
        sign_in_facts.typed_again(request, code=True)
        self._keep(request.session)

    def _keep(self, session: Any) -> None:
        session.save()
        self._cookies[settings.SESSION_COOKIE_NAME] = session.session_key

    def _request(
        self,
        method: str,
        address: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> WSGIRequest:
        parts, body = urlsplit(address), urlencode(form or {}).encode()
        host, _colon, port = settings.PUBLIC_HOST.partition(":")
        return WSGIRequest(
            {
                "REQUEST_METHOD": method,
                "SCRIPT_NAME": "",
                "PATH_INFO": parts.path,
                "QUERY_STRING": parts.query,
                "SERVER_NAME": host,
                "SERVER_PORT": port or ("443" if settings.HTTPS else "80"),
                "SERVER_PROTOCOL": "HTTP/1.1",
                "REMOTE_ADDR": "127.0.0.1",
                "CONTENT_TYPE": _FORM if form is not None else "",
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_HOST": settings.PUBLIC_HOST,
                "HTTP_ORIGIN": absolute(""),
                "HTTP_USER_AGENT": "portal-trial",
                "HTTP_COOKIE": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
                "wsgi.url_scheme": "https" if settings.HTTPS else "http",
                "wsgi.input": io.BytesIO(body),
                "wsgi.errors": io.StringIO(),
                **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in (headers or {}).items()},
            }
        )

    def _send(self, request: WSGIRequest) -> Page:
        """Not by calling the handler: its signals would close the connection to the database."""
        try:
            with transaction.atomic():  # what fails in the database then spoils nothing that comes after
                response: HttpResponseBase = self._handler.get_response(request)
        except DatabaseError:
            return Page(500, "", "")
        for name, cookie in response.cookies.items():
            self._cookies[name] = cookie.value
        leads_to = response.get("Location", "") or response.get("Refresh", "").partition("url=")[2]
        return Page(response.status_code, leads_to, getattr(response, "content", b"").decode())
