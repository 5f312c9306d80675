"""The people of a checkout in one process without a web server, so that valgrind can count it: see `checkouts.py`.

    python -P …/benchmarks/journeys/in_process.py      (in the checkout's folder, with DATABASE_URL)

Reads "first count": these people register, are decided about, and sign in; until its input ends. With cheap hashes.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from benchmarks.journeys.browser import hidden_in
from benchmarks.journeys.cheap_hashes import make_cheap
from benchmarks.journeys.people import Person, register_at_portal, sign_in_at_portal
from benchmarks.journeys.portal_worker import newest, prepare, run


def serve() -> None:
    prepare()
    make_cheap()
    logging.disable(logging.WARNING)
    for line in sys.stdin:
        first, count = map(int, line.split())
        for number in range(first, first + count):
            person = Person(number)
            register_at_portal(Browser(person.address), person, sent)
            run("registration.match")
            run("sms.drain")
            sign_in_at_portal(Browser(person.address), person)
        print(count, flush=True)


def sent(mobile: str) -> str:
    run("sms.drain")
    return newest(mobile)


class Browser:
    """Somebody who fills in the forms of the page they see."""

    def __init__(self, address: str) -> None:
        from django.test import Client

        self.client = Client(REMOTE_ADDR=address, SERVER_NAME="localhost")
        self.path = self.page = ""

    def get(self, path: str) -> None:
        self._saw(self.client.get(path, follow=True))

    def post(self, path: str, typed: dict[str, str]) -> None:
        self._saw(self.client.post(path, hidden_in(self.page) | typed, follow=True))

    def _saw(self, response: Any) -> None:
        self.path, self.page = response.request["PATH_INFO"], response.content.decode()


if __name__ == "__main__":
    serve()
