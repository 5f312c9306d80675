"""A citizen's browser, which a portal and services on other ports lead to each other."""

from __future__ import annotations

import html
import re
import urllib.request
from collections.abc import Callable
from http.client import HTTPResponse
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.live import Citizen, Person, Portal


class _Ways(urllib.request.HTTPRedirectHandler):
    """Follows redirects and the header `Refresh`, and notes where they lead."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def redirect_request(self, asked: Any, file: Any, code: int, said: str, headers: Any, address: str) -> Any:
        return super().redirect_request(asked, file, code, said, headers, self.browser.led_to(address))

    def http_response(self, asked: urllib.request.Request, answer: HTTPResponse) -> Any:
        refresh = answer.headers.get("Refresh", "")
        if not refresh.startswith("0;url="):
            return answer
        return self.parent.open(self.browser.led_to(refresh.removeprefix("0;url=")), timeout=30)


class Browser(Person):
    """`been`: the addresses to which it was led. `changes`: what a stranger on the way makes of an address."""

    def __init__(self, portal: Portal, citizen: Citizen) -> None:
        super().__init__(portal.url, portal.home)
        self.citizen = citizen
        self.been: list[str] = []
        self.changes: Callable[[str], str] = str
        cookies = urllib.request.HTTPCookieProcessor()
        self.cookies = cookies.cookiejar
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies, _Ways(self))
        self._opener.addheaders.append(("Accept", "text/html"))

    def _ask(self, url: str, data: list[tuple[str, str]] | None) -> Any:
        page = super()._ask(url, data)
        ahead = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]+)">', page.source)
        return self._ask(self.led_to(html.unescape(ahead[1])), None) if ahead else page

    def led_to(self, address: str) -> str:
        address = self.changes(address)
        self.been.append(address)
        return address

    def forget(self, cookie: str) -> None:
        """Lose the cookie of this name."""
        for each in [each for each in self.cookies if each.name == cookie]:
            self.cookies.clear(each.domain, each.path, each.name)

    def parameters(self, of: str) -> dict[str, str]:
        """The parameters of the last address, of those it was led to, that begins so. Raises StopIteration."""
        address = next(each for each in reversed(self.been) if each.startswith(of))
        return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}

    def prove(self) -> Any:
        """Type what the portal asks on the way to a service: the password, a code by SMS, both or nothing."""
        if self.page.typed_into(["کد ملی", "گذرواژه"]):
            self.press({"کد ملی": self.citizen.national_id, "گذرواژه": self.citizen.password})
        if any("/sign-in/again/send" in form.action for form in self.page.forms):
            before = len(self.home.codes(self.citizen.mobile))
            self.press_way("/sign-in/again/send")
            self.press({"کد شناسه": self.home.new_code(self.citizen.mobile, before)})
        return self.page
