"""Acts as a person at the portal over HTTP: finds fields by their labels, presses the first button, keeps cookies.

Knows the portal only from outside: pages, and the commands `sms_inbox` and `registration_status` of
the home. Standard library only.
"""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pages import Page

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"
MONTHS = (
    "فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند",
)  # fmt: skip
GENDERS = {"female": "زن", "male": "مرد"}
REGISTRATION, HOME = "/portal/registration", "/portal/home"
PARTS = 3  # of step three
SMS_WITHIN = 60.0  # seconds
CODE_GAP = 61.0  # seconds; asked for again sooner, a number gets no second code


class Lost(Exception):
    """The journey cannot go on; the text says which page was shown instead."""


@dataclass(frozen=True)
class Citizen:
    """What one person types. `birth_date` is Jalali, year/month/day."""

    national_id: str = "0070001014"
    mobile: str = "09120000101"
    first_name: str = "رضا"
    last_name: str = "کریمی"
    birth_date: str = "1370/05/17"
    gender: str = "male"
    certificate_number: str = "1254"
    certificate_serial: str = "345678"
    series_letter: str = "الف"
    series_number: str = "12"
    password: str = "Toranj7sangak!"  # noqa: S105 - a made-up person's
    operator: str = "همراه اول"
    city: str = "تهران، تهران"

    def step_one(self) -> dict[str, str]:
        return {"کد ملی": self.national_id, "اپراتور": self.operator, "تلفن همراه": self.mobile}

    def step_three(self) -> dict[str, str]:
        """Label → what is typed or chosen."""
        year, month, day = self.birth_date.split("/")
        return {
            "نام خانوادگی": self.last_name,
            "نام": self.first_name,
            "شماره شناسنامه": self.certificate_number,
            "مسلسل شناسنامه": self.certificate_serial,
            "سری شناسنامه (حرف)": self.series_letter,
            "سری شناسنامه (عدد)": self.series_number,
            "روز": day,
            "ماه": MONTHS[int(month) - 1],
            "سال": year,
            "جنسیت": GENDERS[self.gender],
            "کشور": "ایران",
            "شهر": self.city,
            "آدرس ایمیل": "someone@example.com",
            "گذرواژه": self.password,
            "تکرار گذرواژه": self.password,
            "سوال": "رنگ مورد علاقه شما چیست؟",
            "پاسخ": "آبی آسمانی",
        }


class Home:
    """The running portal's state, by its commands."""

    def __init__(self, folder: Path, env: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.env = dict(os.environ if env is None else env) | {"PORTAL_HOME": str(folder.resolve())}

    def manage(self, *arguments: str) -> str:
        """What the command printed. Raises Lost with its last words if it failed."""
        command = [str(PYTHON), str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True)
        if done.returncode:
            raise Lost(f"manage.py {arguments[0]}: {done.stderr.strip()[-500:]}")
        return done.stdout

    def sms(self, mobile: str) -> list[dict[str, str]]:
        """What the phone received, newest first."""
        received: list[dict[str, str]] = json.loads(self.manage("sms_inbox", "--to", mobile, "--json"))
        return received

    def codes(self, mobile: str) -> list[str]:
        """The codes the phone received, newest first."""
        texts = (sms["text"] for sms in self.sms(mobile) if sms["kind"] == "code")
        return [found[0] for text in texts if (found := re.search(r"(?<!\d)\d{6}(?!\d)", text))]

    def new_code(self, mobile: str, before: int = 0, seconds: float = SMS_WITHIN) -> str:
        """The newest code, once there are more than `before`. Raises Lost when none comes."""

        def newest() -> str:
            codes = self.codes(mobile)
            return codes[0] if len(codes) > before else ""

        code: str = until(newest, what=f"a code for {mobile}", seconds=seconds)
        return code

    def results(self, mobile: str) -> list[str]:
        """The texts of the results the phone received, newest first."""
        return [sms["text"] for sms in self.sms(mobile) if sms["kind"] == "result"]

    def status(self, national_id: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.manage("registration_status", national_id, "--json"))
        return found


def until(condition: Callable[[], Any], *, what: str, seconds: float = SMS_WITHIN) -> Any:
    """The first true answer of `condition`. Raises Lost when there is none within `seconds`."""
    ends = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > ends:
            raise Lost(f"waited {seconds:g} s for {what}")
        time.sleep(0.2)
    return answer


class Person:
    """One browser. `slowest` is the longest time any answer took; `tell` hears of each step.

    `address` is reported as the person's own, as a proxy does; the portal believes it from TRUSTED_PROXIES.
    """

    def __init__(
        self, base_url: str, home: Home, tell: Callable[[str], None] = lambda _: None, address: str = ""
    ) -> None:
        self.base, self.home, self.tell = base_url.rstrip("/"), home, tell
        self.slowest = 0.0
        self.page = Page("")
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)
        if address:
            self._opener.addheaders.append(("X-Forwarded-For", address))

    def go(self, path: str) -> Page:
        return self._ask(urllib.parse.urljoin(self.base, path), None)

    def press(self, labels: dict[str, str], form_has: tuple[str, ...] = ()) -> Page:
        """Fill the fields in the form that has them all and press its first submit."""
        form = self.page.form_with(*(form_has or labels))
        for label, text in labels.items():
            self.page.fill(form, label, text)
        return self._ask(urllib.parse.urljoin(self.page.url, form.action), form.data())

    def press_way(self, ending: str) -> Page:
        """Press the button of a form of its own, such as resend. Raises LookupError."""
        form = next((each for each in self.page.forms if each.action.partition("?")[0].endswith(ending)), None)
        if form is None:
            raise LookupError(f"no form to {ending} on this page: {self.page.summary()}")
        return self._ask(urllib.parse.urljoin(self.page.url, form.action), form.data())

    def _ask(self, url: str, data: list[tuple[str, str]] | None) -> Page:
        body = None if data is None else urllib.parse.urlencode(data).encode()
        request = urllib.request.Request(url, body, {"Referer": self.page.url or url})  # noqa: S310 - the portal's
        began = time.monotonic()
        try:
            with self._opener.open(request, timeout=30) as answer:
                self.page = Page(answer.read().decode(), url=answer.url, status=answer.status)
                leads_on = (answer.headers["Refresh"] or "").partition("0;url=")
        except urllib.error.HTTPError as error:
            with error:
                self.page = Page(error.read().decode(), url=url, status=error.code)
                leads_on = ("", "", "")
        self.slowest = max(self.slowest, time.monotonic() - began)
        return self.go(leads_on[2]) if leads_on[1] and not leads_on[0] else self.page

    def expect(self, *labels: str) -> None:
        """The page has a form with these fields. Raises Lost with what it says instead."""
        try:
            self.page.form_with(*labels)
        except LookupError as error:
            raise Lost(str(error)) from None

    def at(self, path: str) -> bool:
        return urllib.parse.urlsplit(self.page.url).path == path and self.page.status == 200


def register(person: Person, citizen: Citizen) -> str:
    """All three steps; the tracking code, or "" if an account exists already. Raises Lost."""
    before = len(person.home.codes(citizen.mobile))
    step_one(person, citizen)
    step_two(person, code_that_comes(person, citizen, before))
    if person.at(f"{REGISTRATION}/done"):
        person.tell(f"no third step: {person.page.heading}")
        return ""
    return step_three(person, citizen)


def step_one(person: Person, citizen: Citizen) -> None:
    person.go(REGISTRATION)
    person.expect("کد ملی", "اپراتور", "تلفن همراه")
    person.tell(f"step one: {person.page.heading}")
    person.press(citizen.step_one())
    person.expect("کد شناسه")


def code_that_comes(person: Person, citizen: Citizen, before: int) -> str:
    """A code newer than the `before` first ones; asked for again if the number got one a moment ago."""
    try:
        return person.home.new_code(citizen.mobile, before, CODE_GAP)
    except Lost:
        person.tell("no code yet: asking again")
        person.press_way("/resend")
        return person.home.new_code(citizen.mobile, before)


def step_two(person: Person, code: str) -> None:
    person.tell(f"step two: {person.page.heading}")
    person.press({"کد شناسه": code})
    if not person.at(f"{REGISTRATION}/done"):
        person.expect("نام خانوادگی")


def step_three(person: Person, citizen: Citizen) -> str:
    """Each part that is shown, until none asks for more."""
    answers = citizen.step_three()
    for _part in range(PARTS):
        if asked := person.page.typed_into(answers):
            person.tell(f"step three: {person.page.heading}, {asked[0]} …")
            person.press({label: answers[label] for label in asked})
    found = re.search(r"(?<!\d)\d{3}\s\d{3}\s\d{4}(?!\d)", person.page.text.translate(_LATIN))
    if not found:
        raise Lost(f"no tracking code: {person.page.summary()}")
    person.tell(f"done: {person.page.heading}, {found[0]}")
    return re.sub(r"\D", "", found[0])


def sign_in(person: Person, citizen: Citizen) -> None:
    """Raises Lost unless the home page greets by name."""
    person.go("/portal/")
    person.expect("کد ملی", "گذرواژه")
    person.press({"کد ملی": citizen.national_id, "گذرواژه": citizen.password})
    if not person.at(HOME) or citizen.first_name not in person.page.text:
        raise Lost(f"not signed in: {person.page.summary()}")
    person.tell(f"signed in: {person.page.heading}")


_LATIN = str.maketrans("۰۱۲۳۴۵۶۷۸۹", "0123456789")
