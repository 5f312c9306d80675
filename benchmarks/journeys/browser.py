"""A browser of the person who registers: speaks HTTP with a web server, keeps cookies, fills in forms."""

from __future__ import annotations

import http.client
import re
from typing import Any
from urllib.parse import urlencode, urljoin

from benchmarks.providers.browser import SENT

HEADERS = {name.replace("_", "-"): value for name, value in SENT.items()}


class Busy(Exception):
    """The site says that it is busy."""


class Browser:
    """One connection that is kept, and the page on show. `address`: the person's, as a trusted proxy tells it."""

    def __init__(self, port: int, address: str, **sends: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.sends = HEADERS | {"x-forwarded-for": address} | {name.replace("_", "-"): sends[name] for name in sends}
        self.cookies: dict[str, str] = {}
        self.status, self.path, self.page = 0, "/", ""
        self.set_cookies: list[str] = []  # names, of the last answer

    def get(self, path: str) -> None:
        """Show this page, wherever it leads."""
        self.ask("GET", path)
        self.follow()

    def post(self, path: str, typed: dict[str, str]) -> None:
        """Send the form on show, with what was typed, and show the page that comes of it."""
        self.send(path, typed)
        self.follow()

    def send(self, path: str, typed: dict[str, str]) -> None:
        """The POST alone, without the page behind its redirect."""
        self.ask("POST", path, urlencode(hidden_in(self.page) | typed))

    def follow(self) -> None:
        """The pages behind a redirect."""
        while self.status in (301, 302, 303):
            self.ask("GET", urljoin(self.path, self.location))

    def ask(self, method: str, path: str, body: str = "") -> None:
        headers = dict(self.sends)
        if body:
            headers["content-type"] = "application/x-www-form-urlencoded"
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self._answer(method, path, body, headers)
        content = answer.read()
        self.status, self.path, self.location = answer.status, path, answer.headers.get("location", "")
        self.page = content.decode() if not answer.headers.get("content-encoding") else ""
        self.set_cookies = []
        for cookie in answer.headers.get_all("set-cookie") or []:
            name, _sep, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
            self.set_cookies.append(name)
        if self.status == 503:
            raise Busy
        if self.status >= 400:
            raise RuntimeError(f"{method} {path}: {self.status} {self.page[:3000]}")

    def _answer(self, method: str, path: str, body: str, headers: dict[str, str]) -> Any:
        try:
            self.connection.request(method, path, body or None, headers)
            return self.connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):  # it was kept for too long
            self.connection.close()
            self.connection.request(method, path, body or None, headers)
            return self.connection.getresponse()

    def close(self) -> None:
        self.connection.close()


def hidden_in(page: str) -> dict[str, str]:
    """The hidden fields of the page's forms."""
    fields = (dict(re.findall(r'(\w+)="([^"]*)"', field)) for field in re.findall("<input [^>]*>", page))
    return {field["name"]: field.get("value", "") for field in fields if field.get("type") == "hidden"}
