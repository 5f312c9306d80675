"""The service of docs/clients/python inside a test: its pages over WSGI, its way to the portal by Django's client."""

from __future__ import annotations

import io
import json
import re
import sys
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.test import Client

from tests.support import openid
from tests.support.paths import ROOT

sys.path.insert(0, str(ROOT / "docs/clients/python"))

from portal_client import Answer, Portal
from service import Service

__all__ = ["URL", "Browser", "Service", "Web", "connected"]
URL = "https://records.example.ir"


class Web:
    """The portal, without a network. `reads`: the addresses that were read."""

    def __init__(self) -> None:
        self.reads: list[str] = []

    def post(self, url: str, *, data: dict[str, str], headers: dict[str, str], auth: Any) -> Answer:
        url, headers, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        said = Client().post(urlsplit(url).path, body, content_type=openid.FORM, headers=headers)
        return Answer(said.status_code, said.content)

    def read(self, address: str, token: str = "") -> Any:
        self.reads.append(urlsplit(address).path)
        said = Client().get(urlsplit(address).path, headers={"Authorization": f"Bearer {token}"} if token else {})
        assert said.status_code == 200, said.content
        return json.loads(said.content)


def connected(issuer: str) -> tuple[openid.Service, Service]:
    """The connected service as the portal has it, and the program."""
    row = openid.service(
        redirect_uris=[f"{URL}/callback"],
        post_logout_redirect_uris=[f"{URL}/signed-out"],
        backchannel_logout_uri=f"{URL}/backchannel-logout",
    )
    portal = Portal(
        issuer=issuer,
        client_id=row.client_id,
        client_secret=row.secret,
        redirect_uri=f"{URL}/callback",
        web=Web(),
    )
    return row, Service(portal, url=URL)


class Browser:
    """A browser at the service: one cookie, the last page. `citizen`: the same browser at the portal."""

    def __init__(self, service: Service, citizen: Client) -> None:
        self.service, self.citizen, self.cookie = service, citizen, ""
        self.status, self.location, self.page = 0, "", ""

    def ask(self, address: str, form: dict[str, str] | None = None) -> str:
        """The page at an address of the service."""
        where, body = urlsplit(address), urlencode(form or {}).encode()
        environ = {
            "REQUEST_METHOD": "GET" if form is None else "POST",
            "PATH_INFO": where.path,
            "QUERY_STRING": where.query,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "HTTP_COOKIE": self.cookie,
        }
        self.page = b"".join(self.service(environ, self._started)).decode()
        return self.page

    def at_the_portal(self) -> str:
        """Where the portal leads the browser that the service has just sent there."""
        where = urlsplit(self.location)
        said = self.citizen.get(f"{where.path}?{where.query}")
        return str(said["Location"])

    def sign_in(self, path: str = "/login") -> str:
        """From the service to the portal and back; the page after it."""
        self.ask(path)
        self.ask(self.at_the_portal())
        assert self.status == 303, self.page
        return self.ask(self.location)

    def press(self, path: str) -> None:
        """A button of the page that is shown."""
        form_key = re.search(r'name="form_key" value="([^"]+)"', self.page)
        assert form_key, self.page
        self.ask(path, {"form_key": form_key[1]})

    def _started(self, status: str, headers: list[tuple[str, str]]) -> None:
        said = dict(headers)
        self.status, self.location = int(status.split()[0]), said.get("Location", "")
        if "Set-Cookie" in said:
            self.cookie = said["Set-Cookie"].partition(";")[0]
