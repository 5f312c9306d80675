"""What every test starts from."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.backends.signals import connection_created
from django.test import TransactionTestCase
from hypothesis import HealthCheck, settings

from accounts.passwords.hashers import PortalArgon2Hasher
from common import hints, process_state

# Fixtures of several tests, by what they are about. The first two are imported by other helpers as well.
pytest_plugins = [
    "tests.support.sms_fixtures",
    "tests.support.simulated_time",
    "tests.support.mail_fixtures",
    "tests.support.account_fixtures",
    "tests.support.registration_fixtures",
    "tests.support.live_fixtures",
]

WRITTEN_BY_MIGRATE = {"django_content_type", "auth_permission"}  # no test changes them

# A busy machine is no fault of an example.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--only-database", action="store_true", help="only tests that use the database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --only-database, leave out what says the same on every database."""
    if not config.getoption("--only-database"):
        return
    left_out = [item for item in items if not item.get_closest_marker("django_db")]
    items[:] = [item for item in items if item.get_closest_marker("django_db")]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session", autouse=True)
def tables_are_emptied_by_delete():
    """Django empties the tables after a test by `flush`, which makes all permissions anew each time and, on PostgreSQL,
    a new file for each table. That took longer than most tests."""
    patch = pytest.MonkeyPatch()
    patch.setattr(TransactionTestCase, "_fixture_teardown", _delete_all)
    yield
    patch.undo()


def _delete_all(_case: object) -> None:
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
    deletes = [f"DELETE FROM {connection.ops.quote_name(table)}" for table in sorted(tables - WRITTEN_BY_MIGRATE)]
    if connection.vendor == "postgresql":
        deletes = ["; ".join(deletes)]  # one journey to the server
    with transaction.atomic(), connection.cursor() as cursor:  # foreign keys are checked at its end
        for statement in deletes:
            cursor.execute(statement)


@pytest.fixture(autouse=True)
def hashing_is_cheap(request, monkeypatch):
    """Hashing takes long on purpose, and nearly every test hashes. A test of the hashes asks for `real_hashing`."""
    if "real_hashing" not in request.fixturenames:
        monkeypatch.setattr(PortalArgon2Hasher, "memory_cost", 64)
        monkeypatch.setattr(PortalArgon2Hasher, "time_cost", 1)


@pytest.fixture
def real_hashing():
    """Passwords are hashed as in production."""


@pytest.fixture(autouse=True)
def nothing_is_remembered():
    """What a process knows besides the rows ends with the test, as the rows do."""
    process_state.reset_all()


@pytest.fixture(autouse=True)
def waits_are_a_commands():
    """Who imports the web limits how long this process waits for locks (`limit_waits`). Said before each statement,
    that would stand in the way of tests which look at statements. A test of it limits the waits itself."""
    connection_created.disconnect(dispatch_uid="limit_waits")
    connection.execute_wrappers.clear()


@pytest.fixture(autouse=True)
def published(request, monkeypatch):
    """The hints a test gave, in order; nothing is sent. A test of Redis itself asks for `real_hints`."""
    given: list[str] = []
    if "real_hints" not in request.fixturenames:
        monkeypatch.setattr(hints, "_publish", given.append)
    return given


@pytest.fixture
def real_hints():
    """Hints go out through Celery as in production."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """A journey in a browser that failed tells what the newest window showed then."""
    report = yield
    if report.failed and report.when == "call" and item.get_closest_marker("browser"):
        from tests.support.browsers import Visitor  # needs node_modules, which only these tests have

        if Visitor.latest:
            report.sections.append(("the newest window", Visitor.latest.showing()))
    return report
