"""The people who register: what they type, and their way through each of the sites.

A browser is anything with `get`, `post`, `path` and `page` (`browser.Browser`, or the one of `in_process`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.extract_lines import CIVIL, OWNERS, mobile, national_id, owner

PASSWORD = "Toranj7sangak!"  # noqa: S105 - of made-up people
REGISTRATION, SIGN_IN = "/portal/registration", "/portal/"
EXTRACTED = "رضا,کریمی,1370/05/17,male,1254,الف12,345678,0"
# Step three, part by part.
PARTS = {
    "identity": {
        "first_name": "رضا",
        "last_name": "کریمی",
        "certificate_number": "1254",
        "certificate_serial": "345678",
        "series_letter": "الف",
        "series_number": "12",
        "birth_day": "17",
        "birth_month": "5",
        "birth_year": "1370",
        "gender": "male",
    },
    "contact": {"country": "IR", "city": "تهران، تهران", "email": "someone@example.com"},
    "review": {
        "password": PASSWORD,
        "password_again": PASSWORD,
        "security_question": "favourite_colour",
        "security_answer": "آبی آسمانی",
    },
}
ALL = {name: value for part in PARTS.values() for name, value in part.items()}
Phone = Callable[[str], str]  # the newest SMS of a mobile


@dataclass(frozen=True)
class Person:
    number: int

    @property
    def national_id(self) -> str:
        return national_id(self.number)

    @property
    def mobile(self) -> str:
        return mobile(self.number)

    @property
    def address(self) -> str:
        """Of a network of its own: nobody is slowed down by others."""
        return f"10.{self.number // 250 % 250}.{self.number % 250}.{7 + self.number // 62_500}"


def extracts(count: int) -> tuple[str, str]:
    """The civil registry and the owners of mobiles, with the first `count` people."""
    people = "".join(f"{national_id(number)},{EXTRACTED}\n" for number in range(count))
    return CIVIL + people, OWNERS + "".join(map(owner, range(count)))


def register_at_portal(browser: Any, person: Person, phone: Phone) -> None:
    """From the first page to the closing one."""
    browser.get(REGISTRATION)
    step(browser, "mobile", {"national_id": person.national_id, "operator": "mci", "mobile": person.mobile})
    step(browser, "code", {"code": phone(person.mobile)[-6:]})
    for part, typed in PARTS.items():
        step(browser, part, typed)
    right("/done" in browser.path, browser)


def step(browser: Any, name: str, typed: dict[str, str]) -> None:
    """Fill in this step of the registration. Raises RuntimeError if another one is shown."""
    right(f'value="{name}"' in browser.page, browser)
    browser.post(REGISTRATION, {f"{name}-{field}": value for field, value in typed.items()})


def sign_in_at_portal(browser: Any, person: Person) -> None:
    """Page, password, home page, sign-out."""
    browser.get(SIGN_IN)
    browser.post(SIGN_IN, credentials(person))
    right("/portal/home" in browser.path, browser)
    browser.post("/portal/sign-out", {})


def credentials(person: Person) -> dict[str, str]:
    return {"national_id": person.national_id, "password": PASSWORD}


def register_at_allauth(browser: Any, person: Person, phone: Phone) -> None:
    """One form with what the portal asks in three steps, then the code."""
    browser.get("/accounts/signup/")
    number = f"+98{person.mobile[1:]}"
    own = {"phone": number, "email": f"{person.number}@example.com", "password1": PASSWORD, "password2": PASSWORD}
    browser.post("/accounts/signup/", ALL | own | {"national_id": person.national_id, "birth_date": "1991-08-08"})
    right("/phone/" in browser.path, browser)
    browser.post(browser.path, {"code": phone(number)})
    right(browser.page == "welcome", browser)


def register_at_floor(browser: Any, person: Person, _phone: Phone) -> None:
    browser.get("/")
    browser.post("/mobile", {"national_id": person.national_id, "mobile": person.mobile})
    browser.post("/code", {"mobile": person.mobile, "code": "123456"})
    browser.post("/identity", {"national_id": person.national_id, "mobile": person.mobile, **ALL})
    browser.get("/done")
    right(browser.page == "done", browser)


def right(found: object, browser: Any) -> None:
    """What is quick because it fails is not measured."""
    if not found:
        text = re.sub(r"<(style|script).*?</\1>|<[^>]*>|\s+", " ", browser.page, flags=re.DOTALL)
        raise RuntimeError(f"{browser.path}: {text[:2000]}")
