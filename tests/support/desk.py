"""A clerk at the desk: a signed-in browser that presses the page's buttons."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from accounts.models import User
from registration.models import Registration
from tests.support.accounts import clerk as make_clerk
from tests.support.journeys import code_on

QUEUE = "/admin/registration/registration/"
BOTH_PAPERS = ["national_card", "birth_certificate"]
NOTE = "کارت ملی و شناسنامه را دیدم؛ عکس مطابق است."


class Clerk(Client):
    """One clerk in one browser. The rows that are handed in stand as on the page that is open: its
    `round` is their revision."""

    def __init__(self, username: str = "maryam") -> None:
        super().__init__()
        self.user = User.objects.filter(username=username).first() or make_clerk(username)
        self.force_login(self.user)

    def open(self, row: Registration) -> str:
        response = self.get(url(row, "change"))
        assert response.status_code == 200
        return response.content.decode()

    def send_code(self, row: Registration, *, papers: list[str] = BOTH_PAPERS, note: str = NOTE) -> Any:
        return self.post(url(row, "send-code"), _page(row) | {"papers": papers, "note": note, "code": ""})

    def activate(self, row: Registration, code: str, **changes: Any) -> Any:
        typed = {"papers": BOTH_PAPERS, "note": NOTE, "code": code}
        return self.post(url(row, "activate"), _page(row) | typed | changes)

    def send_and_activate(self, row: Registration) -> Any:
        self.send_code(row)
        return self.activate(row, code_on(row.mobile))

    def reject(self, row: Registration, *, ready: str = "papers_differ", words: str = "", **more: str) -> Any:
        return self.post(url(row, "reject"), _page(row) | {"ready": ready, "words": words} | more)

    def search(self, typed: str, **query: str) -> Any:
        """Type into the search of the queue and press; where that leads."""
        return search(self, QUEUE, typed, **query)

    def told(self, response: Any) -> str:
        """What the page after a redirect says on top."""
        assert response.status_code == 302, response.content.decode()
        page = self.get(response["Location"]).content.decode()
        found = re.search(r'<ul class="messagelist">(.*?)</ul>', page, re.S)
        return found[1] if found else ""


def search(client: Client, page: str, typed: str, **query: str) -> Any:
    """Post the search form of a list in the admin, at its address with `query`."""
    return client.post(f"{page}?{urlencode(query)}" if query else page, {"q": typed})


def _page(row: Registration) -> dict[str, Any]:
    return {"round": row.revision}


def url(row: Registration, page: str) -> str:
    return f"{QUEUE}{row.pk}/{page}/"


def errors_in(response: Any) -> list[str]:
    """The sentences of the summary on top of a page that was refused."""
    assert response.status_code == 200
    form = response.context["form"]
    return [error for errors in form.errors.values() for error in errors]
