"""Fixtures of a real portal (`make run` in a home of its own) and of Chromium; started when a test asks for them.

Only tests in a browser need playwright and node_modules, so they are imported there alone.
"""

from __future__ import annotations

from collections.abc import Iterator
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


@pytest.fixture(scope="module")
def portal(portal_options: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.Portal]:
    """A demo in a home of its own, ready, as `portal_options` has it."""
    with live.run(tmp_path_factory.mktemp("portal") / "home", **portal_options) as started:
        yield started.until_ready()


@pytest.fixture(scope="module")
def account(portal: live.Portal) -> live.Citizen:
    """The demo citizen who matches has registered at this portal and has an account."""
    citizen = live.demo("matches")
    live.register(portal.person(), citizen)
    live.until(lambda: portal.home.results(citizen.mobile), what="the account")
    return citizen
