"""A browser, or a service's machine, that calls a WSGI application and counts the CPU time of its answers alone."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

Application = Callable[..., Iterable[bytes]]
SENT = {  # by a citizen's browser
    "user_agent": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile"
    " Safari/537.36",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "accept_language": "fa-IR,fa;q=0.9,en;q=0.8",
}


class Answer:
    def __init__(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.body = int(status.split()[0]), body
        self.headers = {name.lower(): value for name, value in headers}
        self.set_cookies = [value for name, value in headers if name.lower() == "set-cookie"]


class Browser:
    """Keeps cookies. `spent`: CPU seconds (all threads, user and system) of the application since it was set to 0."""

    spent = 0.0

    def __init__(
        self, application: Application, *, scheme: str, address: str = "10.9.8.7", sends: dict[str, str] = SENT
    ) -> None:
        self.application, self.scheme, self.address, self.sends = application, scheme, address, sends
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, b"", headers)

    def post(self, path: str, form: dict[str, str], **headers: str) -> Answer:
        return self._ask("POST", path, urlencode(form).encode(), headers)

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        environ = self._environ(method, path, body, headers)
        answered: list[Any] = []

        def start_response(status: str, given: list[tuple[str, str]], _error: Any = None) -> None:
            answered[:] = [status, given]

        began = time.process_time()
        parts: Any = self.application(environ, start_response)
        content = b"".join(parts)
        parts.close()
        Browser.spent += time.process_time() - began
        answer = Answer(*answered, content)
        for cookie in answer.set_cookies:
            name, _sep, value = cookie.partition(";")[0].partition("=")
            self.cookies[name.strip()] = value
        return answer

    def _environ(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        path, _sep, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "443" if self.scheme == "https" else "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.address,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": self.scheme,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "CONTENT_LENGTH": str(len(body)) if method == "POST" else "",
        }
        if method == "POST":
            environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
        if self.cookies:
            environ["HTTP_COOKIE"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return environ | {f"HTTP_{name.upper()}": value for name, value in (self.sends | headers).items()}


def basic(name: str, secret: str) -> str:
    """The header `Authorization` of client_secret_basic."""
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()
