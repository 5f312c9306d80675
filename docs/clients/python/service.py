"""A small service that signs its citizens in with their portal account: «سوابق بیمه (نمونه)».

    manage.py service add --name … --redirect-uri http://127.0.0.1:8000/callback \
        --logout-uri http://127.0.0.1:8000/backchannel-logout --post-logout-uri http://127.0.0.1:8000/signed-out \
        --scope "openid profile phone national_id" --json >its.json
    python service.py --issuer http://127.0.0.1:9090 --url http://127.0.0.1:8000 its.json

Plain WSGI. `portal_client.py` is the part to take over into a service of your own; what stands here is what your
framework does: addresses, cookies, sessions. Needs authlib, joserfc, jdatetime and waitress.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import service_pages as pages
import waitress
from portal_client import BY_CODE, Portal, PortalAway, SignInFailed
from service_sessions import Session, Sessions

STYLE = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
WITHOUT_A_FONT = re.sub(r"@font-face \{.*\}\n", "", STYLE)  # browsers complain of a font that is not there
LARGEST_BODY = 20_000  # bytes
CALLBACK, LOGOUT, SIGNED_OUT, LOGIN = "/callback", "/backchannel-logout", "/signed-out", "/login"
_AFTER = ("/", "/records")  # where a sign-in may lead on to


@dataclass
class Reply:
    """An answer. `key`: the session key that the browser keeps from now on; "" takes it away, None changes nothing."""

    body: str | bytes = ""
    status: str = "200 OK"
    location: str = ""
    content_type: str = "text/html; charset=utf-8"
    key: str | None = None


@dataclass
class Asked:
    """What a browser sent."""

    method: str
    path: str
    query: str
    form: dict[str, str]
    key: str


class Service:
    """The service as a WSGI application."""

    def __init__(self, portal: Portal, *, url: str, font: Path | None = None) -> None:
        self.portal, self.url, self.sessions = portal, url, Sessions()
        self._font = font.read_bytes() if font else b""
        self._style = STYLE if font else WITHOUT_A_FONT
        self._cookie = f"records_{urlsplit(url).port}"  # browsers do not tell the ports of a host apart
        self._routes: dict[tuple[str, str], Callable[[Asked], Reply]] = {
            ("GET", "/"): self._home,
            ("GET", LOGIN): self._login,
            ("GET", CALLBACK): self._callback,
            ("GET", "/records"): self._records,
            ("POST", "/logout"): self._sign_out,
            ("POST", "/logout-everywhere"): self._sign_out_everywhere,
            ("GET", SIGNED_OUT): lambda _asked: Reply(pages.signed_out(self.portal.issuer)),
            ("POST", LOGOUT): self._backchannel,
            ("GET", "/style.css"): lambda _asked: Reply(self._style, content_type="text/css; charset=utf-8"),
            ("GET", "/font.woff2"): lambda _asked: Reply(self._font, content_type="font/woff2"),
        }

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        asked = self._asked(environ)
        answer = self._routes.get((asked.method, asked.path))
        try:
            reply = answer(asked) if answer else Reply(pages.not_found(self.portal.issuer), "404 Not Found")
        except PortalAway:
            reply = Reply(pages.failed(self.portal.issuer, "away"), "503 Service Unavailable")
        body = reply.body.encode() if isinstance(reply.body, str) else reply.body
        start_response(reply.status, self._headers(reply, len(body)))
        return [body]

    def _home(self, asked: Asked) -> Reply:
        session = self.sessions.find(asked.key)
        if session is None or session.sign_in is None:
            return Reply(pages.welcome(self.portal.issuer, session))
        return Reply(pages.home(self.portal.issuer, session, session.sign_in))

    def _login(self, asked: Asked) -> Reply:
        """Begin a sign-in. The portal leads here too (initiate_login_uri), and then says who it is."""
        wishes = {name: values[0] for name, values in parse_qs(asked.query).items()}
        if wishes.get("iss", self.portal.issuer) != self.portal.issuer:
            return self._failed("refused")
        return self._begin(asked, "/", **{name: wishes[name] for name in ("prompt", "login_hint") if name in wishes})

    def _records(self, asked: Asked) -> Reply:
        """The page that needs a code. A session that has none goes to the portal and comes back."""
        session = self.sessions.find(asked.key)
        if session is None or session.sign_in is None:
            return self._begin(asked, "/records", acr_values=BY_CODE)
        if session.sign_in.said["acr"] == BY_CODE:
            return Reply(pages.records(self.portal.issuer, session.sign_in))
        if session.asked_for_code:
            session.asked_for_code = False
            return Reply(pages.not_sure_enough(self.portal.issuer), "403 Forbidden")
        return self._begin(asked, "/records", acr_values=BY_CODE)

    def _begin(self, asked: Asked, page: str, **wishes: str) -> Reply:
        address, waiting = self.portal.begin(**wishes)
        key, session = asked.key, self.sessions.find(asked.key)
        if session is None:
            key, session = self.sessions.new()
        self.sessions.remember(session, waiting, page)
        return _to(address, key)

    def _callback(self, asked: Asked) -> Reply:
        """Where the citizen comes back to, with a code or an error."""
        session, state = self.sessions.find(asked.key), parse_qs(asked.query).get("state", [""])[0]
        kept = self.sessions.take(session, state) if session else None
        if kept is None:  # not begun in this browser: a stranger's link, or a page that was left open for long
            return self._failed("forgotten")
        waiting, page = kept
        try:
            sign_in = self.portal.finish(f"{self.url}{CALLBACK}?{asked.query}", waiting)
        except SignInFailed as error:
            return self._failed(error.code)
        key = self.sessions.sign_in(asked.key, sign_in)
        if fresh := self.sessions.find(key):
            fresh.asked_for_code = page == "/records"
        return _to(page if page in _AFTER else "/", key)

    def _sign_out(self, asked: Asked) -> Reply:
        """Out of this service alone."""
        if self._pressed(asked) is None:
            return _to("/")
        self.sessions.end(asked.key)
        return _to(SIGNED_OUT, "")

    def _sign_out_everywhere(self, asked: Asked) -> Reply:
        """Out of this service, and on to the portal, which asks about the rest (RP-initiated logout)."""
        session = self._pressed(asked)
        if session is None or session.sign_in is None:
            return _to("/")
        state = secrets.token_urlsafe(16)
        address = self.portal.sign_out_address(session.sign_in.id_token, back_to=f"{self.url}{SIGNED_OUT}", state=state)
        self.sessions.end(asked.key)
        return _to(address, "")

    def _backchannel(self, asked: Asked) -> Reply:
        """The portal, not a browser, says that a session is over. 400 is "not understood"; anything else than 200 comes
        again."""
        try:
            claims = self.portal.read_logout(asked.form.get("logout_token", ""))
        except SignInFailed:
            return Reply("", "400 Bad Request", content_type="text/plain")
        self.sessions.end_of(sid=claims.get("sid", ""), sub=claims.get("sub", ""))
        return Reply("", content_type="text/plain")

    def _pressed(self, asked: Asked) -> Session | None:
        """The session of a form of ours; None: another site sent it, or the session is over."""
        session = self.sessions.find(asked.key)
        form_key = asked.form.get("form_key", "")
        return session if session and secrets.compare_digest(form_key.encode(), session.form_key.encode()) else None

    def _failed(self, code: str) -> Reply:
        return Reply(pages.failed(self.portal.issuer, code), "400 Bad Request")

    def _asked(self, environ: dict[str, Any]) -> Asked:
        method = "GET" if environ["REQUEST_METHOD"] == "HEAD" else environ["REQUEST_METHOD"]
        form: dict[str, str] = {}
        if method == "POST":
            size = min(int(environ.get("CONTENT_LENGTH") or 0), LARGEST_BODY)
            read = parse_qs(environ["wsgi.input"].read(size).decode("utf-8", "replace"))
            form = {name: values[0] for name, values in read.items()}
        cookies: SimpleCookie = SimpleCookie()
        try:
            cookies.load(environ.get("HTTP_COOKIE", ""))
        except CookieError:  # another program's on this host
            cookies.clear()
        key = cookies[self._cookie].value if self._cookie in cookies else ""
        return Asked(method, environ.get("PATH_INFO") or "/", environ.get("QUERY_STRING", ""), form, key)

    def _headers(self, reply: Reply, length: int) -> list[tuple[str, str]]:
        policy = (
            "default-src 'none'; style-src 'self'; font-src 'self'; img-src data:; base-uri 'none'; "
            f"frame-ancestors 'none'; form-action 'self' {self.portal.issuer}"
        )
        headers = [
            ("Content-Type", reply.content_type),
            ("Content-Length", str(length)),
            ("Content-Security-Policy", policy),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            (
                "Cache-Control",
                "no-store" if reply.content_type.startswith("text/html") or reply.location else "no-cache",
            ),
        ]
        if reply.location:
            headers.append(("Location", reply.location))
        if reply.key is not None:
            secure = "; Secure" if self.url.startswith("https://") else ""
            life = "" if reply.key else "; Max-Age=0"
            headers.append(("Set-Cookie", f"{self._cookie}={reply.key}; Path=/; HttpOnly; SameSite=Lax{secure}{life}"))
        return headers


def _to(location: str, key: str | None = None) -> Reply:
    return Reply(status="303 See Other", location=location, key=key)


def main() -> None:
    parser = argparse.ArgumentParser(description="A service that signs its citizens in with their portal account.")
    parser.add_argument("credentials", type=Path, help="the file that `manage.py service add … --json` printed")
    parser.add_argument("--issuer", required=True, help="the portal, like http://127.0.0.1:9090")
    parser.add_argument("--url", required=True, help="this service, like http://127.0.0.1:8000; it listens here alone")
    parser.add_argument("--font", type=Path, help="a woff2 font for its pages")
    options = parser.parse_args()
    kept = json.loads(options.credentials.read_text(encoding="utf-8"))
    portal = Portal(
        issuer=options.issuer,
        client_id=kept["client_id"],
        client_secret=kept["client_secret"],
        redirect_uri=options.url + CALLBACK,
    )
    port = urlsplit(options.url).port
    waitress.serve(
        Service(portal, url=options.url, font=options.font), host="127.0.0.1", port=port, ident="", threads=4
    )


if __name__ == "__main__":
    main()
