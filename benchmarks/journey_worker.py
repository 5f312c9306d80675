"""The people of `journey.py`: they register and sign in, in whichever checkout is the current folder.

That one may be laid out otherwise: only URLs, names of tasks and `sms.models` are known here.
"""

from __future__ import annotations

import gc
import json
import logging
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PASSWORD = "Toranj7sangak!"  # noqa: S105 - of made-up people
REGISTRATION, SIGN_IN = "/portal/registration", "/portal/"
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


def serve(owners: Path) -> None:
    """Read "first count what", have these people go through, write what each journey took of it; until the end."""
    import django

    django.setup()
    from tamin_portal.celery import app

    app.loader.import_default_modules()
    type(app).send_task = lambda *_args, **_more: None  # the tasks are run here, in turn
    hash_cheaply()
    logging.disable(logging.WARNING)
    people = [line.split(",") for line in owners.read_text().split()[1:]]
    measures = {"cpu": cpu, "statements": statements}
    for line in sys.stdin:
        first, count, what = line.split()
        numbers = range(int(first), int(first) + int(count))
        journeys = {"registration": register, "sign-in": sign_in}
        took = {name: measures[what](gone(each, people, numbers)) for name, each in journeys.items()}
        print(json.dumps(took), flush=True)


def hash_cheaply() -> None:
    from django.contrib.auth.hashers import get_hasher

    hasher: Any = type(get_hasher())
    hasher.memory_cost, hasher.time_cost = 64, 1


def gone(journey: Callable[..., None], people: list[list[str]], numbers: range) -> Iterator[None]:
    """One after the other."""
    for number in numbers:
        journey(*people[number], address(number))
        yield


def cpu(journeys: Iterator[None]) -> float:
    """Seconds of each, on the average."""
    gc.collect()
    began = time.process_time()
    count = sum(1 for _each in journeys)
    return (time.process_time() - began) / count


def statements(journeys: Iterator[None]) -> float:
    """Of the one with the fewest: what is asked every some seconds is left out."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts: list[int] = []
    while True:
        with CaptureQueriesContext(connection) as queries:
            if next(journeys, journeys) is journeys:
                return min(counts)
        counts.append(len(queries))


def address(number: int) -> str:
    """Of a network of its own: nobody is slowed down by others."""
    return f"10.{number // 250}.{number % 250}.7"


def register(national_id: str, mobile: str, home: str) -> None:
    """From the first page to the SMS with the result."""
    browser = Browser(home)
    browser.get(REGISTRATION)
    browser.step("mobile", {"national_id": national_id, "operator": "mci", "mobile": mobile})
    browser.step("code", {"code": newest_sms(mobile)[-6:]})
    for part, typed in PARTS.items():
        browser.step(part, typed)
    run("registration.match")
    if re.search(r"#\d{6}$", newest_sms(mobile)):
        raise RuntimeError("no result came after the code")


def sign_in(national_id: str, _mobile: str, home: str) -> None:
    browser = Browser(home)
    browser.get(SIGN_IN)
    browser.post(SIGN_IN, {"national_id": national_id, "password": PASSWORD})
    if "/portal/home" not in browser.path:
        raise RuntimeError(f"not signed in: {browser.page}")
    browser.post("/portal/sign-out", {})


class Browser:
    """Somebody who fills in the forms of the page they see."""

    def __init__(self, home: str) -> None:
        from django.test import Client

        self.client = Client(REMOTE_ADDR=home, SERVER_NAME="localhost")
        self.path = self.page = ""

    def get(self, path: str) -> None:
        self._saw(self.client.get(path, follow=True))

    def post(self, path: str, typed: dict[str, str]) -> None:
        fields = (dict(re.findall(r'(\w+)="([^"]*)"', field)) for field in re.findall("<input [^>]*>", self.page))
        hidden = {field["name"]: field.get("value", "") for field in fields if field.get("type") == "hidden"}
        self._saw(self.client.post(path, hidden | typed, follow=True))

    def step(self, name: str, typed: dict[str, str]) -> None:
        """Fill in this step of the registration. Raises RuntimeError if another one is shown."""
        if f'value="{name}"' not in self.page:
            raise RuntimeError(f"not at {name}: {self.page}")
        self.post(REGISTRATION, {f"{name}-{field}": value for field, value in typed.items()})

    def _saw(self, response: Any) -> None:
        self.path, self.page = response.request["PATH_INFO"], response.content.decode()


def newest_sms(mobile: str) -> str:
    """What the phone received last, once all that is due was sent."""
    from sms.models import InboxMessage

    run("sms.drain")
    return InboxMessage.objects.filter(to=f"+98{mobile[1:]}").latest("pk").text


def run(task: str) -> None:
    from tamin_portal.celery import app

    app.tasks[task]()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
