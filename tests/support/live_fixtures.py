"""Fixtures of a real portal (`make run` in a home of its own) and of Chromium; started when a test asks for them.

Only tests in a browser need playwright and node_modules, so they are imported there alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import live

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium, started once a module."""
    from tests.support import browsers

    with browsers.chromium() as started:
        yield started


@pytest.fixture(scope="module")
def portal_options() -> dict[str, Any]:
    """What `live.run` gets for this module's portal besides its home. A module overrides it that wants another `port`
    or `env`, or, by what its own one depends on, a fresh portal for each of the module's parameters."""
    return {}


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that no portal has run in. On a copy of it a portal starts in half the time."""
    home = tmp_path_factory.mktemp("new") / "home"
    live.make_home(home)
    return home


@pytest.fixture(scope="module")
def portal(
    portal_options: dict[str, Any], new_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[live.Portal]:
    """A demo in a home of its own, ready, as `portal_options` has it."""
    home = tmp_path_factory.mktemp("portal") / "home"
    shutil.copytree(new_home, home)
    with live.run(home, **portal_options) as started:
        yield started.until_ready()


@pytest.fixture(scope="module")
def account(portal: live.Portal) -> live.Citizen:
    """The demo citizen who matches has registered at this portal and has an account."""
    citizen = live.demo("matches")
    live.register(portal.person(), citizen)
    live.until(lambda: portal.home.results(citizen.mobile), what="the account")
    return citizen
