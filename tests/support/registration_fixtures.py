"""Fixtures of registrations: who types, who is asked about them, and a database of an older portal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db.migrations.state import StateApps

from identity import services as identity
from tests.support import journeys
from tests.support.identity_peer import Peer
from tests.support.matching import Asked
from tests.support.migrating import migrate, newest


@pytest.fixture
def browser() -> journeys.Browser:
    """A citizen's browser, without scripts: Django's client that fills in the steps."""
    return journeys.Browser()


@pytest.fixture
def hashing_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that a test makes have no real hash."""
    monkeypatch.setattr(journeys, "make_password", lambda typed: "a hash")


@pytest.fixture
def registries(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """All registries: what they were asked; `say` answers."""
    asked = Asked()
    monkeypatch.setattr(identity, "check_all", asked.check_all)
    return asked


@pytest.fixture
def peer() -> Iterator[Peer]:
    """One provider of a registry, over a real socket."""
    one = Peer()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def an_older_portal(request: pytest.FixtureRequest) -> Iterator[StateApps]:
    """The models of the migrations that the module calls BEFORE; afterwards the database is the newest again."""
    yield migrate(request.module.BEFORE)
    migrate(newest())
