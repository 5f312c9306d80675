"""The journey of a citizen whose phone is a peer's: register, code, form, result, sign in."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.support.live import Citizen, Home, Person, Portal, register, sign_in, until

WELCOME = "به سیستم های متمرکز سازمان تامین اجتماعی خوش آمدید."
CODE = re.compile(r"(?<!\d)\d{6}(?!\d)")


class PhoneHome(Home):
    """A home whose SMS are read from what the peer gave to the phones, not from the portal's own inbox."""

    def __init__(self, home: Home, sms: Callable[[str], list[str]]) -> None:
        super().__init__(home.folder, home.env)
        self.home, self.received = home, sms

    def manage(self, *arguments: str) -> str:
        return self.home.manage(*arguments)

    def sms(self, mobile: str) -> list[dict[str, str]]:
        texts = self.received(mobile)[::-1]
        return [{"kind": "code" if CODE.search(text) else "result", "text": text} for text in texts]


def person_with_phone(portal: Portal, sms: Callable[[str], list[str]], url: str = "") -> Person:
    """Somebody with a fresh browser and a phone on the peer's network; `url` is that of a front."""
    return Person(url or portal.url, PhoneHome(portal.home, sms))


def whole_journey(person: Person, citizen: Citizen) -> str:
    """Register, read the code and the result on the phone, sign in. The result's text. Raises Lost."""
    register(person, citizen)
    [text] = until(lambda: person.home.results(citizen.mobile), what="the result")
    assert WELCOME in text
    sign_in(person, citizen)
    return str(text)
