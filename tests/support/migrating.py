"""A database of another version of the portal."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps


def migrate(to: Sequence[tuple[str, str]]) -> StateApps:
    """Bring the database to these (app, migration); returns the models as they are there."""
    executor = MigrationExecutor(connection)
    executor.migrate(to)
    return executor.loader.project_state(to).apps


def newest() -> list[tuple[str, str]]:
    """The last migration of each app."""
    return list(MigrationExecutor(connection).loader.graph.leaf_nodes())
